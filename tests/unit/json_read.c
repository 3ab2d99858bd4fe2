/* What lib/json writes, lib/json reads; and what others may say instead. */
#include "lib/base/attributes.h"
#include "lib/base/error.h"
#include "lib/json/json.h"
#include "lib/json/read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#define TEXT_MAX 65536
#define WALL_MS  1769860800250u

static struct m4h_buffer out = M4H_BUFFER_INIT(TEXT_MAX);
static char token[M4H_JSON_TOKEN_MAX];

static int empty(void **state)
{
    (void)state;
    m4h_buffer_free(&out);
    return 0;
}

static const struct m4h_tunnel_status a_tunnel = {
    .tunnel = {.client_key = "door \"7\"",
               .tunnel_id = 0xabc,
               .ports = {40001, 40002},
               .port_count = 2,
               .remote_address = "[2001:db8::1]:50022",
               .connected_wall_ms = WALL_MS,
               .key_fingerprint = "SHA256:abc",
               .client_version = "OpenSSH_9.2",
               .labels = "env=prod,site=berlin"},
    .slave_id = "slave-1",
    .region = "eu",
    .host = "bounce.example.com",
    .flapping = true,
};

static void a_page_of_tunnels_is_read_as_it_was_written(void **state)
{
    struct m4h_tunnel_status tunnels[2] = {a_tunnel, a_tunnel};
    struct m4h_tunnel_status *read;
    size_t count;

    (void)state;
    tunnels[1].flapping = false;
    assert_int_equal(m4h_json_tunnels(&out, tunnels, 2, "next"), 0);
    assert_int_equal(m4h_json_tunnels_read(out.data, out.len, &read, &count, token), 0);
    assert_int_equal(count, 2);
    assert_memory_equal(read, tunnels, sizeof(tunnels));
    assert_string_equal(token, "next");
    free(read);
}

static void a_slave_is_read_as_it_was_written_but_for_its_host_keys(void **state)
{
    const struct m4h_slave_status slave = {
        .slave_id = "slave-1",
        .region = "eu",
        .state = M4H_SLAVE_DRAINING,
        .info = {.host = "h",
                 .port = 22,
                 .capacity = 7,
                 .version = "5.0.0",
                 .started_wall_ms = WALL_MS,
                 .weight = 50,
                 .handshakes_per_second = 9},
        .tunnels = 1,
        .reservations = 2,
        .channels = 3,
        .bytes_from_device = 1ull << 53,
        .bytes_to_device = 5,
        .cpu_permille = 6,
        .last_seen_wall_ms = WALL_MS + 1,
        .synced = true,
        .drain_deadline_wall_ms = WALL_MS + 2,
    };
    struct m4h_slave_status read;

    (void)state;
    assert_int_equal(m4h_json_slave(&out, &slave), 0);
    assert_int_equal(m4h_json_slave_read(out.data, out.len, &read), 0);
    assert_memory_equal(&read, &slave, sizeof(slave));
}

static void the_cluster_is_read_with_regions_and_masters(void **state)
{
    static struct m4h_cluster_status cluster = {.master_id = "m",
                                                .version = "5",
                                                .started_wall_ms = WALL_MS,
                                                .slaves = 1,
                                                .slaves_ready = 1,
                                                .tunnels = 2,
                                                .capacity = 3,
                                                .channels = 4,
                                                .synced = true,
                                                .flapping = 5,
                                                .masters = {{"m", "5", WALL_MS, WALL_MS}},
                                                .master_count = 1};
    const struct m4h_region_status region = {"eu", 1, 1, 2, 3};
    static struct m4h_cluster_status read;
    struct m4h_region_status *regions;
    size_t count;

    (void)state;
    assert_int_equal(m4h_json_cluster(&out, &cluster, &region, 1), 0);
    assert_int_equal(m4h_json_cluster_read(out.data, out.len, &read, &regions, &count), 0);
    assert_memory_equal(&read, &cluster, sizeof(cluster));
    assert_int_equal(count, 1);
    assert_memory_equal(regions, &region, sizeof(region));
    free(regions);
}

static void events_are_read_as_they_were_written(void **state)
{
    struct m4h_event events[] = {
        {.type = M4H_EVENT_CONNECT,
         .without_master = true,
         .as.connect = {.client_key = "a",
                        .tunnel_id = 7,
                        .stamp = UINT64_MAX,
                        .ports = {1},
                        .port_count = 1,
                        .remote_address = "x",
                        .labels = "a=,b=2"}},
        {.type = M4H_EVENT_DISCONNECT,
         .as.disconnect = {.client_key = "a",
                           .tunnel_id = 7,
                           .reason = M4H_DISCONNECT_KICKED,
                           .bytes_from_device = 1,
                           .bytes_to_device = 2,
                           .duration_ms = 3,
                           .actor = "ops",
                           .detail = "moved"}},
        {.type = M4H_EVENT_LOAD,
         .as.load =
             {.tunnels = 1, .state = M4H_SLAVE_READY, .digest = UINT64_MAX, .handshakes = 4}},
        {.type = M4H_EVENT_START,
         .as.start = {.host = "h", .port = 2, .capacity = 3, .weight = 100}},
        {.type = M4H_EVENT_DRAIN, .as.drain = {WALL_MS, 1, 2, "ops"}},
        {.type = M4H_EVENT_STOP},
        {.type = M4H_EVENT_REFUSE, .as.refuse = {.reason = M4H_REFUSE_FULL, .detail = "d"}},
        {.type = M4H_EVENT_FLAPPING, .as.flapping = {.client_key = "a", .evictions = 3}},
        {.type = M4H_EVENT_ACCESS,
         .as.access = {.phase = M4H_ACCESS_REFUSED,
                       .access_id = 5,
                       .operator_name = "anna",
                       .client_key = "a",
                       .port = 22,
                       .tunnel_id = 7,
                       .device_slave_id = "s",
                       .bytes_from_device = 1,
                       .bytes_to_device = 2,
                       .duration_ms = 3,
                       .detail = "no"}},
        {.type = M4H_EVENT_RELOAD,
         .as.reload = {.actor = "file", .settings = {"a.b", "c.d"}, .setting_count = 2}},
        {.type = M4H_EVENT_OTHER},
    };
    struct m4h_event read;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(events); i++) {
        memcpy(events[i].event_id, "slave-1:1:2", sizeof("slave-1:1:2"));
        events[i].seq = 2;
        events[i].wall_ms = WALL_MS;
        m4h_buffer_clear(&out);
        assert_int_equal(m4h_json_event(&out, &events[i]), 0);
        assert_int_equal(m4h_json_event_read(out.data, out.len, &read), 0);
        assert_memory_equal(&read, &events[i], sizeof(read));
    }
}

static void a_problem_and_a_slot_are_read(void **state)
{
    const struct m4h_slot slot = {.slave_id = "s",
                                  .region = "eu",
                                  .host = "h",
                                  .port = 22,
                                  .host_keys = {"ssh-ed25519 AAAA"},
                                  .host_key_count = 1,
                                  .expires_wall_ms = WALL_MS};
    const struct m4h_json_problem problem = {
        .status = 503, .code = "no_capacity", .detail = "full", .retry_after_ms = 1500};
    struct m4h_json_refusal refusal;
    struct m4h_slot read;

    (void)state;
    assert_int_equal(m4h_json_slot(&out, &slot), 0);
    assert_int_equal(m4h_json_slot_read(out.data, out.len, &read), 0);
    assert_memory_equal(&read, &slot, sizeof(slot));
    m4h_buffer_clear(&out);
    assert_int_equal(m4h_json_problem(&out, &problem), 0);
    assert_int_equal(m4h_json_refusal_read(out.data, out.len, &refusal), 0);
    assert_string_equal(refusal.code, "no_capacity");
    assert_string_equal(refusal.detail, "full");
    assert_int_equal(refusal.retry_after_ms, 1500);
}

static void lines_keep_members_that_are_not_known(void **state)
{
    static const char text[] =
        "{\"slaves\": [{\"new\": {\"a\": [1, true]}, \"slave_id\": \"ü\"}, {\"slave_id\": \"b\"}],"
        " \"next_page_token\": \"t\"}";
    size_t count;

    (void)state;
    assert_int_equal(
        m4h_json_lines((const uint8_t *)text, sizeof(text) - 1, "slaves", 1, &out, &count, token),
        0);
    assert_int_equal(count, 1);
    assert_int_equal(m4h_buffer_add(&out, "", 1), 0);
    assert_string_equal((char *)out.data, "{\"new\":{\"a\":[1,true]},\"slave_id\":\"ü\"}\n");
    assert_string_equal(token, "t");
}

static void members_of_a_wrong_kind_are_as_if_they_were_missing(void **state)
{
    static const char text[] =
        "{\"client_key\": 7, \"port\": 70000, \"ports\": {\"a\": 1}, \"connected_at\": \"soon\","
        " \"tunnel_id\": \"xyz\", \"slave_id\": \"a\\u001b[31mb\", \"flapping\": 1}";
    struct m4h_tunnel_status read;

    (void)state;
    assert_int_equal(m4h_json_tunnel_read((const uint8_t *)text, sizeof(text) - 1, &read), 0);
    assert_string_equal(read.tunnel.client_key, "");
    assert_int_equal(read.tunnel.ports[0], 0);
    assert_int_equal(read.tunnel.port_count, 1);
    assert_int_equal(read.tunnel.connected_wall_ms, 0);
    assert_string_equal(read.slave_id, "a?[31mb");
    assert_false(read.flapping);
}

static void what_is_no_document_is_refused(void **state)
{
    static const char *const texts[] = {"", "[]", "7", "{", "<html>", "{\"slaves\": 7}", "{}"};
    struct m4h_slave_status *slaves;
    size_t count;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(texts); i++) {
        assert_int_equal(m4h_json_slaves_read((const uint8_t *)texts[i], strlen(texts[i]), &slaves,
                                              &count, token),
                         M4H_EINVALID);
        assert_null(slaves);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_page_of_tunnels_is_read_as_it_was_written, empty),
        cmocka_unit_test_teardown(a_slave_is_read_as_it_was_written_but_for_its_host_keys, empty),
        cmocka_unit_test_teardown(the_cluster_is_read_with_regions_and_masters, empty),
        cmocka_unit_test_teardown(events_are_read_as_they_were_written, empty),
        cmocka_unit_test_teardown(a_problem_and_a_slot_are_read, empty),
        cmocka_unit_test_teardown(lines_keep_members_that_are_not_known, empty),
        cmocka_unit_test_teardown(members_of_a_wrong_kind_are_as_if_they_were_missing, empty),
        cmocka_unit_test_teardown(what_is_no_document_is_refused, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
