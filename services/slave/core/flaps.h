/* Live devices with one key that throw each other out: they flap. Remembers for
 * each client key when live tunnels of it were thrown out here, and says whether
 * a newcomer may throw out the next one now. Only live tunnels count: the return
 * of a device whose old connection is dead is no eviction. Pure.
 *
 * A bounded table: beyond M4H_FLAPS_KEYS_MAX the key whose last eviction is the
 * oldest is forgotten. */
#ifndef M4H_SLAVE_CORE_FLAPS_H
#define M4H_SLAVE_CORE_FLAPS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#define M4H_FLAPS_KEYS_MAX 4096u
/* Evictions that are remembered of one key: the highest limit. */
#define M4H_FLAPS_EVICTIONS_MAX 16u

struct m4h_flaps;

struct m4h_flaps_limits {
    uint32_t evictions; /* so many in a window are flapping; 0: nothing is */
    uint32_t window_ms;
    uint32_t hold_ms; /* then the next eviction must wait so long after the last */
};

/* What a master saw, on all slaves. */
struct m4h_flaps_seen {
    uint32_t evictions; /* lately; 0: none */
    uint64_t last_ms;   /* when the last one was, on this clock */
};

struct m4h_flaps_verdict {
    uint32_t evictions; /* in the last window, here or as a master saw them */
    bool flapping;
    bool close;  /* it flaps, or would with one more: time to know whether the owner lives */
    bool held;   /* it flaps, and it is too early for the next eviction */
    bool report; /* it flaps, and that was not said within this window */
};

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_flaps_create(struct m4h_flaps **flaps);
/* Accepts NULL. */
void m4h_flaps_destroy(struct m4h_flaps *flaps);

/* A live tunnel of the key was thrown out. Not remembered where memory is short. */
void m4h_flaps_evicted(struct m4h_flaps *flaps, const struct m4h_flaps_limits *limits,
                       const char *client_key, uint64_t now_ms);
/* A newcomer would throw out a tunnel of the key now. */
struct m4h_flaps_verdict m4h_flaps_judge(const struct m4h_flaps *flaps,
                                         const struct m4h_flaps_limits *limits,
                                         const char *client_key, const struct m4h_flaps_seen *seen,
                                         uint64_t now_ms);

/* It was said that the key flaps. Not remembered where memory is short. */
void m4h_flaps_reported(struct m4h_flaps *flaps, const struct m4h_flaps_limits *limits,
                        const char *client_key, uint64_t now_ms);

/* Client keys that are remembered. */
uint32_t m4h_flaps_count(const struct m4h_flaps *flaps);

#endif
