/* The kicks of tunnels that lost their client key to a newer one: which to send now, and
 * which again. A kick is right for as long as its slave holds the tunnel and another one
 * shows; so long it is tried, with pauses that grow to M4H_KICKS_PAUSE_MAX_MS, since nothing
 * else would ever end the older connection. What is wanted twice is sent once.
 *
 * wanted -> taken (under way) -> answered: done, it ends
 *                                          failed, it waits -> taken ...
 *           (or is no longer right, and ends)
 *
 * `now_ms` is monotonic. Pure; one thread. */
#ifndef M4H_MASTER_KICKS_H
#define M4H_MASTER_KICKS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stddef.h>

/* Kicks under way or waiting; beyond, one is not taken, and its tunnel stays until the next
 * snapshot of its slave. */
#define M4H_KICKS_MAX 65536u
/* Between a failure and the next try. */
#define M4H_KICKS_PAUSE_FIRST_MS 500u
#define M4H_KICKS_PAUSE_MAX_MS   1000u

struct m4h_cluster;
struct m4h_kicks;

/* One to be sent. Slave id and tunnel id name it. */
struct m4h_kick {
    char slave_id[M4H_ID_MAX + 1];
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    uint64_t tunnel_id;
    uint32_t tries; /* with this one */
};

/* `*kicks` is NULL on error: M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_kicks_create(struct m4h_kicks **kicks);
/* Accepts NULL. */
void m4h_kicks_destroy(struct m4h_kicks *kicks);

/* The tunnel is to be kicked, at once; one that is known already goes on as it is.
 * M4H_EFULL or M4H_ENOMEM: it is not taken. */
M4H_MUST_CHECK int m4h_kicks_want(struct m4h_kicks *kicks, const char *slave_id,
                                  const char *client_key, uint64_t tunnel_id, uint64_t now_ms);
/* The next one that is due; it is under way from now on, until it is answered. Those that are
 * not right any more end. False: none is due. */
bool m4h_kicks_take(struct m4h_kicks *kicks, const struct m4h_cluster *cluster, uint64_t now_ms,
                    struct m4h_kick *kick);
/* How one that was taken went: done, or to be tried again. */
void m4h_kicks_answered(struct m4h_kicks *kicks, const struct m4h_kick *kick, bool done,
                        uint64_t now_ms);
/* When m4h_kicks_take must be called; UINT64_MAX: no need. */
uint64_t m4h_kicks_next_ms(const struct m4h_kicks *kicks);
/* Under way or waiting. */
size_t m4h_kicks_count(const struct m4h_kicks *kicks);

#endif
