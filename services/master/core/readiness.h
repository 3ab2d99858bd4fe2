/* Whether this master answers for the cluster: connected, and it has had the
 * time to hear every slave and to learn what each of them holds. A load event
 * comes every 2 s, so who lives is heard within 3 s. Once ready it is ready again
 * as soon as it is connected again: its picture is that of before and heals
 * within a load event. Pure. */
#ifndef M4H_MASTER_READINESS_H
#define M4H_MASTER_READINESS_H

#include <stdbool.h>
#include <stdint.h>

#define M4H_MASTER_LISTEN_MS 3000u
/* A slave that cannot be synced does not hold the others up for longer. */
#define M4H_MASTER_LISTEN_MAX_MS 20000u

/* Zeroed at first. */
struct m4h_master_readiness {
    bool is_connected;
    bool was_ready;
    bool is_ready;
    uint64_t connected_ms;
};

void m4h_master_readiness_connected(struct m4h_master_readiness *readiness, bool is_connected,
                                    uint64_t now_ms);
/* Decides anew. `is_synced`: every slave that was heard is. Returns whether
 * is_ready has changed. */
bool m4h_master_readiness_decide(struct m4h_master_readiness *readiness, bool is_synced,
                                 uint64_t now_ms);
/* When time alone may change it; UINT64_MAX: never. */
uint64_t m4h_master_readiness_next_ms(const struct m4h_master_readiness *readiness,
                                      uint64_t now_ms);
/* Why it is not ready, static; NULL: it is. */
const char *m4h_master_readiness_lack(const struct m4h_master_readiness *readiness);

#endif
