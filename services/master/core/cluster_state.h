/* Private to the cluster: its state, and what its parts say to each other.
 * fold.c takes events in, resync.c snapshots, liveness.c the time; status.c
 * and tunnel_pages.c answer; cluster.c holds it together. */
#ifndef M4H_MASTER_CLUSTER_STATE_H
#define M4H_MASTER_CLUSTER_STATE_H

#include "services/master/core/cluster.h"
#include "services/master/core/evictions.h"
#include "services/master/core/last_places.h"
#include "services/master/core/slaves.h"

struct m4h_cluster {
    struct m4h_cluster_config config;
    struct m4h_slaves slaves;
    struct m4h_tunnel_index tunnels;
    struct m4h_dispatch *dispatch;
    struct m4h_heap liveness; /* all slaves, by liveness_due_ms */
    struct m4h_heap waiting;  /* all slaves, by waiting_due_ms */
    struct m4h_heap asked;    /* all slaves, by asked_due_ms */
    size_t asked_count;
    size_t unsynced_count; /* of those that are not lost */
    bool online;
    uint64_t offline_since_ms;
    struct m4h_evictions evictions;
    struct m4h_last_places last_places;
    struct m4h_effects effects;
    struct m4h_cluster_stats stats;
};

/* ---- cluster.c ------------------------------------------------------------ */

/* Bounded for each slave, as the process behind it may start as often as it likes. */
void m4h_cluster_note(struct m4h_cluster *cluster, struct m4h_slave *slave, enum m4h_note note,
                      const char *why, uint64_t age_ms);
/* Tells dispatch what has become of the slave. */
void m4h_cluster_update_seat(struct m4h_slave *slave);
/* Sets `synced` or `lost`, and keeps the count of the unsynced right. */
void m4h_cluster_set_synced(struct m4h_cluster *cluster, struct m4h_slave *slave, bool synced);
void m4h_cluster_set_lost(struct m4h_cluster *cluster, struct m4h_slave *slave, bool lost);
/* What REST and dispatch go by. */
enum m4h_slave_state m4h_slave_state_of(const struct m4h_slave *slave);
bool m4h_slave_is_listed(const struct m4h_slave *slave);

/* ---- status.c ------------------------------------------------------------- */

/* It is listed, and the filter of the page leaves it. */
bool m4h_slave_is_wanted(const struct m4h_slave *slave, const struct m4h_page_request *request);

/* ---- fold.c --------------------------------------------------------------- */

/* Puts a tunnel in at the slave and kicks who loses by it. Owns `entry`. M4H_ENOMEM: the
 * slave's tunnels are not right any more, which is counted. */
M4H_MUST_CHECK int m4h_fold_insert(struct m4h_cluster *cluster, struct m4h_slave *slave,
                                   struct m4h_entry *entry, uint64_t now_ms);
/* The same of a tunnel in a snapshot, which may be there already: cheaper then, and
 * who loses is kicked again. Inside a renewal (tunnel_index.h). */
M4H_MUST_CHECK int m4h_fold_renew(struct m4h_cluster *cluster, struct m4h_slave *slave,
                                  struct m4h_entry *entry, uint64_t now_ms);
/* Takes a tunnel out, where the slave has it. */
void m4h_fold_remove(struct m4h_cluster *cluster, struct m4h_slave *slave, const char *client_key,
                     uint64_t tunnel_id);
/* The slave said what state it is in, as of one of its numbers; nothing where it said so of
 * a later one before. */
void m4h_fold_announce(struct m4h_cluster *cluster, struct m4h_slave *slave,
                       enum m4h_slave_state state, uint64_t seq);
/* Another process runs under this id: nothing of the one before holds. */
void m4h_fold_begin_epoch(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t epoch);
/* Puts the slave into another region. M4H_ENOMEM or M4H_EFULL: it has no seat. */
M4H_MUST_CHECK int m4h_fold_move(struct m4h_cluster *cluster, struct m4h_slave *slave,
                                 const char *region);

/* ---- resync.c ------------------------------------------------------------- */

/* What the slave holds is no longer known to be right: a snapshot is wanted, and
 * one that is under way will not do. */
void m4h_resync_want(struct m4h_cluster *cluster, struct m4h_slave *slave, const char *why,
                     uint64_t now_ms);
/* A snapshot is waited for or under way. */
bool m4h_resync_is_wanted(const struct m4h_slave *slave);
/* The slave has just started: what its process before had goes, piece by piece where it is
 * much, and then the slave is synced. */
void m4h_resync_start_empty(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms);
/* Keeps an event that comes while a snapshot is under way. */
void m4h_resync_keep(struct m4h_cluster *cluster, struct m4h_slave *slave,
                     const struct m4h_event *event);
/* Wants no snapshot any more, and forgets the one that is under way. */
/* The slave's word agrees with what is held: a snapshot will help, after a short pause. */
void m4h_resync_hurry(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms);
void m4h_resync_cancel(struct m4h_cluster *cluster, struct m4h_slave *slave);
/* Gives up what takes too long, and asks for what is due. */
void m4h_resync_tick(struct m4h_cluster *cluster, uint64_t now_ms);
/* Puts in some more of a snapshot, where one has come. */
void m4h_resync_go_on(struct m4h_cluster *cluster, uint64_t now_ms);

/* ---- liveness.c ----------------------------------------------------------- */

/* The slave was heard just now. */
void m4h_liveness_heard(struct m4h_cluster *cluster, struct m4h_slave *slave,
                        struct m4h_moment moment);
void m4h_liveness_tick(struct m4h_cluster *cluster, uint64_t now_ms);

#endif
