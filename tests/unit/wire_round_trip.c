/* What is encoded decodes to the same, with every field as long as it may be
 * and with every field as short as it may be. */
#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/unit/wire_kinds.h"
#include "tests/unit/wire_models.h"
#include "tests/unit/wire_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BUFFER M4H_BUFFER_INIT(M4H_WIRE_MESSAGE_MAX)

/* Encodes `model` with `encode`, decodes it into a zeroed struct and compares. */
#define ASSERT_ROUND_TRIP(model, encode, decode)                                                   \
    do {                                                                                           \
        struct m4h_buffer bytes = BUFFER;                                                          \
        __typeof__(model) again;                                                                   \
                                                                                                   \
        memset(&again, 0, sizeof(again));                                                          \
        assert_int_equal(encode(&(model), &bytes), 0);                                             \
        assert_int_equal(decode(bytes.data, bytes.len, &again), 0);                                \
        assert_memory_equal(&again, &(model), sizeof(again));                                      \
        m4h_buffer_free(&bytes);                                                                   \
    } while (0)

static void assert_event_survives(struct m4h_event *event)
{
    ASSERT_ROUND_TRIP(*event, m4h_wire_event_encode, m4h_wire_event_decode);
}

static void every_full_event_survives(void **state)
{
    struct m4h_event event;

    (void)state;
    for (int type = M4H_EVENT_CONNECT; type < M4H_EVENT_TYPE_COUNT; type++) {
        full_event(&event, (enum m4h_event_type)type);
        assert_event_survives(&event);
    }
}

static void least_envelope(struct m4h_event *event, enum m4h_event_type type)
{
    memset(event, 0, sizeof(*event));
    strncpy(event->event_id, "a:1:1", sizeof(event->event_id) - 1);
    event->slave_id[0] = 'a';
    event->region[0] = 'b';
    event->epoch = 1;
    event->seq = type == M4H_EVENT_LOAD ? 0 : 1;
    event->type = type;
}

static void every_least_event_survives(void **state)
{
    struct m4h_event event;

    (void)state;
    least_envelope(&event, M4H_EVENT_CONNECT);
    event.as.connect.client_key[0] = 'k';
    event.as.connect.tunnel_id = 1;
    event.as.connect.ports[0] = 1;
    event.as.connect.port_count = 1;
    assert_event_survives(&event);
    least_envelope(&event, M4H_EVENT_DISCONNECT);
    event.as.disconnect.client_key[0] = 'k';
    event.as.disconnect.tunnel_id = 1;
    assert_event_survives(&event);
    least_envelope(&event, M4H_EVENT_LOAD);
    event.as.load.state = M4H_SLAVE_READY;
    assert_event_survives(&event);
    least_envelope(&event, M4H_EVENT_START);
    event.as.start.host[0] = 'h';
    event.as.start.port = 1;
    assert_event_survives(&event);
    least_envelope(&event, M4H_EVENT_DRAIN);
    assert_event_survives(&event);
    least_envelope(&event, M4H_EVENT_REFUSE);
    assert_event_survives(&event);
    least_envelope(&event, M4H_EVENT_FLAPPING);
    event.as.flapping.client_key[0] = 'k';
    assert_event_survives(&event);
    least_envelope(&event, M4H_EVENT_ACCESS);
    event.as.access.access_id = 1;
    event.as.access.operator_name[0] = 'o';
    assert_event_survives(&event);
    least_envelope(&event, M4H_EVENT_RELOAD);
    assert_event_survives(&event);
    least_envelope(&event, M4H_EVENT_OTHER);
    assert_event_survives(&event);
}

static void every_reason_survives(void **state)
{
    struct m4h_event event;

    (void)state;
    full_event(&event, M4H_EVENT_DISCONNECT);
    for (int reason = 0; reason < M4H_DISCONNECT_REASON_COUNT; reason++) {
        event.as.disconnect.reason = (enum m4h_disconnect_reason)reason;
        assert_event_survives(&event);
    }
    full_event(&event, M4H_EVENT_REFUSE);
    for (int reason = 0; reason < M4H_REFUSE_REASON_COUNT; reason++) {
        event.as.refuse.reason = (enum m4h_refuse_reason)reason;
        assert_event_survives(&event);
    }
}

static void set_fingerprint(char fingerprint[M4H_FINGERPRINT_MAX + 1])
{
    m4h_text_copy(fingerprint, M4H_FINGERPRINT_MAX + 1, "SHA256:x");
}

static void every_full_request_survives(void **state)
{
    struct m4h_dispatch_request dispatch;
    struct m4h_authorize_request authorize;
    struct m4h_page_request page;
    struct m4h_kick_request kick;
    struct m4h_drain_request drain;
    struct m4h_snapshot_request snapshot;
    struct m4h_revoke revoke;

    (void)state;
    memset(&snapshot, 0, sizeof(snapshot)); /* what is between the fields as well */
    snapshot.snapshot_id = UINT64_MAX;
    snapshot.page = UINT32_MAX;
    full_dispatch_request(&dispatch);
    ASSERT_ROUND_TRIP(dispatch, m4h_wire_dispatch_request_encode, m4h_wire_dispatch_request_decode);
    full_authorize_request(&authorize);
    ASSERT_ROUND_TRIP(authorize, m4h_wire_authorize_request_encode,
                      m4h_wire_authorize_request_decode);
    full_page_request(&page);
    ASSERT_ROUND_TRIP(page, m4h_wire_tunnels_request_encode, m4h_wire_tunnels_request_decode);
    memset(page.client_key_prefix, 0, sizeof(page.client_key_prefix));
    memset(page.labels, 0, sizeof(page.labels));
    ASSERT_ROUND_TRIP(page, m4h_wire_slaves_request_encode, m4h_wire_slaves_request_decode);
    full_kick_request(&kick);
    ASSERT_ROUND_TRIP(kick, m4h_wire_kick_request_encode, m4h_wire_kick_request_decode);
    full_drain_request(&drain);
    ASSERT_ROUND_TRIP(drain, m4h_wire_drain_request_encode, m4h_wire_drain_request_decode);
    ASSERT_ROUND_TRIP(snapshot, m4h_wire_snapshot_request_encode, m4h_wire_snapshot_request_decode);
    full_revoke(&revoke);
    ASSERT_ROUND_TRIP(revoke, m4h_wire_revoke_encode, m4h_wire_revoke_decode);
    memset(&revoke, 0, sizeof(revoke));
    set_fingerprint(revoke.key_fingerprint);
    ASSERT_ROUND_TRIP(revoke, m4h_wire_revoke_encode, m4h_wire_revoke_decode);
}

static void every_full_request_about_records_survives(void **state)
{
    struct m4h_locate_request locate;
    struct m4h_revoke_request revoke;
    struct m4h_revocations_request revocations;
    struct m4h_devices_request devices;
    struct m4h_device_request device;
    struct m4h_device_put put;
    struct m4h_audit_record record;

    (void)state;
    full_locate_request(&locate);
    ASSERT_ROUND_TRIP(locate, m4h_wire_locate_request_encode, m4h_wire_locate_request_decode);
    full_revoke_request(&revoke);
    ASSERT_ROUND_TRIP(revoke, m4h_wire_revoke_request_encode, m4h_wire_revoke_request_decode);
    full_revocations_request(&revocations);
    ASSERT_ROUND_TRIP(revocations, m4h_wire_revocations_request_encode,
                      m4h_wire_revocations_request_decode);
    full_devices_request(&devices);
    ASSERT_ROUND_TRIP(devices, m4h_wire_devices_request_encode, m4h_wire_devices_request_decode);
    full_device_request(&device);
    ASSERT_ROUND_TRIP(device, m4h_wire_device_remove_encode, m4h_wire_device_remove_decode);
    memset(device.actor, 0, sizeof(device.actor));
    memset(device.reason, 0, sizeof(device.reason));
    ASSERT_ROUND_TRIP(device, m4h_wire_device_get_encode, m4h_wire_device_get_decode);
    full_device_put(&put);
    ASSERT_ROUND_TRIP(put, m4h_wire_device_put_encode, m4h_wire_device_put_decode);
    full_device_put_line(&put);
    ASSERT_ROUND_TRIP(put, m4h_wire_device_put_encode, m4h_wire_device_put_decode);
    full_audit_record(&record);
    ASSERT_ROUND_TRIP(record, m4h_wire_audit_record_encode, m4h_wire_audit_record_decode);
}

static void every_least_request_about_records_survives(void **state)
{
    struct m4h_revoke_request revoke = {.client_key = "k", .lifts_only = true};
    struct m4h_revocations_request revocations;
    struct m4h_devices_request devices;
    struct m4h_device_put put;

    (void)state;
    ASSERT_ROUND_TRIP(revoke, m4h_wire_revoke_request_encode, m4h_wire_revoke_request_decode);
    memset(&revocations, 0, sizeof(revocations));
    revocations.page_size = 1;
    ASSERT_ROUND_TRIP(revocations, m4h_wire_revocations_request_encode,
                      m4h_wire_revocations_request_decode);
    memset(&devices, 0, sizeof(devices));
    devices.page_size = 1;
    ASSERT_ROUND_TRIP(devices, m4h_wire_devices_request_encode, m4h_wire_devices_request_decode);
    memset(&put, 0, sizeof(put));
    put.device.key_fingerprint[0] = 'f';
    put.device.state = M4H_DEVICE_ENABLED;
    ASSERT_ROUND_TRIP(put, m4h_wire_device_put_encode, m4h_wire_device_put_decode);
}

static void every_least_request_survives(void **state)
{
    struct m4h_dispatch_request dispatch = {.region = ""};
    struct m4h_page_request page = {.page_size = 1};
    struct m4h_kick_request kick = {.client_key = "k", .reason = M4H_DISCONNECT_KICKED};
    struct m4h_drain_request drain = {.actor = ""};
    struct m4h_snapshot_request snapshot;

    (void)state;
    memset(&snapshot, 0, sizeof(snapshot));
    ASSERT_ROUND_TRIP(dispatch, m4h_wire_dispatch_request_encode, m4h_wire_dispatch_request_decode);
    ASSERT_ROUND_TRIP(page, m4h_wire_tunnels_request_encode, m4h_wire_tunnels_request_decode);
    memset(page.client_key_prefix, 0, sizeof(page.client_key_prefix));
    memset(page.labels, 0, sizeof(page.labels));
    ASSERT_ROUND_TRIP(page, m4h_wire_slaves_request_encode, m4h_wire_slaves_request_decode);
    ASSERT_ROUND_TRIP(kick, m4h_wire_kick_request_encode, m4h_wire_kick_request_decode);
    ASSERT_ROUND_TRIP(drain, m4h_wire_drain_request_encode, m4h_wire_drain_request_decode);
    ASSERT_ROUND_TRIP(snapshot, m4h_wire_snapshot_request_encode, m4h_wire_snapshot_request_decode);
}

static void a_slot_survives(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_slot slot, again;
    struct m4h_problem problem = {.code = M4H_PROBLEM_INTERNAL};

    (void)state;
    full_slot(&slot);
    assert_int_equal(m4h_wire_dispatch_reply_encode(&slot, NULL, &bytes), 0);
    assert_int_equal(m4h_wire_dispatch_reply_decode(bytes.data, bytes.len, &again, &problem), 0);
    assert_int_equal(problem.code, 0);
    assert_memory_equal(&again, &slot, sizeof(slot));
    m4h_buffer_free(&bytes);
}

static void assert_answer_survives(const struct m4h_authorize_reply *answer)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_authorize_reply again;
    struct m4h_problem problem = {.code = M4H_PROBLEM_INTERNAL};

    memset(&again, 0xff, sizeof(again));
    assert_int_equal(m4h_wire_authorize_reply_encode(answer, NULL, &bytes), 0);
    assert_int_equal(m4h_wire_authorize_reply_decode(bytes.data, bytes.len, &again, &problem), 0);
    assert_int_equal(problem.code, 0);
    assert_memory_equal(&again, answer, sizeof(again));
    m4h_buffer_free(&bytes);
}

static void yes_and_no_survive(void **state)
{
    struct m4h_authorize_reply answer;

    (void)state;
    full_allow(&answer);
    assert_answer_survives(&answer);
    full_allow_operator(&answer);
    assert_answer_survives(&answer);
    full_allow_slave(&answer);
    assert_answer_survives(&answer);
    full_deny(&answer);
    assert_answer_survives(&answer);
    memset(&answer, 0, sizeof(answer));
    answer.allowed = true;
    answer.client_key[0] = 'k';
    assert_answer_survives(&answer);
    answer.limits.channels_max = 1;
    assert_answer_survives(&answer);
    memset(&answer, 0, sizeof(answer));
    answer.allowed = true;
    answer.operator_.name[0] = 'o';
    assert_answer_survives(&answer);
    memset(&answer, 0, sizeof(answer));
    assert_answer_survives(&answer);
}

static void a_place_survives(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_located located, again;
    struct m4h_problem problem;
    char master_id[M4H_ID_MAX + 1];

    (void)state;
    full_located(&located);
    assert_int_equal(m4h_wire_locate_reply_encode(&located, "m", NULL, &bytes), 0);
    assert_int_equal(
        m4h_wire_locate_reply_decode(bytes.data, bytes.len, &again, master_id, &problem), 0);
    assert_memory_equal(&again, &located, sizeof(located));
    assert_string_equal(master_id, "m");
    assert_int_equal(problem.code, 0);
    m4h_buffer_free(&bytes);
}

static void a_record_survives(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_device_record device, again;
    struct m4h_problem problem;

    (void)state;
    full_device(&device);
    assert_int_equal(m4h_wire_device_reply_encode(&device, NULL, &bytes), 0);
    assert_int_equal(m4h_wire_device_reply_decode(bytes.data, bytes.len, &again, &problem), 0);
    assert_memory_equal(&again, &device, sizeof(device));
    assert_int_equal(problem.code, 0);
    m4h_buffer_free(&bytes);
}

static void a_cluster_survives_with_all_its_regions(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_cluster_status cluster, again;
    struct m4h_region_status regions[M4H_REGIONS_MAX], *read;
    struct m4h_problem problem;
    size_t count;

    (void)state;
    full_cluster(&cluster);
    for (size_t i = 0; i < M4H_REGIONS_MAX; i++) {
        full_region(&regions[i]);
        regions[i].slaves = (uint32_t)i;
    }
    assert_int_equal(
        m4h_wire_cluster_reply_encode(&cluster, regions, M4H_REGIONS_MAX, NULL, &bytes), 0);
    assert_int_equal(
        m4h_wire_cluster_reply_decode(bytes.data, bytes.len, &again, &read, &count, &problem), 0);
    assert_memory_equal(&again, &cluster, sizeof(cluster));
    assert_int_equal(count, M4H_REGIONS_MAX);
    assert_memory_equal(read, regions, sizeof(regions));
    assert_int_equal(problem.code, 0);
    free(read);
    m4h_buffer_free(&bytes);
}

static void a_hello_survives(void **state)
{
    struct m4h_master_hello hello;

    (void)state;
    full_hello(&hello);
    ASSERT_ROUND_TRIP(hello, m4h_wire_hello_encode, m4h_wire_hello_decode);
}

/* The most in one message, each as long as it may be: it must fit. */
static void as_many_reservations_as_may_be_survive(void **state)
{
    static struct m4h_shared_reservation given[M4H_SHARED_RESERVATIONS_MAX];
    struct m4h_buffer bytes = BUFFER;
    struct m4h_shared_reservation *read;
    char master_id[M4H_ID_MAX + 1];
    uint64_t instance;
    size_t count;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(given); i++) {
        full_reservation(&given[i]);
        given[i].remaining_ms = (uint32_t)i;
    }
    assert_int_equal(m4h_wire_reservations_encode("m", 7, given, M4H_COUNT(given), &bytes), 0);
    assert_int_equal(
        m4h_wire_reservations_decode(bytes.data, bytes.len, master_id, &instance, &read, &count),
        0);
    assert_string_equal(master_id, "m");
    assert_true(instance == 7);
    assert_int_equal(count, M4H_COUNT(given));
    assert_memory_equal(read, given, sizeof(given));
    free(read);
    m4h_buffer_free(&bytes);
    assert_int_equal(m4h_wire_reservations_encode("m", 7, given, M4H_COUNT(given) + 1, &bytes),
                     M4H_ETOOBIG);
}

static void a_reservation_of_nothing_is_refused(void **state)
{
    const struct m4h_shared_reservation nothing = {.remaining_ms = 1};
    struct m4h_buffer bytes = BUFFER;
    struct m4h_shared_reservation *read;
    char master_id[M4H_ID_MAX + 1];
    uint64_t instance;
    size_t count;

    (void)state;
    assert_int_equal(m4h_wire_reservations_encode("m", 7, &nothing, 1, &bytes), 0);
    assert_int_equal(
        m4h_wire_reservations_decode(bytes.data, bytes.len, master_id, &instance, &read, &count),
        M4H_EPROTOCOL);
    assert_null(read);
    m4h_buffer_clear(&bytes);
    assert_int_equal(m4h_wire_reservations_encode("m", 0, NULL, 0, &bytes), 0);
    assert_int_equal(
        m4h_wire_reservations_decode(bytes.data, bytes.len, master_id, &instance, &read, &count),
        M4H_EPROTOCOL);
    m4h_buffer_free(&bytes);
}

static void a_tunnel_status_survives(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_tunnel_status tunnel, again;
    struct m4h_problem problem;

    (void)state;
    full_tunnel_status(&tunnel);
    assert_int_equal(m4h_wire_tunnel_reply_encode(&tunnel, NULL, &bytes), 0);
    assert_int_equal(m4h_wire_tunnel_reply_decode(bytes.data, bytes.len, &again, &problem), 0);
    assert_memory_equal(&again, &tunnel, sizeof(tunnel));
    assert_int_equal(problem.code, 0);
    m4h_buffer_free(&bytes);
}

static void answers_to_commands_survive(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_problem problem = {.code = M4H_PROBLEM_INTERNAL};
    uint32_t tunnels = 0;

    (void)state;
    assert_int_equal(m4h_wire_kick_reply_encode(NULL, &bytes), 0);
    assert_int_equal(m4h_wire_kick_reply_decode(bytes.data, bytes.len, &problem), 0);
    assert_int_equal(problem.code, 0);
    m4h_buffer_clear(&bytes);
    assert_int_equal(m4h_wire_drain_reply_encode(12345, &problem, &bytes), 0);
    assert_int_equal(m4h_wire_drain_reply_decode(bytes.data, bytes.len, &tunnels, &problem), 0);
    assert_int_equal(tunnels, 12345);
    m4h_buffer_free(&bytes);
}

/* Every reply can be a problem; what it says must survive in each. */
static void problems_survive_in_every_reply(void **state)
{
    static const int kinds[] = {
        KIND_DISPATCH_PROBLEM, KIND_AUTHORIZE_PROBLEM, KIND_CLUSTER_PROBLEM,
        KIND_SLAVES_PROBLEM,   KIND_TUNNELS_PROBLEM,   KIND_TUNNEL_PROBLEM,
        KIND_KICK_PROBLEM,     KIND_DRAIN_PROBLEM,     KIND_SNAPSHOT_PROBLEM,
        KIND_LOCATE_PROBLEM,   KIND_REVOKE_PROBLEM,    KIND_REVOCATIONS_PROBLEM,
        KIND_DEVICES_PROBLEM,  KIND_DEVICE_PROBLEM};
    struct m4h_buffer bytes = BUFFER;
    struct m4h_problem problem, again;

    (void)state;
    full_problem(&problem);
    assert_int_equal(m4h_wire_kick_reply_encode(&problem, &bytes), 0);
    assert_int_equal(m4h_wire_kick_reply_decode(bytes.data, bytes.len, &again), 0);
    assert_memory_equal(&again, &problem, sizeof(problem));
    for (size_t i = 0; i < M4H_COUNT(kinds); i++) {
        struct m4h_buffer made = BUFFER, recoded = BUFFER;

        assert_int_equal(wire_kinds[kinds[i]].make(&made), 0);
        assert_int_equal(wire_kinds[kinds[i]].recode(made.data, made.len, &recoded), 0);
        assert_true(made.len > M4H_DETAIL_MAX);
        assert_int_equal(made.len, recoded.len);
        assert_memory_equal(made.data, recoded.data, made.len);
        m4h_buffer_free(&made);
        m4h_buffer_free(&recoded);
    }
    m4h_buffer_free(&bytes);
}

static void every_kind_recodes_to_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct m4h_buffer made = BUFFER, recoded = BUFFER;

        assert_int_equal(wire_kinds[i].make(&made), 0);
        if (wire_kinds[i].recode(made.data, made.len, &recoded) != 0)
            fail_msg("%s does not decode", wire_kinds[i].name);
        assert_int_equal(made.len, recoded.len);
        if (made.len > 0)
            assert_memory_equal(made.data, recoded.data, made.len);
        m4h_buffer_free(&made);
        m4h_buffer_free(&recoded);
    }
}

static void a_time_past_the_year_9999_is_written_as_its_end(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_event event;

    (void)state;
    full_event(&event, M4H_EVENT_STOP);
    event.wall_ms = UINT64_MAX;
    assert_int_equal(m4h_wire_event_encode(&event, &bytes), 0);
    assert_int_equal(m4h_wire_event_decode(bytes.data, bytes.len, &event), 0);
    assert_true(event.wall_ms == 253402300799999u);
    m4h_buffer_free(&bytes);
}

static void encoding_adds_behind_what_is_there(void **state)
{
    struct m4h_buffer bytes = BUFFER;
    struct m4h_event event;

    (void)state;
    full_event(&event, M4H_EVENT_STOP);
    assert_int_equal(m4h_buffer_add(&bytes, "before", 6), 0);
    assert_int_equal(m4h_wire_event_encode(&event, &bytes), 0);
    assert_memory_equal(bytes.data, "before", 6);
    assert_int_equal(m4h_wire_event_decode(bytes.data + 6, bytes.len - 6, &event), 0);
    m4h_buffer_free(&bytes);
}

static bool is_cut_to_fit(size_t kind)
{
    return kind == KIND_SLAVES_REPLY || kind == KIND_TUNNELS_REPLY || kind == KIND_DEVICES_REPLY ||
           kind == KIND_DEVICES_CHANGED;
}

static void what_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct m4h_buffer made = BUFFER, tight = BUFFER;

        assert_int_equal(wire_kinds[i].make(&made), 0);
        tight.cap = made.len;
        if (!is_cut_to_fit(i))
            assert_int_equal(wire_kinds[i].make(&tight), 0);
        m4h_buffer_free(&tight);
        if (made.len > 0) {
            tight.cap = is_cut_to_fit(i) ? 500 : made.len - 1;
            assert_int_equal(wire_kinds[i].make(&tight), M4H_ETOOBIG);
            assert_int_equal(tight.len, 0);
        }
        m4h_buffer_free(&made);
        m4h_buffer_free(&tight);
    }
}

int run_round_trip_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_full_event_survives),
        cmocka_unit_test(every_least_event_survives),
        cmocka_unit_test(every_reason_survives),
        cmocka_unit_test(every_full_request_survives),
        cmocka_unit_test(every_least_request_survives),
        cmocka_unit_test(every_full_request_about_records_survives),
        cmocka_unit_test(every_least_request_about_records_survives),
        cmocka_unit_test(a_slot_survives),
        cmocka_unit_test(yes_and_no_survive),
        cmocka_unit_test(a_place_survives),
        cmocka_unit_test(a_record_survives),
        cmocka_unit_test(a_cluster_survives_with_all_its_regions),
        cmocka_unit_test(a_hello_survives),
        cmocka_unit_test(as_many_reservations_as_may_be_survive),
        cmocka_unit_test(a_reservation_of_nothing_is_refused),
        cmocka_unit_test(a_tunnel_status_survives),
        cmocka_unit_test(answers_to_commands_survive),
        cmocka_unit_test(problems_survive_in_every_reply),
        cmocka_unit_test(every_kind_recodes_to_the_same_bytes),
        cmocka_unit_test(a_time_past_the_year_9999_is_written_as_its_end),
        cmocka_unit_test(encoding_adds_behind_what_is_there),
        cmocka_unit_test(what_does_not_fit_leaves_the_buffer_as_it_was),
    };

    return cmocka_run_group_tests_name("wire: round trips", tests, NULL, NULL);
}
