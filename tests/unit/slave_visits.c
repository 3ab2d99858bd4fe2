/* Operators who ask for devices, in the hub (io/visits.c): workers and masters are played by the
 * test. Each visit ends in one answer to its worker, and no descriptor is left behind. */
#include "lib/base/error.h"
#include "lib/ssh/open.h"
#include "lib/wire/wire.h"
#include "services/slave/io/inquiry.h"
#include "tests/unit/slave_hub_stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define KEY       "berlin-1"
#define HIDDEN    "alice may not reach p-1 at port 22, or it is not connected"
#define OPERATORS 0x7000000000000000u /* their sessions, beside those of devices */

/* ---- masters ------------------------------------------------------------------------- */

static const struct m4h_inquiry_kind *asked_kind; /* NULL: nobody is asked */
static void *asked_context;
static unsigned cancelled;

int __wrap_m4h_inquiry_start(struct m4h_inquiry **inquiry, struct m4h_slave *slave,
                             const struct m4h_inquiry_kind *kind, const uint8_t *data, size_t len,
                             uint32_t timeout_ms, void *context);
void __wrap_m4h_inquiry_cancel(struct m4h_inquiry *inquiry);

int __wrap_m4h_inquiry_start(struct m4h_inquiry **inquiry, struct m4h_slave *slave,
                             const struct m4h_inquiry_kind *kind, const uint8_t *data, size_t len,
                             uint32_t timeout_ms, void *context)
{
    (void)slave, (void)data, (void)len, (void)timeout_ms;
    asked_kind = kind;
    asked_context = context;
    *inquiry = (struct m4h_inquiry *)&asked_kind;
    return 0;
}

void __wrap_m4h_inquiry_cancel(struct m4h_inquiry *inquiry)
{
    cancelled += inquiry != NULL;
    if (inquiry != NULL)
        asked_kind = NULL;
}

/* A master answers; `located` NULL: with a problem of that code, or not at all (0). */
static void master_says(const struct m4h_located *located, enum m4h_problem_code code)
{
    const struct m4h_inquiry_kind *kind = asked_kind;
    struct m4h_buffer message = M4H_BUFFER_INIT(65536);
    const struct m4h_problem problem = {.code = code, .detail = "played"};
    char master_id[M4H_ID_MAX + 1];
    int error = M4H_ETIMEOUT;

    assert_non_null(kind);
    asked_kind = NULL;
    if (located != NULL || code != 0) {
        assert_int_equal(m4h_wire_locate_reply_encode(located, "master-1",
                                                      code != 0 ? &problem : NULL, &message),
                         0);
        error = kind->on_reply(asked_context, message.data, message.len, master_id);
    }
    kind->on_end(asked_context, error);
    m4h_buffer_free(&message);
}

/* It knows the device. */
static void located_at(const char *slave_id, const char *client_key, const char *labels)
{
    struct m4h_located located = {.region = "eu",
                                  .host = "s2.example",
                                  .port = 2222,
                                  .host_keys = {"ssh-ed25519 AAAA"},
                                  .host_key_count = 1};
    struct m4h_tunnel *tunnel = &located.tunnel;

    m4h_text_copy(located.slave_id, sizeof(located.slave_id), slave_id);
    *tunnel = (struct m4h_tunnel){.tunnel_id = 7,
                                  .stamp = 9,
                                  .ports = {20001},
                                  .port_count = 1,
                                  .remote_address = "192.0.2.3:1",
                                  .connected_wall_ms = 1700000000000,
                                  .key_fingerprint = "SHA256:abc"};
    m4h_text_copy(tunnel->client_key, sizeof(tunnel->client_key), client_key);
    m4h_text_copy(tunnel->labels, sizeof(tunnel->labels), labels);
    master_says(&located, 0);
}

/* ---- the stage ----------------------------------------------------------------------- */

static size_t files_before;

static size_t count_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static int begin(void **state)
{
    int error = hub_begin(state);

    if (error != 0)
        return error;
    hub->config.id = (char *)"slave-1";
    hub->config.operators_enabled = true;
    hub->config.operator_sessions_max = 2;
    hub->config.operator_channels_max = 3;
    hub->config.operator_reach_ms = 10000;
    hub->slave.message = (struct m4h_buffer)M4H_BUFFER_INIT(65536);
    asked_kind = NULL;
    cancelled = 0;
    files_before = count_files();
    return m4h_visits_create(&hub->slave);
}

static int end(void **state)
{
    m4h_visits_destroy(&hub->slave);
    m4h_buffer_free(&hub->slave.message);
    return hub_end(state);
}

/* An operator who may reach berlin-*, at ports up to 100 where they have the label. */
static uint64_t enter_operator(void)
{
    static const struct m4h_authorize_request request = {.remote_address = "192.0.2.1:50022"};
    struct m4h_authorize_reply reply = {.allowed = true, .operator_.name = "alice"};
    struct m4h_operator_rule *rules = reply.operator_.rules;
    uint64_t session_id = OPERATORS + ++hub->sessions;

    reply.operator_.rule_count = 2;
    m4h_text_copy(rules[0].client_key_pattern, sizeof(rules[0].client_key_pattern), "berlin-*");
    m4h_text_copy(rules[1].labels, sizeof(rules[1].labels), "site=paris");
    rules[1].ports[0] = (struct m4h_port_range){1, 100};
    rules[1].port_range_count = 1;
    assert_null(m4h_visits_admit(&hub->slave, session_id, &request, &reply));
    return session_id;
}

static uint64_t enter_hop(void)
{
    static const struct m4h_authorize_request request = {.remote_address = "192.0.2.9:50022"};
    static const struct m4h_authorize_reply reply = {.allowed = true, .slave_id = "slave-2"};
    uint64_t session_id = OPERATORS + ++hub->sessions;

    assert_null(m4h_visits_admit(&hub->slave, session_id, &request, &reply));
    return session_id;
}

static uint64_t ask(uint64_t session_id, const char *client_key, uint16_t port)
{
    struct m4h_visit_question *question = calloc(1, sizeof(*question));
    uint64_t id;

    assert_non_null(question);
    id = question->visit_id = ++hub->sessions;
    question->port = port;
    question->originator_port = 50001;
    m4h_text_copy(question->client_key, sizeof(question->client_key), client_key);
    m4h_text_copy(question->originator, sizeof(question->originator), "198.51.100.7");
    m4h_visits_ask(&hub->slave, session_id, question);
    return id;
}

static struct m4h_resident *device_up(const char *client_key, const char *labels)
{
    struct m4h_resident *resident = admit(client_key);

    assert_int_not_equal(forward(resident, 0), 0);
    m4h_text_copy(resident->tunnel.labels, sizeof(resident->tunnel.labels), labels);
    files_before = count_files();
    return resident;
}

static void expect_refused(uint64_t session_id, uint64_t visit_id, const char *words,
                           enum m4h_access_result result)
{
    const struct m4h_order *order = take_order(session_id, M4H_ORDER_UNREACHED);

    assert_non_null(order);
    assert_int_equal(order->as.unreached.visit_id, visit_id);
    assert_string_equal(order->as.unreached.text, words);
    assert_int_equal(hub->slave.counters.accesses[result], 1);
    assert_int_equal(m4h_visits_count(&hub->slave), 0);
}

/* The device's worker got its end; closed here. */
static struct m4h_order expect_visit(const struct m4h_resident *resident, uint64_t visit_id)
{
    const struct m4h_order *order = take_order(resident->session_id, M4H_ORDER_VISIT);

    assert_non_null(order);
    assert_int_equal(order->as.visit.visit_id, visit_id);
    close(order->as.visit.fd);
    return *order;
}

static void over(uint64_t visit_id)
{
    struct m4h_report report = {.kind = M4H_REPORT_VISIT_OVER};

    report.as.over.visit_id = visit_id;
    report.as.over.bytes_from_device = 11;
    report.as.over.bytes_to_device = 22;
    m4h_visits_over(&hub->slave, &report);
}

/* ---- a device that hangs here ---------------------------------------------------------- */

static void an_operator_gets_to_a_device_and_leaves(void **state)
{
    struct m4h_resident *resident = device_up(KEY, "");
    uint64_t operator_ = enter_operator(), visit = ask(operator_, KEY, 22);
    struct m4h_order order = expect_visit(resident, visit);
    const struct m4h_order *reached;

    (void)state;
    assert_int_equal(order.as.visit.port, resident->tunnel.ports[0]);
    assert_string_equal(order.as.visit.peer, "192.0.2.1:50022");
    assert_int_equal(hub->events[M4H_EVENT_ACCESS], 0);
    m4h_visits_reached(&hub->slave, visit, true);
    reached = take_order(operator_, M4H_ORDER_REACHED);
    assert_non_null(reached);
    close(reached->as.reached.fd);
    assert_int_equal(hub->last_event.as.access.phase, M4H_ACCESS_OPENED);
    assert_int_equal(hub->last_event.as.access.tunnel_id, resident->tunnel.tunnel_id);
    over(visit);
    assert_int_equal(hub->events[M4H_EVENT_ACCESS], 2);
    assert_int_equal(hub->last_event.as.access.phase, M4H_ACCESS_CLOSED);
    assert_int_equal(hub->last_event.as.access.bytes_from_device, 11);
    assert_int_equal(hub->last_event.as.access.bytes_to_device, 22);
    assert_int_equal(m4h_visits_count(&hub->slave), 0);
    assert_int_equal(count_files(), files_before);
}

static void a_device_that_does_not_take_it_is_told_of(void **state)
{
    struct m4h_resident *resident = device_up(KEY, "");
    uint64_t operator_ = enter_operator(), visit = ask(operator_, KEY, 22);

    (void)state;
    expect_visit(resident, visit);
    m4h_visits_reached(&hub->slave, visit, false);
    expect_refused(operator_, visit, KEY " does not take connections at port 22 now",
                   M4H_ACCESS_RESULT_UNANSWERED);
    m4h_visits_reached(&hub->slave, visit, true); /* too late: nothing */
    assert_int_equal(count_files(), files_before);
}

static void a_port_that_is_not_there_is_told_of(void **state)
{
    uint64_t operator_, visit;

    (void)state;
    device_up(KEY, "");
    operator_ = enter_operator();
    visit = ask(operator_, KEY, 8080);
    expect_refused(operator_, visit, KEY " has no port 8080: 22 is its first, 1 to 1 count them",
                   M4H_ACCESS_RESULT_NO_PORT);
    assert_int_equal(hub->last_event.as.access.phase, M4H_ACCESS_REFUSED);
}

static void the_labels_of_the_device_decide(void **state)
{
    struct m4h_resident *paris = device_up("p-1", "site=paris");
    uint64_t operator_ = enter_operator(), visit;

    (void)state;
    visit = ask(operator_, "p-1", 22);
    expect_visit(paris, visit);
    m4h_visits_reached(&hub->slave, visit, false);
    assert_non_null(take_order(operator_, M4H_ORDER_UNREACHED));
    m4h_text_copy(paris->tunnel.labels, sizeof(paris->tunnel.labels), "site=rome");
    visit = ask(operator_, "p-1", 22);
    assert_null(take_order(paris->session_id, M4H_ORDER_VISIT));
    located_at("slave-1", "p-1", "site=rome");
    expect_refused(operator_, visit, HIDDEN, M4H_ACCESS_RESULT_FORBIDDEN);
}

/* As many questions and the same words as for one that has other labels. */
static void whether_a_device_is_there_is_not_told_where_its_labels_decide(void **state)
{
    uint64_t operator_ = enter_operator(), visit = ask(operator_, "p-1", 22);

    (void)state;
    master_says(NULL, M4H_PROBLEM_NOT_FOUND);
    expect_refused(operator_, visit, HIDDEN, M4H_ACCESS_RESULT_ABSENT);
}

static void a_device_without_a_port_yet_is_looked_for_elsewhere(void **state)
{
    (void)state;
    admit(KEY);
    ask(enter_operator(), KEY, 22);
    assert_non_null(asked_kind);
}

/* ---- a device that is not here ---------------------------------------------------------- */

static void what_no_rule_may_fit_is_not_looked_for(void **state)
{
    uint64_t operator_ = enter_operator(), visit = ask(operator_, "rome-1", 8080);

    (void)state;
    assert_null(asked_kind);
    expect_refused(operator_, visit, "alice may not reach rome-1 at port 8080",
                   M4H_ACCESS_RESULT_FORBIDDEN);
}

static void one_that_no_master_knows_is_not_connected(void **state)
{
    uint64_t operator_ = enter_operator(), visit = ask(operator_, KEY, 22);

    (void)state;
    master_says(NULL, M4H_PROBLEM_NOT_FOUND);
    expect_refused(operator_, visit, KEY " is not connected", M4H_ACCESS_RESULT_ABSENT);
}

static void without_masters_nobody_can_say(void **state)
{
    uint64_t operator_ = enter_operator(), visit = ask(operator_, KEY, 22);

    (void)state;
    master_says(NULL, 0);
    expect_refused(operator_, visit,
                   KEY " is not connected here, and nobody can say now where it is",
                   M4H_ACCESS_RESULT_UNANSWERED);
}

static void the_labels_that_a_master_knows_decide_too(void **state)
{
    uint64_t operator_ = enter_operator(), visit = ask(operator_, "p-1", 22);

    (void)state;
    located_at("slave-2", "p-1", "site=rome");
    expect_refused(operator_, visit, HIDDEN, M4H_ACCESS_RESULT_FORBIDDEN);
}

static void an_operator_who_leaves_meanwhile_ends_the_question(void **state)
{
    uint64_t operator_ = enter_operator();

    (void)state;
    ask(operator_, KEY, 22);
    assert_true(m4h_visits_gone(&hub->slave, operator_));
    assert_int_equal(cancelled, 1);
    assert_int_equal(m4h_visits_count(&hub->slave), 0);
    assert_int_equal(m4h_visitors_count(hub->slave.visitors), 0);
}

/* ---- bounds, hops, ends ------------------------------------------------------------------- */

static void there_are_only_so_many_connections_of_one_operator(void **state)
{
    struct m4h_resident *resident = device_up(KEY, "");
    uint64_t operator_ = enter_operator(), visit;

    (void)state;
    for (int i = 0; i < 3; i++) {
        visit = ask(operator_, KEY, 22);
        expect_visit(resident, visit);
    }
    ask(operator_, KEY, 22);
    assert_non_null(take_order(operator_, M4H_ORDER_UNREACHED));
    assert_int_equal(hub->slave.counters.accesses[M4H_ACCESS_RESULT_SURPLUS], 1);
    m4h_visits_reached(&hub->slave, visit, false); /* which makes room */
    assert_non_null(take_order(operator_, M4H_ORDER_UNREACHED));
    visit = ask(operator_, KEY, 22);
    expect_visit(resident, visit);
}

static void who_is_here_gets_nowhere_once_operators_are_not_let_in_any_more(void **state)
{
    uint64_t operator_ = enter_operator(), visit;

    (void)state;
    device_up(KEY, "");
    hub->config.operators_enabled = false;
    visit = ask(operator_, KEY, 22);
    expect_refused(operator_, visit, "operators are not let in here any more",
                   M4H_ACCESS_RESULT_FORBIDDEN);
}

static void the_last_files_are_not_for_visits(void **state)
{
    uint64_t operator_ = enter_operator(), visit;
    struct rlimit files, before;

    (void)state;
    device_up(KEY, "");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    files = before;
    files.rlim_cur = files_before - 1; /* two more are free; a quarter is kept */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    visit = ask(operator_, KEY, 22);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    expect_refused(operator_, visit, "the server is full", M4H_ACCESS_RESULT_SURPLUS);
    assert_int_equal(count_files(), files_before);
}

static void there_are_only_so_many_operators(void **state)
{
    static const struct m4h_authorize_request request;
    static const struct m4h_authorize_reply reply = {.operator_ = {.name = "bob"}};

    (void)state;
    enter_operator();
    enter_operator();
    assert_non_null(m4h_visits_admit(&hub->slave, OPERATORS, &request, &reply));
}

/* Each worker of each slave may have some sessions here. */
static void operators_leave_other_slaves_their_places(void **state)
{
    static const struct m4h_authorize_request request;
    static const struct m4h_authorize_reply reply = {.slave_id = "slave-2"};

    (void)state;
    for (int i = 0; i < 2 * 16; i++)
        enter_hop();
    enter_operator();
    enter_operator();
    assert_non_null(m4h_visits_admit(&hub->slave, OPERATORS, &request, &reply));
}

static void a_hop_names_its_operator_and_reaches_what_hangs_here_only(void **state)
{
    struct m4h_resident *resident = device_up("rome-1", "");
    uint64_t hop = enter_hop(), visit = ask(hop, "rome-1", 22);
    struct m4h_order order = expect_visit(resident, visit);

    (void)state;
    assert_string_equal(order.as.visit.peer, "198.51.100.7:50001");
    m4h_visits_reached(&hub->slave, visit, true);
    close(take_order(hop, M4H_ORDER_REACHED)->as.reached.fd);
    assert_int_equal(hub->events[M4H_EVENT_ACCESS], 0); /* its own slave tells */
    over(visit);
    visit = ask(hop, KEY, 22);
    assert_null(asked_kind);
    expect_refused(hop, visit, KEY " is not connected", M4H_ACCESS_RESULT_ABSENT);
}

static void a_session_that_is_gone_takes_its_visits_along(void **state)
{
    struct m4h_resident *resident = device_up(KEY, "");
    uint64_t operator_ = enter_operator(), open = ask(operator_, KEY, 22), waiting;

    (void)state;
    expect_visit(resident, open);
    m4h_visits_reached(&hub->slave, open, true);
    close(take_order(operator_, M4H_ORDER_REACHED)->as.reached.fd);
    waiting = ask(operator_, KEY, 22);
    expect_visit(resident, waiting);
    assert_true(m4h_visits_gone(&hub->slave, operator_));
    assert_int_equal(m4h_visits_count(&hub->slave), 0);
    assert_int_equal(hub->events[M4H_EVENT_ACCESS], 2);
    assert_int_equal(count_files(), files_before);
    assert_false(m4h_visits_gone(&hub->slave, operator_));
    assert_false(m4h_visits_gone(&hub->slave, resident->session_id));
}

static void who_is_being_closed_is_closed_once_and_gets_nowhere(void **state)
{
    uint64_t operator_ = enter_operator();

    (void)state;
    m4h_visits_cut(&hub->slave);
    m4h_visits_cut(&hub->slave);
    assert_non_null(take_order(operator_, M4H_ORDER_CLOSE));
    assert_null(take_order(operator_, M4H_ORDER_CLOSE));
    ask(operator_, KEY, 22);
    assert_int_equal(m4h_visits_count(&hub->slave), 0);
}

static void on_tick(void *context)
{
    (void)context;
    if (m4h_visits_count(&hub->slave) == 0)
        m4h_loop_stop(hub->slave.loop);
}

static void what_takes_too_long_is_refused(void **state)
{
    struct m4h_resident *resident = device_up(KEY, "");
    struct m4h_timer *tick;
    uint64_t operator_, visit;

    (void)state;
    hub->config.operator_reach_ms = 100;
    operator_ = enter_operator();
    visit = ask(operator_, KEY, 22);
    expect_visit(resident, visit);
    assert_int_equal(m4h_timer_create(&tick, hub->slave.loop, on_tick, NULL), 0);
    m4h_timer_start(tick, 10, 10);
    m4h_loop_run(hub->slave.loop);
    m4h_timer_close(tick);
    expect_refused(operator_, visit, KEY " did not answer in time", M4H_ACCESS_RESULT_UNANSWERED);
}

#define visits_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        visits_test(an_operator_gets_to_a_device_and_leaves),
        visits_test(a_device_that_does_not_take_it_is_told_of),
        visits_test(a_port_that_is_not_there_is_told_of),
        visits_test(the_labels_of_the_device_decide),
        visits_test(whether_a_device_is_there_is_not_told_where_its_labels_decide),
        visits_test(a_device_without_a_port_yet_is_looked_for_elsewhere),
        visits_test(what_no_rule_may_fit_is_not_looked_for),
        visits_test(one_that_no_master_knows_is_not_connected),
        visits_test(without_masters_nobody_can_say),
        visits_test(the_labels_that_a_master_knows_decide_too),
        visits_test(an_operator_who_leaves_meanwhile_ends_the_question),
        visits_test(there_are_only_so_many_connections_of_one_operator),
        visits_test(who_is_here_gets_nowhere_once_operators_are_not_let_in_any_more),
        visits_test(the_last_files_are_not_for_visits),
        visits_test(there_are_only_so_many_operators),
        visits_test(operators_leave_other_slaves_their_places),
        visits_test(a_hop_names_its_operator_and_reaches_what_hangs_here_only),
        visits_test(a_session_that_is_gone_takes_its_visits_along),
        visits_test(who_is_being_closed_is_closed_once_and_gets_nowhere),
        visits_test(what_takes_too_long_is_refused),
    };

    return cmocka_run_group_tests_name("slave: visits", tests, NULL, NULL);
}
