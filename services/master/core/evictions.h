/* How often live tunnels of a client key were thrown out lately by another connection
 * with the same key. Once is a device that moved; again and again is two live devices
 * that share a key: they flap. Also what a slave reports as flapping counts as such.
 *
 * A table of the client keys with an eviction in the last window, bounded: beyond, the
 * one whose time ends first is forgotten. `now_ms` is monotonic. Pure; one thread. */
#ifndef M4H_MASTER_EVICTIONS_H
#define M4H_MASTER_EVICTIONS_H

#include "lib/base/heap.h"
#include "lib/base/model.h"

/* Evictions are remembered for so long. */
#define M4H_EVICTIONS_WINDOW_MS 60000u
/* So many in one window are flapping. */
#define M4H_EVICTIONS_FLAPPING 3u
/* More than so many in one window are counted as so many. */
#define M4H_EVICTIONS_COUNTED_MAX 16u
/* Client keys in the table. */
#define M4H_EVICTIONS_KEYS_MAX 65536u
/* A slave's report holds for a window and its hold, and that for no longer than this. */
#define M4H_EVICTIONS_HOLD_MAX_MS 3600000u

struct m4h_evicted;

struct m4h_evictions {
    struct m4h_evicted *by_key; /* owned */
    struct m4h_heap due;        /* the same ones, by when they change next */
    size_t count;
    size_t flapping; /* of them */
    uint64_t total;  /* evictions since the start */
};

/* What is known of one client key. */
struct m4h_evictions_of {
    uint32_t count;  /* in the last window */
    uint32_t ago_ms; /* since the last one; 0 where there is none */
};

void m4h_evictions_init(struct m4h_evictions *evictions);
void m4h_evictions_free(struct m4h_evictions *evictions);

/* A live tunnel of the client key was thrown out. True: it begins to flap. Without
 * memory it is not counted. */
bool m4h_evictions_add(struct m4h_evictions *evictions, const char *client_key, uint64_t now_ms);
/* A slave says that the client key flaps, and keeps newcomers waiting for `hold_ms`.
 * True: it begins to. */
bool m4h_evictions_report(struct m4h_evictions *evictions, const char *client_key, uint32_t hold_ms,
                          uint64_t now_ms);
struct m4h_evictions_of m4h_evictions_find(const struct m4h_evictions *evictions,
                                           const char *client_key, uint64_t now_ms);
/* Whether it flaps, as of the last m4h_evictions_expire. */
bool m4h_evictions_flaps(const struct m4h_evictions *evictions, const char *client_key);

/* Forgets what is over. */
void m4h_evictions_expire(struct m4h_evictions *evictions, uint64_t now_ms);
/* When m4h_evictions_expire must be called; UINT64_MAX: no need. */
uint64_t m4h_evictions_next_ms(const struct m4h_evictions *evictions);

#endif
