/* The hub's state, shared by its files only: admission.c (keys), questions.c (to masters),
 * rechecks.c (may they stay?), revocations.c, tunnels.c (ports and ownership), visits.c (devices by
 * name), rivals.c (two devices with one key), publisher.c (events), outbox.c (on their way),
 * commands.c (the bus), drain.c (the end), reload.c (settings read again), capacity.c, pulse.c (do
 * workers live?), ops.c (metrics and health), slave.c (start and stop). Main thread. */
#ifndef M4H_SLAVE_IO_HUB_H
#define M4H_SLAVE_IO_HUB_H

#include "lib/base/buffer.h"
#include "lib/base/known_masters.h"
#include "lib/base/log.h"
#include "lib/base/model.h"
#include "lib/base/revocations.h"
#include "lib/base/revocations_pull.h"
#include "lib/base/stamp.h"
#include "lib/bus/bus.h"
#include "lib/config/reload.h"
#include "lib/http/http.h"
#include "lib/http/ops.h"
#include "lib/net/loop.h"
#include "lib/net/mailbox.h"
#include "lib/net/pump.h"
#include "lib/net/signals.h"
#include "lib/net/supervisor.h"
#include "lib/net/timer.h"
#include "services/slave/config.h"
#include "services/slave/core/decisions.h"
#include "services/slave/core/denials.h"
#include "services/slave/core/drain.h"
#include "services/slave/core/flaps.h"
#include "services/slave/core/journal.h"
#include "services/slave/core/ports.h"
#include "services/slave/core/roster.h"
#include "services/slave/core/snapshots.h"
#include "services/slave/core/standings.h"
#include "services/slave/core/visitors.h"
#include "services/slave/io/leases.h"
#include "services/slave/io/letters.h"
#include "services/slave/io/worker.h"

#define M4H_SLAVE_COMPONENT "slave"

struct m4h_access_case; /* a visitor and a device: access.h */
struct m4h_question;    /* a key that a master is asked about: questions.c */

/* What became of an operator's wish to reach a device. */
enum m4h_access_result {
    M4H_ACCESS_RESULT_OPENED,
    M4H_ACCESS_RESULT_FORBIDDEN,  /* by the operator's rules */
    M4H_ACCESS_RESULT_ABSENT,     /* the device is not connected */
    M4H_ACCESS_RESULT_NO_PORT,    /* it has no such port */
    M4H_ACCESS_RESULT_SURPLUS,    /* a bound of ours */
    M4H_ACCESS_RESULT_UNANSWERED, /* the device, or a master, said no or nothing */
    M4H_ACCESS_RESULT_COUNT,
};

struct m4h_slave_counters {
    uint64_t connects;
    uint64_t disconnects[M4H_DISCONNECT_REASON_COUNT];
    uint64_t refusals[M4H_REFUSE_REASON_COUNT];
    uint64_t keys_cached, keys_asked, keys_stale, keys_unanswered;
    uint64_t keys_repeated; /* questions that another master was asked too */
    uint64_t flaps;         /* reports of live devices with one key */
    uint64_t events_lost;   /* could not be queued for the bus */
    uint64_t accesses[M4H_ACCESS_RESULT_COUNT];
    uint64_t revoked; /* sessions that were cut, as their keys may not be here any more */
    uint64_t rechecks_confirmed, rechecks_refused, rechecks_unanswered;
};

struct m4h_slave {
    struct m4h_slave_config *config;      /* borrowed; changed by reload.c alone */
    struct m4h_config_source *source;     /* borrowed; NULL: it is not read again */
    struct m4h_worker_settings *settings; /* of `config`, for the workers; held */
    struct m4h_loop *loop;
    struct m4h_supervisor *supervisor;
    struct m4h_signals *signals;
    struct m4h_mailbox *mailbox; /* reports of the workers */
    struct m4h_pump *pump;
    struct m4h_bus *bus;
    struct m4h_worker **workers; /* owned, as what it points to */
    uint32_t worker_count;
    uint64_t pulse; /* the last that workers were asked for */
    uint32_t capacity;

    struct m4h_roster *roster;
    struct m4h_ports *ports;
    struct m4h_lease_file *lease_file; /* of the ports */
    struct m4h_decisions *decisions;
    struct m4h_denials *denials; /* owned */
    struct m4h_standings *standings;
    struct m4h_timer *recheck_timer;
    uint64_t rechecked_ms; /* when some were asked about last */
    uint64_t bus_lost_ms;  /* 0: it is there */
    uint64_t random;
    struct m4h_revocations *revocations;
    struct m4h_revocations_pull pull; /* of those that were missed */
    struct m4h_timer *revocation_timer;
    bool gathers_revocations; /* the timer runs */
    struct m4h_flaps *flaps;
    struct m4h_visitors *visitors;
    struct m4h_access_case *accesses; /* uthash, by visit id */
    struct m4h_timer *access_timer;
    struct m4h_question *questions; /* uthash, by session id */
    struct m4h_timer *question_timer;
    uint32_t waiting_questions; /* for the bus */
    struct m4h_known_masters masters;
    uint64_t next_choice; /* between masters that are as good: each has its turn */
    struct m4h_stamp_clock clock;

    enum m4h_slave_state state;
    struct m4h_slave_info info;
    uint64_t epoch;
    uint64_t seq; /* of the last event */
    uint64_t load_count;
    struct m4h_buffer message; /* being encoded */
    struct m4h_journal *journal;
    struct m4h_timer *outbox_timer;
    uint64_t outbox_due_ms; /* what the timer is set to; UINT64_MAX: it is not */
    bool ends_when_settled;
    uint64_t noted_refused; /* events that the stream never takes, as far as they were logged */
    bool noted_unacknowledged;
    struct m4h_timer *load_timer;
    bool load_waits;            /* for the events that it would overtake */
    uint64_t cpu_us, cpu_at_ms; /* of the process at the last load event */

    struct m4h_snapshots snapshots;

    struct m4h_timer *drain_timer;
    struct m4h_drain_plan drain;
    uint64_t drain_deadline_wall_ms; /* 0: it does not drain */
    char drain_actor[M4H_ACTOR_MAX + 1];
    bool drained;  /* all have left, and it was said */
    bool stopping; /* ends when the last device has left */
    bool hurried;  /* there was a second signal */

    struct m4h_http_server *http;
    struct m4h_http_ops ops;
    struct m4h_http_routes routes;
    struct m4h_log_limit refusal_lines[M4H_REFUSE_REASON_COUNT];
    struct m4h_log_limit lost_lines;
    struct m4h_log_limit command_lines;
    struct m4h_log_limit flap_lines;
    struct m4h_log_limit access_lines;
    uint64_t displaced_told_ms; /* when it was logged last; 0: never */
    uint16_t listen_port;       /* of the device listener */
    struct m4h_slave_counters counters;
    struct m4h_histogram keys_answered, keys_unanswered; /* questions to masters */
    struct m4h_histogram events_acknowledged;
};

/* ---- admission.c ---- */
/* Judges a key, now or when a master has answered. Owns `question`. */
void m4h_admission_judge(struct m4h_slave *slave, uint64_t session_id,
                         struct m4h_key_question *question);
/* A master has answered; `question` is borrowed. */
void m4h_admission_answered(struct m4h_slave *slave, uint64_t session_id,
                            const struct m4h_key_question *question,
                            const struct m4h_authorize_reply *reply);
/* None has, in time. */
void m4h_admission_unanswered(struct m4h_slave *slave, uint64_t session_id,
                              const struct m4h_key_question *question, const char *why);
/* Keeps what a master has said, for when none does. */
void m4h_admission_remember(struct m4h_slave *slave, const struct m4h_key_question *question,
                            const struct m4h_authorize_reply *reply);

/* ---- rechecks.c ---- */
/* What a session was let in by. */
struct m4h_basis {
    uint64_t stamp, seen; /* as in struct m4h_decision */
    bool without_master;  /* it was good enough, as no master answered */
};
M4H_MUST_CHECK int m4h_rechecks_create(struct m4h_slave *slave);
void m4h_rechecks_destroy(struct m4h_slave *slave);
/* A session is let in, as a device, an operator or a slave. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_rechecks_enter(struct m4h_slave *slave, uint64_t session_id,
                                      const struct m4h_key_question *key,
                                      const struct m4h_authorize_reply *reply,
                                      const struct m4h_basis *basis);
/* It is over. */
void m4h_rechecks_leave(struct m4h_slave *slave, uint64_t session_id);
/* The ends of m4h_questions_recheck. */
void m4h_rechecks_answered(struct m4h_slave *slave, uint64_t session_id,
                           const struct m4h_key_question *key,
                           const struct m4h_authorize_reply *reply);
void m4h_rechecks_unanswered(struct m4h_slave *slave, uint64_t session_id);
/* Asks about it now (0), or at some time within that. */
void m4h_rechecks_soon(struct m4h_slave *slave, struct m4h_standing *standing, uint64_t within_ms);
/* Ends its session. */
void m4h_rechecks_cut(struct m4h_slave *slave, struct m4h_standing *standing, const char *actor,
                      const char *detail);
/* The bus comes or goes. */
void m4h_rechecks_bus(struct m4h_slave *slave, bool connected);

/* ---- revocations.c ---- */
M4H_MUST_CHECK int m4h_revocations_io_create(struct m4h_slave *slave);
void m4h_revocations_io_destroy(struct m4h_slave *slave);
void m4h_revocations_io_on_revoke(void *context, const struct m4h_bus_message *message);
/* A master says which it has. */
void m4h_revocations_io_heard(struct m4h_slave *slave, const struct m4h_master_hello *hello);
/* Cuts it, or asks about it, where a revocation is against it. */
void m4h_revocations_io_heed(struct m4h_slave *slave, struct m4h_standing *standing);

/* ---- questions.c ---- */
M4H_MUST_CHECK int m4h_questions_create(struct m4h_slave *slave);
/* Asks a master. Its end comes to admission.c, also from inside. Owns `key`. */
void m4h_questions_ask(struct m4h_slave *slave, uint64_t session_id, struct m4h_key_question *key);
/* The same about a key that is here already: its end comes to rechecks.c. */
void m4h_questions_recheck(struct m4h_slave *slave, uint64_t session_id,
                           struct m4h_key_question *key);
void m4h_questions_on_hello(void *context, const struct m4h_bus_message *message);
/* The bus is there again: asks what has waited for it. */
void m4h_questions_resume(struct m4h_slave *slave);
/* The session is over: its question needs no answer. */
void m4h_questions_forget(struct m4h_slave *slave, uint64_t session_id);
void m4h_questions_destroy(struct m4h_slave *slave);

/* ---- tunnels.c ---- */
void m4h_tunnels_forward(struct m4h_slave *slave, uint64_t session_id, uint16_t port);
void m4h_tunnels_cancel(struct m4h_slave *slave, uint64_t session_id, uint16_t port);
void m4h_tunnels_gone(struct m4h_slave *slave, const struct m4h_report *report);
/* A listener that was on its way to a device that is gone is closed. */
void m4h_tunnels_late(struct m4h_slave *slave, uint64_t session_id);
/* A known device owns its client key from now on, and gets its port when nobody
 * else has it any more. */
void m4h_tunnels_claim(struct m4h_slave *slave, struct m4h_resident *resident);
/* Answers no to the forward that it asks for, and tells why. */
void m4h_tunnels_refuse(struct m4h_slave *slave, struct m4h_resident *resident,
                        enum m4h_refuse_reason reason, const char *detail);
/* Sends a device away. */
void m4h_tunnels_close(struct m4h_slave *slave, struct m4h_resident *resident,
                       enum m4h_disconnect_reason reason);
/* The same, at the wish of `actor`, who may be nobody (""), and for a reason in its words. */
void m4h_tunnels_close_for(struct m4h_slave *slave, struct m4h_resident *resident,
                           enum m4h_disconnect_reason reason, const char *actor,
                           const char *detail);
/* Publishes what a tunnel that is up is like now. */
void m4h_tunnels_tell(struct m4h_slave *slave, const struct m4h_resident *resident);
/* Asks it to leave as soon as it has no operator. */
void m4h_tunnels_ask_to_leave(struct m4h_slave *slave, struct m4h_resident *resident);
/* Announces the end of all that are still here, without waiting for it. */
void m4h_tunnels_give_up(struct m4h_slave *slave);

/* ---- visits.c ---- */
M4H_MUST_CHECK int m4h_visits_create(struct m4h_slave *slave);
void m4h_visits_destroy(struct m4h_slave *slave);
/* A visitor asks for a device. Owns `question`. */
void m4h_visits_ask(struct m4h_slave *slave, uint64_t session_id,
                    struct m4h_visit_question *question);
/* The device's end of a visit is there, or is not to be had. */
void m4h_visits_reached(struct m4h_slave *slave, uint64_t visit_id, bool reached);
/* How it went with a visit's way to another slave. */
void m4h_visits_hopped(struct m4h_slave *slave, uint64_t visit_id, enum m4h_hop_result result);
/* The visitor's side has ended. */
void m4h_visits_over(struct m4h_slave *slave, const struct m4h_report *report);
uint32_t m4h_visits_count(const struct m4h_slave *slave);
/* For metrics: "opened", "forbidden", ... */
const char *m4h_access_result_name(enum m4h_access_result result);

/* ---- visitors.c ---- */
/* Enters an operator or another slave. NULL, or why not; static. */
const char *m4h_visits_admit(struct m4h_slave *slave, uint64_t session_id,
                             const struct m4h_authorize_request *request,
                             const struct m4h_authorize_reply *reply);
/* A session is gone. False: it was no visitor's. */
bool m4h_visits_gone(struct m4h_slave *slave, uint64_t session_id);
/* Sends a visitor away; it ends for this reason. */
void m4h_visits_close(struct m4h_slave *slave, struct m4h_visitor *visitor,
                      enum m4h_disconnect_reason reason);
/* At a drain: those with a visit leave when it is over, */
void m4h_visits_leave(struct m4h_slave *slave);
/* and all at its deadline. */
void m4h_visits_cut(struct m4h_slave *slave);

/* ---- rivals.c ---- */
/* Whether a known device may throw out who owns its client key now. False: it has
 * been refused, or goes on when it is known whether the owner lives. */
bool m4h_rivals_may_claim(struct m4h_slave *slave, struct m4h_resident *resident);
/* Its device is on another slave now: closes it, and tells whether it lived. */
void m4h_rivals_part(struct m4h_slave *slave, struct m4h_resident *resident);
/* The answer to M4H_ORDER_PROBE. */
void m4h_rivals_sign(struct m4h_slave *slave, uint64_t session_id, bool alive);
/* A device is gone, and its farewell known. Returns the session that waited for
 * word of it, or 0; it goes on when the device is removed. */
uint64_t m4h_rivals_left(struct m4h_slave *slave, struct m4h_resident *resident);
void m4h_rivals_go_on(struct m4h_slave *slave, uint64_t session_id);

/* ---- publisher.c ---- */
/* Publishes an event: type and payload are set, the envelope is filled in here. */
void m4h_publisher_send(struct m4h_slave *slave, struct m4h_event *event);
/* Logs and publishes a refusal, both rate-limited; counts it in any case. */
void m4h_publisher_refuse(struct m4h_slave *slave, const struct m4h_refuse *refuse);
void m4h_publisher_load(struct m4h_slave *slave);

/* ---- commands.c ---- */
#define M4H_COMMANDS_COUNT 4
/* Fills in the subscriptions; the subjects are written into `subjects`. */
void m4h_commands_subscriptions(const struct m4h_slave *slave,
                                struct m4h_bus_subscription subscriptions[M4H_COMMANDS_COUNT],
                                char subjects[M4H_COMMANDS_COUNT][128]);

/* ---- drain.c ---- */
M4H_MUST_CHECK int m4h_drain_create(struct m4h_slave *slave);
/* Takes no more devices and sends those away that are here; `stops`: then ends. */
void m4h_drain_begin(struct m4h_slave *slave, const char *actor, bool stops);
/* It stops, and is told so again: the deadline is now; once more: it ends at once. */
void m4h_drain_hurry(struct m4h_slave *slave);
/* Until the deadline; 0: it is over, or nothing drains. */
uint64_t m4h_drain_left_ms(const struct m4h_slave *slave);
/* A device has left. */
void m4h_drain_check(struct m4h_slave *slave);

/* ---- capacity.c ---- */
/* Sets how many tunnels the slave takes, by its settings and what the system allows. */
void m4h_capacity_set(struct m4h_slave *slave);
/* Says where other programs may be given ports of devices by the kernel. */
void m4h_capacity_check_ports(const struct m4h_slave *slave);

/* ---- reload.c ---- */
/* SIGHUP: reads the configuration again and tells the supervisor so. */
void m4h_reload_run(struct m4h_slave *slave);
/* Now and then: reads it again where the file has changed. */
void m4h_reload_look(struct m4h_slave *slave);

/* ---- pulse.c ---- */
/* False: a worker has not answered since the last call. For the supervisor. */
bool m4h_pulse_is_alive(void *context);

/* ---- outbox.c ---- */
M4H_MUST_CHECK int m4h_outbox_io_create(struct m4h_slave *slave);
void m4h_outbox_io_destroy(struct m4h_slave *slave);
/* Takes the event that slave->message holds; it goes out as soon as it may. */
void m4h_outbox_io_push(struct m4h_slave *slave, const struct m4h_event *event);
void m4h_outbox_io_status(struct m4h_slave *slave, bool connected);
/* Of the bus: the context is the slave. */
void m4h_outbox_io_ack(void *context, uint64_t seq, int error, const uint8_t *data, size_t len);
/* Ends the loop when nothing waits any more, or the time to flush is over. */
void m4h_outbox_io_finish(struct m4h_slave *slave);

/* ---- ops.c ---- */
M4H_MUST_CHECK int m4h_ops_start(struct m4h_slave *slave);

/* ---- slave.c ---- */
/* Gives an order to the worker of a session. */
void m4h_slave_order(struct m4h_slave *slave, const struct m4h_order *order);
struct m4h_decisions_limits m4h_slave_decisions_limits(const struct m4h_slave_config *config);
void m4h_slave_report(void *context, struct m4h_letter *letter);

#endif
