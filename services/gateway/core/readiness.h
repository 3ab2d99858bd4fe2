/* Whether this gateway does its work: connected, and a master has answered a
 * short while ago. Pure: told what happens, asked what follows. */
#ifndef M4H_GATEWAY_READINESS_H
#define M4H_GATEWAY_READINESS_H

#include <stdbool.h>
#include <stdint.h>

/* How often a master is asked, ms, and how long an answer proves it. */
#define M4H_GATEWAY_PROBE_INTERVAL_MS 2000u
#define M4H_GATEWAY_PROBE_PROVES_MS   6000u

struct m4h_gateway_readiness {
    bool is_connected;
    bool is_draining;
    bool has_answered;
    uint64_t answered_ms; /* the latest answer */
};

/* A master answered, whatever it was asked. */
void m4h_gateway_readiness_proved(struct m4h_gateway_readiness *readiness, uint64_t now_ms);
/* Why not, static; NULL: it is ready. */
const char *m4h_gateway_readiness_lack(const struct m4h_gateway_readiness *readiness,
                                       uint64_t now_ms);

#endif
