/* Copies of all tunnels, each of one moment, from which masters are given pages. A few are
 * kept, as several masters may ask at the same time; who asks while nothing has happened since
 * the last copy gets that one. A copy that nobody has asked for lately goes; where a new one
 * needs its place, that which nobody has asked for longest. Pure; one thread. */
#ifndef M4H_SLAVE_CORE_SNAPSHOTS_H
#define M4H_SLAVE_CORE_SNAPSHOTS_H

#include "services/slave/core/roster.h"

#define M4H_SNAPSHOTS_KEPT    4u
#define M4H_SNAPSHOTS_KEPT_MS 30000u /* after it was asked for last */

struct m4h_snapshot_copy {
    uint64_t id; /* 0: none is kept here */
    uint64_t asked_ms;
    uint64_t seq;
    uint64_t digest;
    enum m4h_slave_state state;
    struct m4h_tunnel *tunnels; /* owned */
    size_t count;
};

struct m4h_snapshots {
    uint32_t page_tunnels; /* at most M4H_SNAPSHOT_PAGE_TUNNELS */
    uint64_t last_id;
    struct m4h_snapshot_copy kept[M4H_SNAPSHOTS_KEPT];
};

/* Of what a copy is made: the slave as it is now. */
struct m4h_snapshot_source {
    const struct m4h_roster *roster;
    uint64_t seq; /* of the last event */
    enum m4h_slave_state state;
};

void m4h_snapshots_init(struct m4h_snapshots *snapshots, uint32_t page_tunnels);
/* Harmless where it is zeroed, or was freed. */
void m4h_snapshots_free(struct m4h_snapshots *snapshots);

/* Finds the page, of a copy that is kept or (snapshot_id 0) of the slave as it is. Fills in the
 * page's snapshot_id, page, last, seq and state; the rest is the owner's. `*tunnels`, `*count` of
 * them, are borrowed until the next call. M4H_ENOTFOUND: there is no such page (any more), the
 * master must begin anew; M4H_ENOMEM. Nothing is filled in then, and what was kept is kept. */
M4H_MUST_CHECK int m4h_snapshots_page(struct m4h_snapshots *snapshots,
                                      const struct m4h_snapshot_request *request,
                                      const struct m4h_snapshot_source *source, uint64_t now_ms,
                                      struct m4h_snapshot_page *page,
                                      const struct m4h_tunnel **tunnels, size_t *count);

#endif
