/* Who may be here, with and without masters (io/admission.c, io/questions.c). The bus and the
 * workers are played by the test; what is decided shows in the orders. */
#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"
#include "services/slave/io/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TIMEOUT_MS 200

struct hub {
    struct m4h_slave slave;
    struct m4h_slave_config config;
    struct m4h_timer *look; /* for what a test waits for */
    bool connected;
    unsigned requests; /* ever */
    m4h_bus_on_reply on_reply;
    void *context; /* of the open request; NULL: none is open */
    uint32_t timeout_ms;
    char subject[128]; /* of the latest request */
    unsigned judged;
    struct m4h_order order; /* the last judgement */
    struct m4h_refuse refusal;
    uint64_t closed[8]; /* sessions, in order */
    size_t closed_count;
};

static struct hub *hub; /* of the running test */

bool __wrap_m4h_bus_is_connected(const struct m4h_bus *bus);
int __wrap_m4h_bus_request(struct m4h_bus *bus, const char *subject, const uint8_t *data,
                           size_t len, uint64_t now_ms, uint32_t timeout_ms,
                           m4h_bus_on_reply on_reply, void *context, uint64_t *id);
void __wrap_m4h_bus_cancel(struct m4h_bus *bus, uint64_t id);
void __wrap_m4h_slave_order(struct m4h_slave *slave, const struct m4h_order *order);
void __wrap_m4h_publisher_refuse(struct m4h_slave *slave, const struct m4h_refuse *refuse);

bool __wrap_m4h_bus_is_connected(const struct m4h_bus *bus)
{
    (void)bus;
    return hub->connected;
}

int __wrap_m4h_bus_request(struct m4h_bus *bus, const char *subject, const uint8_t *data,
                           size_t len, uint64_t now_ms, uint32_t timeout_ms,
                           m4h_bus_on_reply on_reply, void *context, uint64_t *id)
{
    (void)bus, (void)data, (void)len, (void)now_ms;
    if (!hub->connected)
        return M4H_EUNAVAILABLE;
    assert_null(hub->context);
    hub->on_reply = on_reply;
    hub->context = context;
    hub->timeout_ms = timeout_ms;
    m4h_text_copy(hub->subject, sizeof(hub->subject), subject);
    *id = ++hub->requests;
    return 0;
}

void __wrap_m4h_bus_cancel(struct m4h_bus *bus, uint64_t id)
{
    (void)bus;
    assert_int_equal(id, hub->requests);
    hub->context = NULL;
}

static void stop_loop(void)
{
    m4h_loop_stop(hub->slave.loop);
}

void __wrap_m4h_slave_order(struct m4h_slave *slave, const struct m4h_order *order)
{
    assert_ptr_equal(slave, &hub->slave);
    if (order->kind == M4H_ORDER_CLOSE) {
        assert_true(hub->closed_count < M4H_COUNT(hub->closed));
        hub->closed[hub->closed_count++] = order->session_id;
        return;
    }
    assert_true(order->kind == M4H_ORDER_JUDGED || order->kind == M4H_ORDER_REFUSED);
    hub->judged++;
    hub->order = *order;
    stop_loop();
}

void __wrap_m4h_publisher_refuse(struct m4h_slave *slave, const struct m4h_refuse *refuse)
{
    assert_ptr_equal(slave, &hub->slave);
    hub->refusal = *refuse;
}

static void on_look(void *context)
{
    (void)context;
    stop_loop();
}

static int begin(void **state)
{
    const struct m4h_decisions_limits limits = {.entries_max = 10, .stale_ms = 3600000};

    (void)state;
    hub = calloc(1, sizeof(*hub));
    assert_non_null(hub);
    hub->connected = true;
    hub->config.authorize_timeout_ms = TIMEOUT_MS;
    hub->config.authorize_stale_ms = 3600000;
    hub->config.recheck_ms = 3600000;
    hub->config.recheck_per_second = 200;
    hub->slave.config = &hub->config;
    hub->slave.state = M4H_SLAVE_READY;
    hub->slave.capacity = 10;
    hub->slave.message = (struct m4h_buffer)M4H_BUFFER_INIT(65536);
    assert_int_equal(m4h_loop_create(&hub->slave.loop), 0);
    assert_int_equal(m4h_timer_create(&hub->look, hub->slave.loop, on_look, NULL), 0);
    assert_int_equal(m4h_roster_create(&hub->slave.roster), 0);
    assert_int_equal(m4h_decisions_create(&hub->slave.decisions, &limits), 0);
    assert_int_equal(m4h_questions_create(&hub->slave), 0);
    assert_int_equal(m4h_visitors_create(&hub->slave.visitors), 0);
    assert_int_equal(m4h_rechecks_create(&hub->slave), 0);
    assert_int_equal(m4h_revocations_io_create(&hub->slave), 0);
    hub->slave.denials = calloc(1, sizeof(*hub->slave.denials));
    assert_non_null(hub->slave.denials);
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (hub->order.kind == M4H_ORDER_JUDGED)
        free(hub->order.as.judged.limits);
    m4h_questions_destroy(&hub->slave);
    m4h_timer_close(hub->slave.question_timer);
    m4h_timer_close(hub->look);
    m4h_rechecks_destroy(&hub->slave);
    m4h_revocations_io_destroy(&hub->slave);
    free(hub->slave.denials);
    m4h_loop_destroy(hub->slave.loop);
    m4h_roster_destroy(hub->slave.roster);
    m4h_visitors_destroy(hub->slave.visitors);
    m4h_decisions_destroy(hub->slave.decisions);
    m4h_buffer_free(&hub->slave.message);
    free(hub);
    hub = NULL;
    return 0;
}

/* A device proves a key. */
static void judge(uint64_t session_id)
{
    struct m4h_key_question *question = calloc(1, sizeof(*question));
    struct m4h_authorize_request *request;

    assert_non_null(question);
    request = &question->request;
    m4h_text_copy(request->slave_id, sizeof(request->slave_id), "slave-1");
    m4h_text_copy(request->region, sizeof(request->region), "local");
    m4h_text_copy(request->username, sizeof(request->username), "device");
    m4h_text_copy(request->key_fingerprint, sizeof(request->key_fingerprint), "SHA256:a");
    m4h_text_copy(request->remote_address, sizeof(request->remote_address), "192.0.2.1:5");
    request->public_key[0] = 1;
    request->public_key_len = 1;
    m4h_admission_judge(&hub->slave, session_id, question);
}

static void hear_slow_master(const char *id, uint64_t instance, uint32_t validators_ms)
{
    struct m4h_master_hello hello = {.instance = instance, .validators_ms = validators_ms};

    m4h_text_copy(hello.master_id, sizeof(hello.master_id), id);
    m4h_known_masters_heard(&hub->slave.masters, &hello, m4h_loop_now_ms(hub->slave.loop));
}

static void hear_master(const char *id, uint64_t instance)
{
    hear_slow_master(id, instance, 0);
}

static void reply_with(int error, const struct m4h_authorize_reply *reply)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(65536);
    const struct m4h_problem none = {0};
    void *context = hub->context;

    assert_non_null(context);
    hub->context = NULL;
    if (reply != NULL)
        assert_int_equal(m4h_wire_authorize_reply_encode(reply, &none, &message), 0);
    hub->on_reply(context, error, message.data, message.len);
    m4h_buffer_free(&message);
}

static const struct m4h_authorize_reply yes = {
    .allowed = true,
    .client_key = "pump-1",
    .owner_stamp = 77,
    .last_port = 20123,
    .evictions = 2,
    .evicted_ago_ms = 1,
};

static void what_a_master_says_of_a_device_goes_into_the_roster(void **state)
{
    const uint64_t ahead = (m4h_walltime_now_ms() + 60000) << 16;
    const struct m4h_resident *resident;
    struct m4h_authorize_reply reply = yes;

    (void)state;
    reply.owner_stamp = ahead;
    judge(1);
    reply_with(0, &reply);
    assert_true(hub->order.as.judged.allowed);
    assert_string_equal(hub->order.as.judged.client_key, "pump-1");
    assert_null(hub->order.as.judged.limits);
    resident = m4h_roster_find(hub->slave.roster, 1);
    assert_non_null(resident);
    assert_true(resident->owner_stamp == ahead);
    assert_true(hub->slave.clock.latest == ahead);
    assert_int_equal(resident->last_port, 20123);
    assert_int_equal(resident->evictions, 2);
    assert_null(resident->ports);
}

static void its_limits_go_to_the_worker_and_its_ports_into_the_roster(void **state)
{
    struct m4h_authorize_reply reply = yes;
    const struct m4h_resident *resident;

    (void)state;
    reply.limits.forwards_max = 2;
    reply.limits.port_range_count = 1;
    reply.limits.ports[0] = (struct m4h_port_range){20100, 20200};
    judge(1);
    reply_with(0, &reply);
    assert_non_null(hub->order.as.judged.limits);
    assert_int_equal(hub->order.as.judged.limits->forwards_max, 2);
    resident = m4h_roster_find(hub->slave.roster, 1);
    assert_int_equal(resident->port_range_count, 1);
    assert_int_equal(resident->ports[0].first, 20100);
    assert_int_equal(resident->ports[0].last, 20200);
}

/* The yes that is kept for the masters' absence does not forget them. */
static void limits_hold_without_a_master_too(void **state)
{
    struct m4h_authorize_reply reply = yes;

    (void)state;
    reply.limits.forwards_max = 2;
    judge(1);
    reply_with(0, &reply);
    free(hub->order.as.judged.limits);
    judge(2);
    while (hub->context != NULL)
        reply_with(M4H_ETIMEOUT, NULL);
    assert_true(hub->order.as.judged.allowed);
    assert_non_null(hub->order.as.judged.limits);
    assert_int_equal(hub->order.as.judged.limits->forwards_max, 2);
    assert_int_equal(m4h_roster_find(hub->slave.roster, 2)->owner_stamp, 0);
}

/* So whoever has stolen its key gets nothing while the masters are away. */
static void that_a_key_is_a_slaves_is_not_kept(void **state)
{
    const struct m4h_authorize_reply hop = {
        .allowed = true, .slave_id = "slave-2", .valid_for_ms = 10000};

    (void)state;
    hub->config.operators_enabled = true;
    hub->config.operator_sessions_max = 4;
    judge(1);
    reply_with(0, &yes);
    judge(2);
    reply_with(0, &hop);
    assert_int_equal(hub->order.as.judged.role, M4H_ROLE_HOP);
    judge(3);
    while (hub->context != NULL)
        reply_with(M4H_ETIMEOUT, NULL);
    assert_int_equal(hub->order.kind, M4H_ORDER_REFUSED);
    assert_int_equal(hub->order.as.refused, M4H_REFUSE_NO_MASTER);
}

static void without_a_master_an_unknown_key_is_refused(void **state)
{
    (void)state;
    judge(1);
    assert_string_equal(hub->subject, "mas4h.v1.rpc.authorize");
    assert_in_range(hub->timeout_ms, 1, TIMEOUT_MS / 2);
    while (hub->context != NULL)
        reply_with(M4H_ETIMEOUT, NULL);
    assert_int_equal(hub->requests, 6);
    assert_int_equal(hub->judged, 1);
    assert_int_equal(hub->order.kind, M4H_ORDER_REFUSED);
    assert_int_equal(hub->order.as.refused, M4H_REFUSE_NO_MASTER);
    assert_int_equal(hub->refusal.reason, M4H_REFUSE_NO_MASTER);
}

static void a_key_that_a_master_denies_may_be_followed_by_another(void **state)
{
    const struct m4h_authorize_reply no = {.allowed = false, .detail = "unknown key"};

    (void)state;
    judge(1);
    reply_with(0, &no);
    assert_int_equal(hub->order.kind, M4H_ORDER_JUDGED);
    assert_false(hub->order.as.judged.allowed);
    assert_int_equal(hub->refusal.reason, M4H_REFUSE_KEY_DENIED);
}

static void a_full_slave_sends_a_device_away(void **state)
{
    (void)state;
    hub->slave.capacity = 0;
    judge(1);
    reply_with(0, &yes);
    assert_int_equal(hub->order.kind, M4H_ORDER_REFUSED);
    assert_int_equal(hub->order.as.refused, M4H_REFUSE_FULL);
    assert_int_equal(hub->refusal.reason, M4H_REFUSE_FULL);
}

static void come_in(uint64_t session_id)
{
    judge(session_id);
    reply_with(0, &yes);
    assert_int_equal(hub->order.kind, M4H_ORDER_JUDGED);
    assert_true(hub->order.as.judged.allowed);
}

/* As its worker says, when it was closed. */
static void leave(uint64_t session_id)
{
    struct m4h_resident *successor;

    m4h_rechecks_leave(&hub->slave, session_id);
    m4h_roster_remove(hub->slave.roster, m4h_roster_find(hub->slave.roster, session_id),
                      &successor);
}

static void own(uint64_t session_id)
{
    struct m4h_resident *loser, *resident = m4h_roster_find(hub->slave.roster, session_id);

    assert_true(m4h_roster_claim(hub->slave.roster, resident, &loser));
    assert_null(loser);
    m4h_roster_up(hub->slave.roster, resident, 1);
}

static void two_of_one_key_may_be_known_and_the_third_sends_the_oldest_away(void **state)
{
    (void)state;
    come_in(1);
    come_in(2);
    assert_int_equal(hub->closed_count, 0);
    come_in(3);
    assert_int_equal(hub->closed_count, 1);
    assert_int_equal(hub->closed[0], 1);
    assert_int_equal(m4h_roster_find(hub->slave.roster, 2)->state, M4H_RESIDENT_KNOWN);
}

static void a_key_with_an_owner_gets_one_place_more_in_a_full_slave_and_not_any_number(void **state)
{
    (void)state;
    hub->slave.capacity = 1;
    come_in(1);
    own(1);
    for (uint64_t id = 2; id < 9; id++) {
        come_in(id);
        assert_int_equal(hub->closed_count, id - 2);
        if (id > 2) {
            assert_int_equal(hub->closed[id - 3], id - 1);
            leave(id - 1);
        }
        assert_int_equal(m4h_roster_count(hub->slave.roster), 2);
    }
    assert_int_equal(m4h_roster_find(hub->slave.roster, 1)->state, M4H_RESIDENT_UP);
}

/* ---- revocations ------------------------------------------------------------------- */

static void tell_revoke(const struct m4h_revoke *revoke)
{
    struct m4h_buffer data = M4H_BUFFER_INIT(4096);
    struct m4h_bus_message message = {.subject = "mas4h.v1.control.revoke"};

    assert_int_equal(m4h_wire_revoke_encode(revoke, &data), 0);
    message.data = data.data;
    message.len = data.len;
    m4h_revocations_io_on_revoke(&hub->slave, &message);
    m4h_buffer_free(&data);
}

static struct m4h_revoke revoke_now(bool banned)
{
    return (struct m4h_revoke){.key_fingerprint = "SHA256:a",
                               .stamp = m4h_walltime_now_ms() << 16,
                               .banned = banned,
                               .actor = "ann",
                               .reason = "stolen"};
}

static void a_banned_key_is_refused_without_asking_until_that_is_lifted(void **state)
{
    struct m4h_revoke revoke = revoke_now(true);

    (void)state;
    tell_revoke(&revoke);
    judge(1);
    assert_int_equal(hub->requests, 0);
    assert_int_equal(hub->refusal.reason, M4H_REFUSE_KEY_DENIED);
    assert_string_equal(hub->refusal.detail, "banned: stolen");
    revoke.banned = false;
    revoke.stamp++;
    tell_revoke(&revoke);
    judge(2);
    reply_with(0, &yes);
    assert_true(hub->order.as.judged.allowed);
}

static void a_revocation_overtakes_the_answer_that_was_on_its_way(void **state)
{
    const struct m4h_revoke revoke = revoke_now(false);

    (void)state;
    judge(1);
    tell_revoke(&revoke);
    reply_with(0, &yes);
    assert_false(hub->order.as.judged.allowed);
    assert_string_equal(hub->refusal.detail, "revoked: stolen");
    come_in(2); /* what was asked afterwards stands */
}

static void what_was_revoked_does_not_carry_on_without_a_master(void **state)
{
    const struct m4h_revoke revoke = revoke_now(false);

    (void)state;
    come_in(1);
    tell_revoke(&revoke);
    hub->connected = false;
    judge(2);
    assert_false(hub->order.kind == M4H_ORDER_JUDGED && hub->order.as.judged.allowed);
}

/* Runs the loop until somebody is cut, for so long at most. */
static bool is_cut_within(uint64_t limit_ms)
{
    uint64_t began_ms = m4h_loop_now_ms(hub->slave.loop);

    m4h_timer_start(hub->look, 5, 5);
    while (hub->closed_count == 0 && m4h_loop_now_ms(hub->slave.loop) - began_ms < limit_ms)
        m4h_loop_run(hub->slave.loop);
    m4h_timer_stop(hub->look);
    return hub->closed_count > 0;
}

static void a_revocation_cuts_who_is_here_and_says_who_wanted_it(void **state)
{
    const struct m4h_revoke revoke = revoke_now(false);
    const struct m4h_resident *resident;

    (void)state;
    come_in(1);
    tell_revoke(&revoke);
    assert_true(is_cut_within(2000));
    assert_int_equal(hub->closed[0], 1);
    resident = m4h_roster_find(hub->slave.roster, 1);
    assert_int_equal(resident->cause->reason, M4H_DISCONNECT_REVOKED);
    assert_string_equal(resident->cause->actor, "ann");
    assert_string_equal(resident->cause->detail, "stolen");
    hub->closed_count = 0;
    come_in(2); /* it was let in afterwards */
    assert_false(is_cut_within(100));
}

static void one_of_an_earlier_version_cuts_at_once_and_is_not_remembered(void **state)
{
    const struct m4h_revoke revoke = {.client_key = "pump-1"};

    (void)state;
    come_in(1);
    tell_revoke(&revoke);
    assert_int_equal(hub->closed_count, 1);
    assert_int_equal(m4h_revocations_count(hub->slave.revocations), 0);
    hub->connected = false;
    judge(2);
    assert_int_equal(hub->judged, 1); /* there is no decision any more: it waits */
    m4h_questions_forget(&hub->slave, 2);
}

static void one_of_a_far_future_is_no_revocation(void **state)
{
    struct m4h_revoke revoke = revoke_now(true);

    (void)state;
    revoke.stamp = (m4h_walltime_now_ms() + 2 * M4H_STAMP_LEAD_MAX_MS) << 16;
    tell_revoke(&revoke);
    assert_int_equal(m4h_revocations_count(hub->slave.revocations), 0);
}

/* A master says hello with a set that we have not, and answers for it. */
static void what_was_missed_is_asked_for_and_cuts(void **state)
{
    struct m4h_master_hello hello = {
        .master_id = "master-1", .instance = 5, .version = "5", .revocations_digest = 99};
    const struct m4h_revoke revoke = revoke_now(false);
    struct m4h_buffer data = M4H_BUFFER_INIT(65536);
    const struct m4h_problem none = {0};
    void *context;

    (void)state;
    come_in(1);
    m4h_revocations_io_heard(&hub->slave, &hello);
    assert_string_equal(hub->subject, "mas4h.v1.master.master-1.revocations");
    assert_int_equal(m4h_wire_revocations_reply_encode(&revoke, 1, "", 99, &none, &data), 0);
    context = hub->context;
    hub->context = NULL;
    hub->on_reply(context, 0, data.data, data.len);
    assert_true(is_cut_within(2000));
    hub->requests = 0;
    m4h_revocations_io_heard(&hub->slave, &hello);
    assert_int_equal(hub->requests, 0);
    m4h_buffer_free(&data);
}

static void an_operator_is_cut_by_name_and_another_slave_is_not(void **state)
{
    const struct m4h_authorize_reply hop = {
        .allowed = true, .slave_id = "bob", .valid_for_ms = 10000};
    struct m4h_authorize_reply operator_ = {.allowed = true, .operator_.name = "bob"};
    struct m4h_revoke revoke = revoke_now(false);

    (void)state;
    revoke.key_fingerprint[0] = '\0';
    m4h_text_copy(revoke.client_key, sizeof(revoke.client_key), "bob");
    hub->config.operators_enabled = true;
    hub->config.operator_sessions_max = 4;
    judge(1);
    reply_with(0, &hop);
    tell_revoke(&revoke);
    assert_false(is_cut_within(100));
    judge(2);
    reply_with(0, &operator_);
    assert_int_equal(hub->order.as.judged.role, M4H_ROLE_OPERATOR);
    revoke.stamp = m4h_stamp_next(&hub->slave.clock, m4h_walltime_now_ms(), 0);
    tell_revoke(&revoke);
    assert_true(is_cut_within(2000));
}

/* ---- rechecks ----------------------------------------------------------------------- */

static struct m4h_standing *standing_of(uint64_t session_id)
{
    struct m4h_standing *standing = m4h_standings_find(hub->slave.standings, session_id);

    assert_non_null(standing);
    return standing;
}

static bool is_asked_again(void)
{
    uint64_t began_ms = m4h_loop_now_ms(hub->slave.loop);

    m4h_timer_start(hub->look, 5, 5);
    while (hub->context == NULL && m4h_loop_now_ms(hub->slave.loop) - began_ms < 4000)
        m4h_loop_run(hub->slave.loop);
    m4h_timer_stop(hub->look);
    return hub->context != NULL;
}

static void deny_twice(const struct m4h_authorize_reply *reply)
{
    assert_true(is_asked_again());
    reply_with(0, reply);
    assert_int_equal(hub->closed_count, 0);
    m4h_rechecks_soon(&hub->slave, standing_of(1), 0);
    assert_true(is_asked_again());
    reply_with(0, reply);
}

static void who_is_here_is_asked_about_again_and_stays_as_long_as_a_master_agrees(void **state)
{
    const struct m4h_authorize_reply no = {
        .allowed = false, .detail = "the key is not in authorized_keys", .master_id = "master-1"};

    (void)state;
    come_in(1);
    m4h_rechecks_soon(&hub->slave, standing_of(1), 0);
    assert_true(is_asked_again());
    reply_with(0, &yes);
    assert_int_equal(hub->slave.counters.rechecks_confirmed, 1);
    assert_int_equal(hub->closed_count, 0);
    assert_true(standing_of(1)->due_ms > m4h_loop_now_ms(hub->slave.loop) + 3000000);
    m4h_rechecks_soon(&hub->slave, standing_of(1), 0);
    assert_true(is_asked_again());
    reply_with(0, &no);
    assert_int_equal(hub->closed_count, 0); /* another master may know it already */
    assert_true(is_asked_again());
    reply_with(0, &yes);
    m4h_rechecks_soon(&hub->slave, standing_of(1), 0);
    deny_twice(&no);
    assert_int_equal(hub->closed_count, 1);
    assert_string_equal(m4h_roster_find(hub->slave.roster, 1)->cause->detail, no.detail);
    assert_int_equal(hub->judged, 1); /* and it is told nothing twice */
}

/* Its next load event, 2 s later at most, makes masters know it again. */
static void another_slave_is_given_time_to_be_known_again(void **state)
{
    const struct m4h_authorize_reply hop = {
        .allowed = true, .slave_id = "slave-2", .valid_for_ms = 10000};
    const struct m4h_authorize_reply no = {
        .allowed = false, .detail = "no", .master_id = "master-1"};

    (void)state;
    hub->config.operators_enabled = true;
    hub->config.operator_sessions_max = 4;
    judge(1);
    reply_with(0, &hop);
    m4h_rechecks_soon(&hub->slave, standing_of(1), 0);
    assert_true(is_asked_again());
    reply_with(0, &no);
    assert_true(standing_of(1)->due_ms > m4h_loop_now_ms(hub->slave.loop) + 5000);
    m4h_rechecks_soon(&hub->slave, standing_of(1), 0);
    assert_true(is_asked_again());
    reply_with(0, &hop);
    assert_int_equal(hub->closed_count, 0);
}

static void who_is_here_stays_while_no_master_answers(void **state)
{
    (void)state;
    come_in(1);
    m4h_rechecks_soon(&hub->slave, standing_of(1), 0);
    assert_true(is_asked_again());
    while (hub->context != NULL)
        reply_with(M4H_ETIMEOUT, NULL);
    assert_int_equal(hub->slave.counters.rechecks_unanswered, 1);
    assert_int_equal(hub->closed_count, 0);
    assert_true(standing_of(1)->due_ms < m4h_loop_now_ms(hub->slave.loop) + 60000);
}

static void a_key_that_names_another_device_now_is_cut(void **state)
{
    struct m4h_authorize_reply other = yes;

    (void)state;
    m4h_text_copy(other.client_key, sizeof(other.client_key), "pump-2");
    come_in(1);
    m4h_rechecks_soon(&hub->slave, standing_of(1), 0);
    deny_twice(&other);
    assert_int_equal(hub->closed_count, 1);
}

static void a_short_absence_of_the_bus_asks_about_nobody_and_a_long_one_about_all(void **state)
{
    (void)state;
    come_in(1);
    m4h_rechecks_bus(&hub->slave, false);
    m4h_rechecks_bus(&hub->slave, true);
    assert_true(standing_of(1)->due_ms > m4h_loop_now_ms(hub->slave.loop) + 60000);
    m4h_rechecks_bus(&hub->slave, false);
    hub->slave.bus_lost_ms = m4h_loop_now_ms(hub->slave.loop) - 10000;
    m4h_rechecks_bus(&hub->slave, true);
    assert_true(standing_of(1)->due_ms <= m4h_loop_now_ms(hub->slave.loop) + 30000);
}

static void who_came_in_without_a_master_is_asked_about_soon_and_said_to_have(void **state)
{
    (void)state;
    come_in(1);
    assert_false(m4h_roster_find(hub->slave.roster, 1)->without_master);
    hub->connected = false;
    judge(2);
    assert_true(hub->order.as.judged.allowed);
    assert_true(m4h_roster_find(hub->slave.roster, 2)->without_master);
    assert_true(standing_of(2)->due_ms < m4h_loop_now_ms(hub->slave.loop) + 60000);
}

static void a_decision_that_has_ended_does_not_carry_on(void **state)
{
    struct m4h_authorize_reply ends = yes;

    (void)state;
    ends.expires_wall_ms = m4h_walltime_now_ms() - 1;
    judge(1);
    reply_with(0, &ends);
    assert_true(standing_of(1)->due_ms <= m4h_loop_now_ms(hub->slave.loop));
    hub->connected = false;
    judge(2);
    m4h_loop_run(hub->slave.loop);
    assert_false(hub->order.kind == M4H_ORDER_JUDGED && hub->order.as.judged.allowed);
}

static void who_hammers_with_a_denied_key_is_denied_without_asking_from_the_third_time(void **state)
{
    const struct m4h_authorize_reply no = {.detail = "unknown key", .valid_for_ms = 2000};

    (void)state;
    judge(1);
    reply_with(0, &no);
    judge(2);
    assert_int_equal(hub->requests, 2); /* the key may have been added meanwhile */
    reply_with(0, &no);
    judge(3);
    assert_int_equal(hub->requests, 2);
    assert_int_equal(hub->judged, 3);
    assert_string_equal(hub->refusal.detail, "unknown key");
}

/* ---- while the bus is away ------------------------------------------------------ */

static void an_unknown_key_waits_for_the_bus_and_is_asked_about_then(void **state)
{
    (void)state;
    hub->connected = false;
    judge(1);
    assert_int_equal(hub->judged, 0);
    hub->connected = true;
    m4h_questions_resume(&hub->slave);
    assert_int_equal(hub->requests, 1);
    assert_in_range(hub->timeout_ms, 1, TIMEOUT_MS);
    assert_int_equal(hub->slave.waiting_questions, 0);
    reply_with(0, &yes);
    assert_true(hub->order.as.judged.allowed);
}

static void a_question_that_was_on_its_way_as_the_bus_went_is_asked_again(void **state)
{
    (void)state;
    judge(1);
    hub->connected = false;
    reply_with(M4H_EUNAVAILABLE, NULL);
    assert_int_equal(hub->judged, 0);
    hub->connected = true;
    m4h_questions_resume(&hub->slave);
    reply_with(0, &yes);
    assert_int_equal(hub->judged, 1);
    assert_true(hub->order.as.judged.allowed);
}

static void it_waits_as_long_as_an_answer_might_take_and_no_longer(void **state)
{
    uint64_t began_ms = m4h_loop_now_ms(hub->slave.loop);
    uint64_t took_ms;

    (void)state;
    hub->connected = false;
    judge(1);
    m4h_loop_run(hub->slave.loop); /* until it is judged */
    took_ms = m4h_loop_now_ms(hub->slave.loop) - began_ms;
    assert_in_range(took_ms, TIMEOUT_MS, TIMEOUT_MS + 1000);
    assert_int_equal(hub->refusal.reason, M4H_REFUSE_NO_MASTER);
    assert_int_equal(hub->slave.waiting_questions, 0);
    assert_null(hub->slave.questions);
}

static void a_key_that_was_allowed_here_does_not_wait(void **state)
{
    (void)state;
    judge(1);
    reply_with(0, &yes);
    hub->connected = false;
    judge(2);
    assert_int_equal(hub->judged, 2);
    assert_true(hub->order.as.judged.allowed);
}

static void a_device_that_leaves_while_it_waits_is_forgotten(void **state)
{
    (void)state;
    hub->connected = false;
    judge(1);
    judge(2);
    m4h_questions_forget(&hub->slave, 1);
    assert_int_equal(hub->slave.waiting_questions, 1);
    hub->connected = true;
    m4h_questions_resume(&hub->slave);
    assert_int_equal(hub->requests, 1);
    m4h_questions_forget(&hub->slave, 2);
    assert_null(hub->context);
    assert_int_equal(hub->judged, 0);
    assert_null(hub->slave.questions);
}

/* Slaves and masters come back to NATS one after the other. */
static void where_the_bus_is_back_before_a_master_it_is_asked_again(void **state)
{
    (void)state;
    judge(1);
    reply_with(M4H_EUNAVAILABLE, NULL); /* no master listens */
    assert_int_equal(hub->judged, 0);
    m4h_questions_resume(&hub->slave);
    assert_int_equal(hub->requests, 2);
    reply_with(0, &yes);
    assert_int_equal(hub->judged, 1);
    assert_true(hub->order.as.judged.allowed);
}

/* The first question goes to their queue group; one of an earlier version does not say who it is.
 */
static void hear_two_masters(void)
{
    const struct m4h_authorize_reply no = {.detail = "unknown key"};

    hear_master("m1", 1);
    hear_master("m2", 2);
    judge(100);
    assert_string_equal(hub->subject, "mas4h.v1.rpc.authorize");
    reply_with(0, &no);
    hub->judged = 0;
    hub->requests = 0;
}

static void a_master_that_is_gone_is_left_and_another_asked_by_its_name(void **state)
{
    char first[128];

    (void)state;
    hear_two_masters();
    judge(1);
    m4h_text_copy(first, sizeof(first), hub->subject);
    reply_with(M4H_EUNAVAILABLE, NULL);
    assert_int_equal(hub->judged, 0);
    assert_string_not_equal(hub->subject, first);
    assert_string_equal(hub->subject, strcmp(first, "mas4h.v1.master.m1.authorize") == 0
                                          ? "mas4h.v1.master.m2.authorize"
                                          : "mas4h.v1.master.m1.authorize");
    reply_with(0, &yes);
    assert_true(hub->order.as.judged.allowed);
    assert_int_equal(hub->slave.counters.keys_repeated, 1);
    for (uint64_t session_id = 2; session_id < 6; session_id++) {
        judge(session_id);
        assert_string_not_equal(hub->subject, first);
        reply_with(0, &yes);
    }
}

static void one_that_cannot_tell_is_left_for_one_that_can(void **state)
{
    struct m4h_known_masters_numbers numbers;
    struct m4h_problem problem;
    struct m4h_buffer message = M4H_BUFFER_INIT(65536);
    void *context;

    (void)state;
    hear_two_masters();
    judge(1);
    m4h_problem_set(&problem, M4H_PROBLEM_UNAVAILABLE, "authorized_keys cannot be read");
    assert_int_equal(m4h_wire_authorize_reply_encode(&yes, &problem, &message), 0);
    for (int i = 0; i < 2; i++) {
        context = hub->context;
        hub->context = NULL;
        hub->on_reply(context, 0, message.data, message.len);
    }
    assert_null(hub->context);
    m4h_buffer_free(&message);
    assert_int_equal(hub->requests, 2);
    assert_int_equal(hub->order.as.refused, M4H_REFUSE_NO_MASTER);
    assert_string_equal(hub->refusal.detail, "authorized_keys cannot be read");
    m4h_known_masters_count(&hub->slave.masters, m4h_loop_now_ms(hub->slave.loop), &numbers);
    assert_int_equal(numbers.resting, 0); /* they live */
}

/* All that the open question has. */
static void let_time_pass(void)
{
    uint64_t until_ms = m4h_loop_now_ms(hub->slave.loop) + hub->timeout_ms;

    m4h_timer_start(hub->look, hub->timeout_ms, 0);
    while (m4h_loop_now_ms(hub->slave.loop) < until_ms)
        m4h_loop_run(hub->slave.loop);
}

static void one_whose_validators_take_their_time_is_waited_for(void **state)
{
    struct m4h_known_masters_numbers numbers;

    (void)state;
    hub->config.authorize_timeout_ms = 5000;
    hear_two_masters();
    hear_slow_master("m1", 1, 100);
    hear_slow_master("m2", 2, 100);
    judge(1);
    assert_int_equal(hub->timeout_ms, 300);
    let_time_pass();
    reply_with(M4H_ETIMEOUT, NULL); /* it stands still */
    m4h_known_masters_count(&hub->slave.masters, m4h_loop_now_ms(hub->slave.loop), &numbers);
    assert_int_equal(numbers.resting, 1);
    assert_int_equal(hub->requests, 2);
    reply_with(0, &yes);
    assert_true(hub->order.as.judged.allowed);
}

static void so_is_the_queue_group(void **state)
{
    (void)state;
    hub->config.authorize_timeout_ms = 5000;
    hear_slow_master("m1", 1, 100);
    hear_slow_master("m2", 2, 40);
    judge(1);
    assert_string_equal(hub->subject, "mas4h.v1.rpc.authorize");
    assert_int_equal(hub->timeout_ms, 350);
    reply_with(0, &yes);
}

static void when_the_bus_comes_back_the_masters_of_before_are_not_asked_by_name(void **state)
{
    (void)state;
    hear_master("m1", 1);
    m4h_known_masters_forget(&hub->slave.masters);
    judge(1);
    assert_string_equal(hub->subject, "mas4h.v1.rpc.authorize");
    reply_with(0, &yes);
}

static void who_answers_for_the_queue_group_is_asked_by_name_from_then_on(void **state)
{
    struct m4h_authorize_reply reply = yes;
    unsigned of_group = 0;

    (void)state;
    hear_master("m1", 1);
    hear_master("m2", 2);
    m4h_text_copy(reply.master_id, sizeof(reply.master_id), "m2");
    for (uint64_t session_id = 1; session_id <= 31; session_id++) {
        judge(session_id);
        if (strcmp(hub->subject, "mas4h.v1.rpc.authorize") == 0)
            of_group++;
        else
            assert_string_equal(hub->subject, "mas4h.v1.master.m2.authorize");
        reply_with(0, &reply);
        leave(session_id);
    }
    assert_int_equal(of_group, 4); /* the first one, and each tenth after it */
}

static void a_question_that_the_queue_group_lost_is_asked_again_by_name(void **state)
{
    (void)state;
    hear_master("m1", 1);
    hear_master("m2", 2);
    judge(1);
    assert_string_equal(hub->subject, "mas4h.v1.rpc.authorize");
    assert_in_range(hub->timeout_ms, 1, TIMEOUT_MS / 2);
    reply_with(M4H_ETIMEOUT, NULL);
    assert_non_null(strstr(hub->subject, "mas4h.v1.master.m"));
    reply_with(0, &yes);
    assert_true(hub->order.as.judged.allowed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_master_says_of_a_device_goes_into_the_roster),
        TEST(its_limits_go_to_the_worker_and_its_ports_into_the_roster),
        TEST(limits_hold_without_a_master_too),
        TEST(that_a_key_is_a_slaves_is_not_kept),
        TEST(without_a_master_an_unknown_key_is_refused),
        TEST(a_key_that_a_master_denies_may_be_followed_by_another),
        TEST(a_full_slave_sends_a_device_away),
        TEST(two_of_one_key_may_be_known_and_the_third_sends_the_oldest_away),
        TEST(a_key_with_an_owner_gets_one_place_more_in_a_full_slave_and_not_any_number),
        TEST(a_banned_key_is_refused_without_asking_until_that_is_lifted),
        TEST(a_revocation_overtakes_the_answer_that_was_on_its_way),
        TEST(what_was_revoked_does_not_carry_on_without_a_master),
        TEST(a_revocation_cuts_who_is_here_and_says_who_wanted_it),
        TEST(one_of_an_earlier_version_cuts_at_once_and_is_not_remembered),
        TEST(one_of_a_far_future_is_no_revocation),
        TEST(what_was_missed_is_asked_for_and_cuts),
        TEST(who_is_here_is_asked_about_again_and_stays_as_long_as_a_master_agrees),
        TEST(an_operator_is_cut_by_name_and_another_slave_is_not),
        TEST(another_slave_is_given_time_to_be_known_again),
        TEST(who_is_here_stays_while_no_master_answers),
        TEST(a_key_that_names_another_device_now_is_cut),
        TEST(a_short_absence_of_the_bus_asks_about_nobody_and_a_long_one_about_all),
        TEST(who_came_in_without_a_master_is_asked_about_soon_and_said_to_have),
        TEST(a_decision_that_has_ended_does_not_carry_on),
        TEST(who_hammers_with_a_denied_key_is_denied_without_asking_from_the_third_time),
        TEST(an_unknown_key_waits_for_the_bus_and_is_asked_about_then),
        TEST(a_question_that_was_on_its_way_as_the_bus_went_is_asked_again),
        TEST(it_waits_as_long_as_an_answer_might_take_and_no_longer),
        TEST(a_key_that_was_allowed_here_does_not_wait),
        TEST(a_device_that_leaves_while_it_waits_is_forgotten),
        TEST(where_the_bus_is_back_before_a_master_it_is_asked_again),
        TEST(a_master_that_is_gone_is_left_and_another_asked_by_its_name),
        TEST(one_that_cannot_tell_is_left_for_one_that_can),
        TEST(one_whose_validators_take_their_time_is_waited_for),
        TEST(so_is_the_queue_group),
        TEST(when_the_bus_comes_back_the_masters_of_before_are_not_asked_by_name),
        TEST(who_answers_for_the_queue_group_is_asked_by_name_from_then_on),
        TEST(a_question_that_the_queue_group_lost_is_asked_again_by_name),
    };

    return cmocka_run_group_tests_name("slave: admission", tests, NULL, NULL);
}
