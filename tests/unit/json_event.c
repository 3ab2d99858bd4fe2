#include "lib/base/error.h"
#include "lib/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 8192

/* 2026-01-31T12:00:00.250Z */
#define WALL_MS 1769860800250u
#define TIME    "\"2026-01-31T12:00:00.250Z\""

static struct m4h_buffer out = M4H_BUFFER_INIT(TEXT_MAX);

static int empty(void **state)
{
    (void)state;
    m4h_buffer_free(&out);
    return 0;
}

static struct m4h_event an_event(enum m4h_event_type type)
{
    return (struct m4h_event){.event_id = "slave-1:1769860800000:7",
                              .slave_id = "slave-1",
                              .region = "eu",
                              .epoch = 1769860800000,
                              .seq = 7,
                              .wall_ms = WALL_MS,
                              .type = type};
}

/* The document is the envelope of `type`, and `payload`. */
static void expect(const struct m4h_event *event, const char *type, const char *payload)
{
    char text[TEXT_MAX];

    snprintf(text, sizeof(text),
             "{\"event_id\":\"slave-1:1769860800000:7\",\"type\":\"%s\",\"slave_id\":\"slave-1\","
             "\"region\":\"eu\",\"epoch\":1769860800000,\"seq\":7,\"time\":" TIME "%s}",
             type, payload);
    assert_int_equal(m4h_json_event(&out, event), 0);
    assert_int_equal(m4h_buffer_add(&out, "", 1), 0);
    assert_string_equal((const char *)out.data, text);
}

static void a_connect_has_its_tunnel_and_exact_stamp(void **state)
{
    struct m4h_event event = an_event(M4H_EVENT_CONNECT);

    (void)state;
    event.as.connect = (struct m4h_tunnel){.client_key = "door \"7\"",
                                           .tunnel_id = 0xabc,
                                           .stamp = UINT64_MAX,
                                           .ports = {40001, 40002},
                                           .port_count = 2,
                                           .remote_address = "[2001:db8::1]:50022",
                                           .connected_wall_ms = WALL_MS,
                                           .key_fingerprint = "SHA256:abc",
                                           .client_version = "OpenSSH_9.2",
                                           .labels = "env=prod,site=Berlin"};
    event.without_master = true;
    expect(&event, "connect",
           ",\"connect\":{\"tunnel\":{\"client_key\":\"door \\\"7\\\"\","
           "\"tunnel_id\":\"0000000000000abc\",\"stamp\":\"18446744073709551615\",\"port\":40001,"
           "\"other_ports\":[40002],\"remote_address\":\"[2001:db8::1]:50022\","
           "\"connected_at\":" TIME ",\"key_fingerprint\":\"SHA256:abc\","
           "\"client_version\":\"OpenSSH_9.2\","
           "\"labels\":{\"env\":\"prod\",\"site\":\"Berlin\"}},\"without_master\":true}");
}

static void a_disconnect_says_why_and_how_much(void **state)
{
    struct m4h_event event = an_event(M4H_EVENT_DISCONNECT);

    (void)state;
    event.as.disconnect =
        (struct m4h_disconnect){"door", 0xabc, M4H_DISCONNECT_KICKED, 1, 2, 3, "ops", "moved"};
    expect(&event, "disconnect",
           ",\"disconnect\":{\"client_key\":\"door\",\"tunnel_id\":\"0000000000000abc\","
           "\"reason\":\"kicked\",\"bytes_from_device\":1,\"bytes_to_device\":2,"
           "\"duration_ms\":3,\"actor\":\"ops\",\"detail\":\"moved\"}");
}

static void a_load_has_its_numbers_and_exact_digest(void **state)
{
    struct m4h_event event = an_event(M4H_EVENT_LOAD);

    (void)state;
    event.as.load = (struct m4h_load){1, 2, 3, M4H_SLAVE_DRAINING, UINT64_MAX, 4, 5, 6, 7, 8, 9, 0};
    expect(&event, "load",
           ",\"load\":{\"tunnels\":1,\"channels\":2,\"capacity\":3,\"state\":\"draining\","
           "\"digest\":\"18446744073709551615\",\"bytes_from_device\":4,\"bytes_to_device\":5,"
           "\"cpu_permille\":6,\"open_files\":7,\"open_files_limit\":8,\"handshakes\":9,"
           "\"drain_deadline\":null}");
}

static void a_start_says_where_the_slave_is(void **state)
{
    struct m4h_event event = an_event(M4H_EVENT_START);

    (void)state;
    event.as.start = (struct m4h_slave_info){.host = "b.example.com",
                                             .port = 22,
                                             .host_keys = {"ssh-ed25519 AAAA"},
                                             .host_key_count = 1,
                                             .capacity = 10,
                                             .version = "5.0.0",
                                             .started_wall_ms = WALL_MS};
    expect(&event, "start",
           ",\"start\":{\"info\":{\"host\":\"b.example.com\",\"port\":22,"
           "\"host_keys\":[\"ssh-ed25519 AAAA\"],\"capacity\":10,\"version\":\"5.0.0\","
           "\"started_at\":" TIME ",\"weight\":100,\"handshakes_per_second\":0}}");
}

static void a_drain_says_until_when_and_a_stop_nothing(void **state)
{
    struct m4h_event drain = an_event(M4H_EVENT_DRAIN), stop = an_event(M4H_EVENT_STOP);

    (void)state;
    drain.as.drain = (struct m4h_drain){WALL_MS, 4, 5, "ops"};
    expect(&drain, "drain",
           ",\"drain\":{\"deadline\":" TIME ",\"tunnels\":4,\"channels\":5,\"actor\":\"ops\"}");
    m4h_buffer_clear(&out);
    expect(&stop, "stop", ",\"stop\":{}");
}

static void a_refusal_and_a_flapping_name_the_device(void **state)
{
    struct m4h_event refuse = an_event(M4H_EVENT_REFUSE), flapping = an_event(M4H_EVENT_FLAPPING);

    (void)state;
    refuse.as.refuse =
        (struct m4h_refuse){M4H_REFUSE_KEY_DENIED, "not known", "192.0.2.1:5", "SHA256:abc", ""};
    expect(&refuse, "refuse",
           ",\"refuse\":{\"reason\":\"key_denied\",\"detail\":\"not known\","
           "\"remote_address\":\"192.0.2.1:5\",\"key_fingerprint\":\"SHA256:abc\","
           "\"client_key\":\"\"}");
    m4h_buffer_clear(&out);
    flapping.as.flapping = (struct m4h_flapping){"door", 3, 60000, 10000, "192.0.2.1:5", ""};
    expect(&flapping, "flapping",
           ",\"flapping\":{\"client_key\":\"door\",\"evictions\":3,\"window_ms\":60000,"
           "\"hold_ms\":10000,\"remote_address\":\"192.0.2.1:5\",\"owner_address\":\"\"}");
}

static void an_access_says_who_was_at_which_device(void **state)
{
    struct m4h_event event = an_event(M4H_EVENT_ACCESS);

    (void)state;
    event.as.access = (struct m4h_access){M4H_ACCESS_CLOSED, 0xdef,  "anna", "SHA256:abc",
                                          "192.0.2.1:5",     "door", 22,     0xabc,
                                          "slave-2",         1,      2,      3,
                                          "device left"};
    expect(&event, "access",
           ",\"access\":{\"phase\":\"closed\",\"access_id\":\"0000000000000def\","
           "\"operator\":\"anna\",\"key_fingerprint\":\"SHA256:abc\","
           "\"remote_address\":\"192.0.2.1:5\",\"client_key\":\"door\",\"port\":22,"
           "\"tunnel_id\":\"0000000000000abc\",\"device_slave_id\":\"slave-2\","
           "\"bytes_from_device\":1,\"bytes_to_device\":2,\"duration_ms\":3,"
           "\"detail\":\"device left\"}");
}

static void a_reload_names_the_settings(void **state)
{
    struct m4h_event event = an_event(M4H_EVENT_RELOAD);

    (void)state;
    event.as.reload = (struct m4h_reload){
        .actor = "SIGHUP", .settings = {"log.level", "device.keys_max"}, .setting_count = 2};
    expect(&event, "reload",
           ",\"reload\":{\"actor\":\"SIGHUP\",\"settings\":[\"log.level\",\"device.keys_max\"],"
           "\"error\":\"\"}");
}

static void an_event_of_a_later_version_is_its_envelope(void **state)
{
    struct m4h_event event = an_event(M4H_EVENT_OTHER);

    (void)state;
    expect(&event, "unknown", "");
}

static void an_event_that_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    struct m4h_event event = an_event(M4H_EVENT_STOP);
    struct m4h_buffer small = M4H_BUFFER_INIT(50);

    (void)state;
    assert_int_equal(m4h_buffer_add(&small, "before", 6), 0);
    assert_int_equal(m4h_json_event(&small, &event), M4H_ETOOBIG);
    assert_int_equal(small.len, 6);
    m4h_buffer_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_connect_has_its_tunnel_and_exact_stamp, empty),
        cmocka_unit_test_teardown(a_disconnect_says_why_and_how_much, empty),
        cmocka_unit_test_teardown(a_load_has_its_numbers_and_exact_digest, empty),
        cmocka_unit_test_teardown(a_start_says_where_the_slave_is, empty),
        cmocka_unit_test_teardown(a_drain_says_until_when_and_a_stop_nothing, empty),
        cmocka_unit_test_teardown(a_refusal_and_a_flapping_name_the_device, empty),
        cmocka_unit_test_teardown(an_access_says_who_was_at_which_device, empty),
        cmocka_unit_test_teardown(a_reload_names_the_settings, empty),
        cmocka_unit_test_teardown(an_event_of_a_later_version_is_its_envelope, empty),
        cmocka_unit_test(an_event_that_does_not_fit_leaves_the_buffer_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
