/* What a master knows of each slave, and the table of them in order of slave id.
 * Private to the core: cluster.h is its outside. Pure; one thread. */
#ifndef M4H_MASTER_SLAVES_H
#define M4H_MASTER_SLAVES_H

#include "lib/base/attributes.h"
#include "lib/base/heap.h"
#include "lib/base/model.h"
#include "services/master/core/dispatch.h"
#include "services/master/core/tunnel_index.h"

#define M4H_MASTER_SLAVES_MAX 4096u

struct m4h_resync;

struct m4h_slave {
    char id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    uint64_t epoch;
    uint64_t seq; /* the latest that is known to exist in this epoch */
    struct m4h_slave_info info;
    bool has_info;
    bool synced;                    /* the tunnels here are those at the slave */
    enum m4h_slave_state announced; /* by the slave: ready, draining, stopped */
    uint64_t announced_seq;         /* as of this number */
    struct m4h_load load;           /* the latest; zeroed where none came yet */
    uint16_t number; /* below M4H_MASTER_SLAVES_MAX; another's when this one is forgotten */
    struct m4h_holder held;
    struct m4h_seat seat;

    /* Liveness. */
    uint64_t last_seen_ms;
    uint64_t last_seen_wall_ms;
    bool silent;
    bool lost; /* silent, and its tunnels dropped */
    struct m4h_heap_node liveness;
    uint64_t liveness_due_ms;

    /* What the log was told of its life lately: it says itself how often it starts and ends. */
    uint64_t told_since_ms;
    uint32_t told;
    uint32_t untold; /* since the last that was told */

    /* Snapshots: a slave waits for its turn, or has a page under way, or neither
     * (both times UINT64_MAX). It is always in both heaps. */
    struct m4h_heap_node waiting;
    uint64_t waiting_due_ms;
    struct m4h_heap_node asked;
    uint64_t asked_due_ms;
    struct m4h_resync *resync; /* owned; NULL while none is under way */
    uint64_t attempts;
    uint32_t attempts_unconfirmed; /* since a load event agreed */
    uint32_t snapshots_useless;    /* since then: contradicted all the same, or not taken */
};

struct m4h_slaves {
    struct m4h_slave **sorted; /* owned, as are the slaves */
    size_t count;
    size_t allocated;
    struct m4h_slave *by_number[M4H_MASTER_SLAVES_MAX]; /* NULL: no slave has it */
    /* By number, see host_keys.h; what is there of one that has been forgotten does no harm. */
    uint64_t host_key_hashes[M4H_MASTER_SLAVES_MAX][M4H_HOST_KEYS_MAX];
};

/* Takes what a slave says of itself. */
void m4h_slaves_set_info(struct m4h_slaves *slaves, struct m4h_slave *slave,
                         const struct m4h_slave_info *info);
/* Who has told of this host key and is not lost; NULL: nobody. */
const struct m4h_slave *m4h_slaves_find_host_key(const struct m4h_slaves *slaves,
                                                 const uint8_t *key, size_t len);

/* NULL: there is none such. */
struct m4h_slave *m4h_slaves_find(const struct m4h_slaves *slaves, const char *slave_id);
/* The first place whose slave id is after this one; may be `count`. */
size_t m4h_slaves_after(const struct m4h_slaves *slaves, const char *slave_id);
/* Adds a zeroed slave of that id, which must be new. M4H_ENOMEM or M4H_EFULL. */
M4H_MUST_CHECK int m4h_slaves_add(struct m4h_slaves *slaves, const char *slave_id,
                                  struct m4h_slave **slave);
/* Takes it out and frees it; what it holds elsewhere must have been let go. */
void m4h_slaves_remove(struct m4h_slaves *slaves, struct m4h_slave *slave);
/* Frees all of them, and the table. */
void m4h_slaves_free(struct m4h_slaves *slaves);

#endif
