/* The cluster as this master sees it: a fold of the slaves' events. Events,
 * snapshots and the clock go in; the state changes, and effects come out.
 *
 * The rules, per slave (docs/PROTOCOL tells them to subscribers):
 *  - an event with the next seq applies; one that is not later than the known
 *    seq is a duplicate and is ignored, but for a drain and a stop, which are final: it is
 *    no sign of life, as slaves repeat events until a stream has them;
 *  - ignored is every event of a lower epoch, or of another region in the same epoch,
 *    unless the slave as it is known is lost: then the one that speaks is the one that
 *    lives, and its part begins anew;
 *  - a gap, a new epoch, first sight, or a load event whose seq, number of
 *    tunnels or digest disagrees makes the slave unsynced: a snapshot is asked
 *    for, one at a time, with pauses of a second at most; of more, up to 30 s, where
 *    snapshots do not help, until a load event agrees. An epoch's first event, a start, needs
 *    none: the slave is empty;
 *  - meanwhile its events go on to apply, and are kept to be applied again on
 *    top of the snapshot, which replaces what the slave holds;
 *  - silent for `silent_after_ms`: gets no device; for `lost_after_ms`: its
 *    tunnels are gone until a snapshot brings them back; for `forget_after_ms`:
 *    forgotten. Time is this master's monotonic clock, never the slave's;
 *  - of several tunnels with one client key the winner by m4h_stamp_wins shows;
 *    the others are kicked, and kept until their slave says that they are gone;
 *  - a tunnel that its slave ends as replaced was alive, and is evicted; a client
 *    key with too many evictions flaps (evictions.h).
 *
 * `now_ms` is monotonic and `wall_ms` the wall clock, both of the caller. One
 * thread. Borrowed pointers are valid until the next call. */
#ifndef M4H_MASTER_CLUSTER_H
#define M4H_MASTER_CLUSTER_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "services/master/core/dispatch.h"
#include "services/master/core/effects.h"

struct m4h_cluster;

/* Entries of all slaves together; beyond, a slave's new tunnels are not taken. */
#define M4H_MASTER_TUNNELS_MAX (4u * 1024 * 1024)
/* Snapshots under way at once. */
#define M4H_MASTER_SNAPSHOTS_MAX 32u
/* Events of one slave that are kept while its snapshot is under way; beyond,
 * the snapshot is of no use and another is asked for. */
#define M4H_MASTER_KEPT_EVENTS_MAX 16384u
/* A page that has not come for so long will not come. */
#define M4H_MASTER_PAGE_TIMEOUT_MS 10000u

struct m4h_cluster_config {
    uint64_t silent_after_ms;
    uint64_t lost_after_ms;
    uint64_t forget_after_ms;
    uint64_t seed; /* random; of the tables by name */
    struct m4h_dispatch_config dispatch;
};

/* The wall and the monotonic clock, at one moment. */
struct m4h_moment {
    uint64_t now_ms;
    uint64_t wall_ms;
};

struct m4h_cluster_stats {
    uint64_t events[M4H_EVENT_TYPE_COUNT]; /* taken, by type */
    uint64_t duplicates;
    uint64_t old_epochs;
    uint64_t wrong_regions;
    uint64_t gaps;
    uint64_t digest_mismatches;
    uint64_t not_taken; /* slaves, regions or tunnels beyond the bounds; no memory */
    uint64_t snapshots_asked;
    uint64_t snapshots_installed;
    uint64_t snapshots_failed;
    uint64_t kicks;
    uint64_t evictions; /* of live tunnels by another connection with their client key */
    uint64_t effects_refused;
    size_t entries;                      /* tunnels of all slaves, losers too */
    size_t tunnels;                      /* that show */
    size_t flapping;                     /* client keys */
    size_t slaves[M4H_SLAVE_SILENT + 1]; /* by state */
    size_t slaves_unsynced;
};

/* `*cluster` is NULL on error: M4H_ENOMEM. Copies `config`. */
M4H_MUST_CHECK int m4h_cluster_create(struct m4h_cluster **cluster,
                                      const struct m4h_cluster_config *config);
/* See m4h_dispatch_set_config. */
void m4h_cluster_set_dispatch(struct m4h_cluster *cluster,
                              const struct m4h_dispatch_config *config);
/* Accepts NULL. */
void m4h_cluster_destroy(struct m4h_cluster *cluster);

/* ---- what comes in -------------------------------------------------------- */

/* Folds an event in. It cannot fail: what it has no memory for leaves the slave
 * unsynced. */
void m4h_cluster_event(struct m4h_cluster *cluster, const struct m4h_event *event,
                       struct m4h_moment moment);
/* The answer to a SNAPSHOT effect; late and foreign ones are ignored. */
void m4h_cluster_snapshot(struct m4h_cluster *cluster, const char *slave_id,
                          const struct m4h_snapshot_ticket *ticket,
                          const struct m4h_snapshot_page *page, const struct m4h_tunnel *tunnels,
                          size_t count, struct m4h_moment moment);
/* There was no (good) answer. */
void m4h_cluster_snapshot_failed(struct m4h_cluster *cluster, const char *slave_id,
                                 const struct m4h_snapshot_ticket *ticket, const char *why,
                                 struct m4h_moment moment);
/* Whether this master hears the bus at all. While it does not, nobody grows
 * silent: the time does not count. Online at first. */
void m4h_cluster_set_online(struct m4h_cluster *cluster, bool online, uint64_t now_ms);
/* Does what is due. Returns when to call again at the latest. */
uint64_t m4h_cluster_tick(struct m4h_cluster *cluster, struct m4h_moment moment);
/* When m4h_cluster_tick must be called at the latest. */
uint64_t m4h_cluster_next_tick_ms(const struct m4h_cluster *cluster);

/* ---- what goes out -------------------------------------------------------- */

/* Takes out the oldest effect. False: there is none. */
bool m4h_cluster_take_effect(struct m4h_cluster *cluster, struct m4h_effect *effect);

/* Gives a device a slave: fills `slot` and returns 0, or fills `problem` (see
 * m4h_dispatch_pick) and returns M4H_EUNAVAILABLE. */
M4H_MUST_CHECK int m4h_cluster_dispatch(struct m4h_cluster *cluster,
                                        const struct m4h_dispatch_request *request,
                                        struct m4h_moment moment, uint64_t random,
                                        struct m4h_slot *slot, struct m4h_problem *problem);

/* Whether a slot is kept for that device, so that giving it none takes one back. */
bool m4h_cluster_keeps_slot(const struct m4h_cluster *cluster, const char *client_key);

/* Another master gave a slot, or took one back. */
void m4h_cluster_shared(struct m4h_cluster *cluster,
                        const struct m4h_shared_reservation *reservation, uint64_t now_ms);

/* The stamp of the tunnel that owns the client key; 0: none. */
uint64_t m4h_cluster_owner_stamp(const struct m4h_cluster *cluster, const char *client_key);
/* What a slave must know of the device before it lets it in: fills owner_stamp,
 * last_port, evictions and evicted_ago_ms. */
void m4h_cluster_introduce(const struct m4h_cluster *cluster, const char *client_key,
                           uint64_t now_ms, struct m4h_authorize_reply *reply);

/* The slave whose host key this is, in its SSH wire form; NULL: that of none which is not
 * lost. A slave says itself which keys it has. */
const char *m4h_cluster_find_host_key(const struct m4h_cluster *cluster, const uint8_t *key,
                                      size_t len);

/* Where the device hangs, for the slave that an operator is at. M4H_ENOTFOUND: it is not
 * connected; M4H_EUNAVAILABLE: its slave has not said yet where it is reached. */
M4H_MUST_CHECK int m4h_cluster_locate(const struct m4h_cluster *cluster, const char *client_key,
                                      struct m4h_located *located);

/* The slave still holds the tunnel, and it is not the one that shows: a kick is
 * still right. */
bool m4h_cluster_is_loser(const struct m4h_cluster *cluster, const char *slave_id,
                          const char *client_key, uint64_t tunnel_id);

/* Every slave that is heard of is synced. */
bool m4h_cluster_is_synced(const struct m4h_cluster *cluster);

/* The totals (master_id, version and started_wall_ms are left to the caller),
 * and the regions in order of name, at most M4H_REGIONS_MAX. */
void m4h_cluster_status(const struct m4h_cluster *cluster, struct m4h_cluster_status *status,
                        struct m4h_region_status regions[M4H_REGIONS_MAX], size_t *region_count);

/* A page of the slaves of which more is known than that they exist. Fills at
 * most request->page_size; `*next_page_token` is "" after the last page. */
void m4h_cluster_slaves(const struct m4h_cluster *cluster, const struct m4h_page_request *request,
                        struct m4h_slave_status *slaves, size_t *count,
                        char next_page_token[M4H_PAGE_TOKEN_MAX + 1]);

/* A page of the tunnels that show. Where very many do not, since another slave's tunnel owns
 * their client key, or have not the labels that are asked for, a page may be short, even empty, and
 * still have a token: what one page costs is bounded. */
void m4h_cluster_tunnels(const struct m4h_cluster *cluster, const struct m4h_page_request *request,
                         struct m4h_tunnel_status *tunnels, size_t *count,
                         char next_page_token[M4H_PAGE_TOKEN_MAX + 1]);

/* The tunnel that owns the client key. M4H_ENOTFOUND. */
M4H_MUST_CHECK int m4h_cluster_tunnel(const struct m4h_cluster *cluster, const char *client_key,
                                      struct m4h_tunnel_status *tunnel);

void m4h_cluster_stats(const struct m4h_cluster *cluster, struct m4h_cluster_stats *stats);
void m4h_cluster_dispatch_stats(const struct m4h_cluster *cluster,
                                struct m4h_dispatch_stats *stats);

#endif
