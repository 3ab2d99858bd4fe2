/* Private to the master: what its parts share. events.c takes events in,
 * requests.c and authorize.c answer, snapshots.c and kicks.c carry out effects, notes.c logs
 * them, metrics.c counts; master.c holds it together. One loop. */
#ifndef M4H_MASTER_IO_SERVICE_H
#define M4H_MASTER_IO_SERVICE_H

#include "lib/base/buffer.h"
#include "lib/base/latency.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/base/revocations.h"
#include "lib/base/revocations_pull.h"
#include "lib/base/stamp.h"
#include "lib/bus/bus.h"
#include "lib/http/ops.h"
#include "lib/net/pump.h"
#include "lib/net/timer.h"
#include "services/master/core/cluster.h"
#include "services/master/core/kicks.h"
#include "services/master/core/masters.h"
#include "services/master/core/readiness.h"
#include "services/master/core/record_pull.h"
#include "services/master/io/chain.h"
#include "services/master/io/stream.h"
#include "services/master/master.h"

#define M4H_MASTER_LOG "master"

struct m4h_asking;
struct m4h_audit;
struct m4h_enrolling;
struct m4h_records;
struct m4h_snapshot_ask;
struct m4h_kick_ask;

/* How requests ended. */
enum m4h_dispatch_result {
    M4H_DISPATCH_SLOT,
    M4H_DISPATCH_NO_CAPACITY,
    M4H_DISPATCH_THROTTLED,
    M4H_DISPATCH_NOT_READY,
    M4H_DISPATCH_FAILED,
    M4H_DISPATCH_RESULTS,
};

enum m4h_authorize_result {
    M4H_AUTHORIZE_ALLOWED,
    M4H_AUTHORIZE_DENIED,
    M4H_AUTHORIZE_UNAVAILABLE,
    M4H_AUTHORIZE_FAILED,
    M4H_AUTHORIZE_RESULTS,
};

/* What others ask a master. */
enum m4h_master_request {
    M4H_MASTER_DISPATCH,
    M4H_MASTER_AUTHORIZE,
    M4H_MASTER_STATUS,
    M4H_MASTER_DEVICES,
    M4H_MASTER_REQUESTS,
};

struct m4h_master_counters {
    uint64_t bad_events;    /* not to be decoded */
    uint64_t forged_events; /* under the subject of another slave */
    uint64_t dispatches[M4H_DISPATCH_RESULTS];
    uint64_t authorizations[M4H_AUTHORIZE_RESULTS];
    uint64_t status_answers;
    uint64_t status_problems;
    uint64_t kicks_done;
    uint64_t kicks_failing;   /* tried often, and still tried */
    uint64_t kicks_not_taken; /* beyond the bound, or no memory */
    uint64_t answers_lost;    /* that the bus did not take */
    uint64_t hellos_lost;
    uint64_t shared_out; /* reservations that other masters were told */
    uint64_t shared_lost;
    uint64_t voids_lost; /* revocations that slaves hear of by the next hello only */
    uint64_t bad_shared; /* what other masters said and could not be taken */
};

struct m4h_master {
    struct m4h_master_config *config;  /* borrowed */
    struct m4h_config_source *source;  /* borrowed; NULL: it is not read again */
    struct m4h_supervisor *supervisor; /* borrowed; may be NULL */
    struct m4h_loop *loop;             /* borrowed */
    uint64_t started_wall_ms;
    struct m4h_pump *pump;
    struct m4h_bus *bus;
    struct m4h_timer *tick;
    struct m4h_timer *file_watch;
    struct m4h_timer *hello;
    struct m4h_timer *leaving; /* NULL: it stays */
    bool has_left_queues;
    void (*on_left)(void *context);
    void *left_context;
    struct m4h_http_server *http; /* NULL: none */
    struct m4h_http_ops ops;
    struct m4h_http_routes routes;
    struct m4h_cluster *cluster;
    struct m4h_master_readiness readiness;
    struct m4h_masters masters;
    struct m4h_shared_reservation shared[M4H_SHARED_RESERVATIONS_MAX]; /* of this turn */
    size_t shared_count;
    struct m4h_chain *chain;                /* of validators */
    struct m4h_asking *askings;             /* owned; keys that validators are asked about */
    struct m4h_snapshot_ask *snapshot_asks; /* owned; under way */
    struct m4h_kicks *kicks;
    struct m4h_kick_ask *kick_asks; /* owned; under way */
    struct m4h_master_streams streams;
    struct m4h_audit *audit;
    struct m4h_buffer out; /* for one message at a time */
    struct m4h_tunnel_status *tunnels_page;
    struct m4h_slave_status *slaves_page;
    struct m4h_region_status *regions;
    struct m4h_stamp_clock stamps;
    struct m4h_records *records;
    struct m4h_record_pull record_pull; /* of other masters' records */
    bool record_page_is_in;             /* and the next is to be asked for */
    bool records_complete;              /* see m4h_master_records_are_complete */
    struct m4h_enrolling *enrolling;    /* owned */
    struct m4h_revocations *revocations;
    struct m4h_revocations_pull pull; /* of other masters' revocations */
    /* Keeps what bans, or lifts a ban, for the next start. True: `asker` (NULL: nobody) is answered
     * when it is kept, or cannot be. False: only this process knows it. */
    bool (*keep_ban)(void *context, const struct m4h_revoke *revoke,
                     const struct m4h_bus_message *asker);
    void *keep_ban_context;
    uint64_t random;
    uint64_t alive_ms; /* when the loop last did something */
    struct m4h_master_counters counters;
    struct m4h_histogram latency[M4H_MASTER_REQUESTS]; /* from the bus to the answer */
    struct m4h_log_limit event_log;
    struct m4h_log_limit deny_log;
    struct m4h_log_limit note_log;
    struct m4h_log_limit displaced_limit; /* messages to them */
    struct m4h_log_limit flapping_log;
    struct m4h_log_limit revocation_log;
    struct m4h_log_limit void_log;
};

/* ---- master.c -------------------------------------------------------------- */

struct m4h_moment m4h_master_moment(const struct m4h_master *master);
uint64_t m4h_master_random(struct m4h_master *master);

/* ---- events.c -------------------------------------------------------------- */

void m4h_master_on_event(void *context, const struct m4h_bus_message *message);

/* ---- requests.c ------------------------------------------------------------ */

void m4h_master_on_dispatch(void *context, const struct m4h_bus_message *message);

/* ---- authorize.c ----------------------------------------------------------- */

void m4h_master_on_authorize(void *context, const struct m4h_bus_message *message);
/* Keys that validators are asked about. */
size_t m4h_master_askings(const struct m4h_master *master);
/* Who still waits gets no answer. After the chain. */
void m4h_master_free_askings(struct m4h_master *master);

/* ---- queries.c ------------------------------------------------------------- */

void m4h_master_on_cluster(void *context, const struct m4h_bus_message *message);
void m4h_master_on_slaves(void *context, const struct m4h_bus_message *message);
void m4h_master_on_tunnels(void *context, const struct m4h_bus_message *message);
void m4h_master_on_tunnel(void *context, const struct m4h_bus_message *message);
void m4h_master_on_locate(void *context, const struct m4h_bus_message *message);

/* Fills the problem where this master does not answer for the cluster now. */
bool m4h_master_answers(const struct m4h_master *master, struct m4h_problem *problem);
/* Sends what is in `out` as the answer; `error` is that of encoding it. */
void m4h_master_answer(struct m4h_master *master, const struct m4h_bus_message *message,
                       enum m4h_master_request kind, int error);
/* The same, later: `reply` NULL is nobody. */
void m4h_master_answer_to(struct m4h_master *master, const char *reply, uint64_t arrived_us,
                          enum m4h_master_request kind, int error);

/* ---- revocations.c --------------------------------------------------------- */

/* Once, before the bus is there. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_master_open_revocations(struct m4h_master *master);
/* What was decided about a key until now is void: slaves ask again before they let it in, and cut
 * what it has. One of the two names is "". The bus must be there. */
void m4h_master_void(struct m4h_master *master, const char *key_fingerprint, const char *client_key,
                     const char *reason);
/* Whether a key, or a device, may not be let in whatever validators say ("" for one: not known);
 * `detail` says why. */
bool m4h_master_is_banned(const struct m4h_master *master, const char *key_fingerprint,
                          const char *client_key, char detail[M4H_DETAIL_MAX + 1]);
/* One that `keep_ban` had kept. Before the bus is there. */
void m4h_master_restore_ban(struct m4h_master *master, const struct m4h_revoke *revoke);
/* Another master says which revocations it has: what is missing here is asked for. */
void m4h_master_heard_revocations(struct m4h_master *master, const struct m4h_master_hello *hello);
void m4h_master_on_revoke(void *context, const struct m4h_bus_message *message);
void m4h_master_on_revoke_request(void *context, const struct m4h_bus_message *message);
void m4h_master_on_revocations(void *context, const struct m4h_bus_message *message);

/* ---- devices.c -------------------------------------------------------------- */

void m4h_master_on_devices_list(void *context, const struct m4h_bus_message *message);
void m4h_master_on_device_get(void *context, const struct m4h_bus_message *message);
void m4h_master_on_device_put(void *context, const struct m4h_bus_message *message);
void m4h_master_on_device_remove(void *context, const struct m4h_bus_message *message);

/* ---- record_sync.c ----------------------------------------------------------- */

/* Tells the other masters of records that were changed here. Returns how many were not told: they
 * will ask. */
uint64_t m4h_master_tell_records(struct m4h_master *master, const struct m4h_device_record *records,
                                 size_t count);
void m4h_master_on_devices_changed(void *context, const struct m4h_bus_message *message);
/* Another master says which records it has: where they are not ours, we ask for them. */
void m4h_master_heard_records(struct m4h_master *master, const struct m4h_master_hello *hello);
/* No change waits to be written any more, or a page has come. */
void m4h_master_records_settled(struct m4h_master *master);
/* Whether a key without a record is unknown: this master has had the time to hear of it. */
bool m4h_master_records_are_complete(struct m4h_master *master);

/* ---- database.c --------------------------------------------------------------- */

/* Once, at the start. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_master_open_enrolment(struct m4h_master *master);
/* No validator knows a key: where it may wait for approval it does, and the reply, which refuses
 * it, says so. */
void m4h_master_enrol(struct m4h_master *master, const struct m4h_authorize_request *request,
                      struct m4h_authorize_reply *reply);
void m4h_master_write_enrolment_metrics(const struct m4h_master *master,
                                        struct m4h_metrics *metrics);

/* ---- snapshots.c ----------------------------------------------------------- */

/* Asks for a page; its end goes into the cluster. */
void m4h_master_ask_snapshot(struct m4h_master *master, const struct m4h_effect *effect);
/* An event of an older process of a slave was ignored: lets that process hear of the one that is
 * known, by a request for no page. Limited. */
void m4h_master_tell_displaced(struct m4h_master *master, const struct m4h_effect *effect);
void m4h_master_free_snapshots(struct m4h_master *master);

/* ---- kicks.c --------------------------------------------------------------- */

/* Kicks, as often as need be, as long as it is right: with m4h_master_run_kicks. */
void m4h_master_kick(struct m4h_master *master, const struct m4h_effect *effect);
/* Sends what is due. Returns when to call again at the latest. */
uint64_t m4h_master_run_kicks(struct m4h_master *master);
void m4h_master_free_kicks(struct m4h_master *master);

/* ---- masters.c -------------------------------------------------------------- */

/* Once, before the bus is there. M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_master_open_masters(struct m4h_master *master);
/* The bus is there: says hello, and again every 2 s. */
void m4h_master_greet(struct m4h_master *master);
/* The last word; the bus must still be there. */
void m4h_master_take_leave(struct m4h_master *master);
void m4h_master_on_hello(void *context, const struct m4h_bus_message *message);
void m4h_master_on_reservations(void *context, const struct m4h_bus_message *message);
/* A slot was given, or (slave_id "") taken back: the others will hear of it. */
void m4h_master_share(struct m4h_master *master, const char *slave_id, const char *client_key);
/* Sends what was shared since the last time. */
void m4h_master_send_shared(struct m4h_master *master);

/* ---- notes.c --------------------------------------------------------------- */

void m4h_master_log_note(struct m4h_master *master, const struct m4h_effect *effect);
void m4h_master_log_flapping(struct m4h_master *master, const struct m4h_effect *effect);

/* ---- metrics.c ------------------------------------------------------------- */

void m4h_master_write_metrics(void *context, struct m4h_metrics *metrics);

#endif
