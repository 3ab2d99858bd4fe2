#include "lib/base/error.h"
#include "lib/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 65536

/* 2026-01-31T12:00:00.250Z */
#define WALL_MS 1769860800250u

static struct m4h_buffer out = M4H_BUFFER_INIT(TEXT_MAX);

static int empty(void **state)
{
    (void)state;
    m4h_buffer_free(&out);
    return 0;
}

static void expect(const char *text)
{
    assert_int_equal(m4h_buffer_add(&out, "", 1), 0);
    assert_string_equal((const char *)out.data, text);
}

static struct m4h_tunnel_status a_tunnel(void)
{
    return (struct m4h_tunnel_status){
        .tunnel = {.client_key = "door \"7\"",
                   .tunnel_id = 0xabc,
                   .ports = {40001, 40002},
                   .port_count = 2,
                   .remote_address = "[2001:db8::1]:50022",
                   .connected_wall_ms = WALL_MS,
                   .key_fingerprint = "SHA256:abc",
                   .client_version = "OpenSSH_9.2",
                   .labels = "site=berlin"},
        .slave_id = "slave-1",
        .region = "eu",
        .host = "bounce.example.com",
        .flapping = true,
    };
}

#define TUNNEL                                                                                     \
    "{\"client_key\":\"door \\\"7\\\"\",\"tunnel_id\":\"0000000000000abc\","                       \
    "\"slave_id\":\"slave-1\",\"region\":\"eu\",\"host\":\"bounce.example.com\",\"port\":40001,"   \
    "\"ports\":[40001,40002],\"remote_address\":\"[2001:db8::1]:50022\","                          \
    "\"connected_at\":\"2026-01-31T12:00:00.250Z\",\"key_fingerprint\":\"SHA256:abc\","            \
    "\"client_version\":\"OpenSSH_9.2\",\"flapping\":true,\"labels\":{\"site\":\"berlin\"}}"

static void a_tunnel_is_written_whole(void **state)
{
    struct m4h_tunnel_status tunnel = a_tunnel();

    (void)state;
    assert_int_equal(m4h_json_tunnel(&out, &tunnel), 0);
    expect(TUNNEL);
}

static void a_list_of_tunnels_names_the_next_page(void **state)
{
    struct m4h_tunnel_status tunnels[2];

    (void)state;
    tunnels[0] = tunnels[1] = a_tunnel();
    assert_int_equal(m4h_json_tunnels(&out, tunnels, 2, "next"), 0);
    expect("{\"tunnels\":[" TUNNEL "," TUNNEL "],\"next_page_token\":\"next\"}");
}

static void an_empty_list_is_a_list(void **state)
{
    (void)state;
    assert_int_equal(m4h_json_slaves(&out, NULL, 0, ""), 0);
    expect("{\"slaves\":[],\"next_page_token\":\"\"}");
}

static void a_slave_is_written_whole(void **state)
{
    struct m4h_slave_status slave = {
        .slave_id = "slave-1",
        .region = "eu",
        .state = M4H_SLAVE_DRAINING,
        .info = {.host = "h",
                 .port = 22,
                 .host_keys = {"ssh-ed25519 AAAA"},
                 .host_key_count = 1,
                 .capacity = 9500,
                 .version = "5.0.0",
                 .started_wall_ms = WALL_MS},
        .tunnels = 3,
        .reservations = 1,
        .channels = 2,
        .bytes_from_device = 18446744073709551615u,
        .bytes_to_device = 5,
        .cpu_permille = 120,
        .synced = true,
        .drain_deadline_wall_ms = WALL_MS,
    };

    (void)state;
    assert_int_equal(m4h_json_slave(&out, &slave), 0);
    expect("{\"slave_id\":\"slave-1\",\"region\":\"eu\",\"state\":\"draining\","
           "\"drain_deadline\":\"2026-01-31T12:00:00.250Z\",\"host\":\"h\","
           "\"port\":22,\"host_keys\":[\"ssh-ed25519 AAAA\"],\"tunnels\":3,\"capacity\":9500,"
           "\"weight\":100,\"handshakes_per_second\":0,"
           "\"reservations\":1,\"channels\":2,\"bytes_from_device\":18446744073709551615,"
           "\"bytes_to_device\":5,\"cpu_permille\":120,\"version\":\"5.0.0\","
           "\"started_at\":\"2026-01-31T12:00:00.250Z\",\"last_seen_at\":null,\"synced\":true}");
}

static void a_slave_that_does_not_drain_has_no_deadline(void **state)
{
    struct m4h_slave_status slave = {.slave_id = "slave-1", .region = "eu"};

    (void)state;
    assert_int_equal(m4h_json_slave(&out, &slave), 0);
    assert_int_equal(m4h_buffer_add(&out, "", 1), 0);
    assert_null(strstr((const char *)out.data, "drain_deadline"));
}

static void a_cluster_is_written_with_its_regions(void **state)
{
    struct m4h_cluster_status cluster = {.master_id = "m1",
                                         .version = "5.0.0",
                                         .started_wall_ms = WALL_MS,
                                         .slaves = 2,
                                         .slaves_ready = 1,
                                         .tunnels = 7,
                                         .capacity = 100,
                                         .channels = 4,
                                         .flapping = 2,
                                         .synced = false,
                                         .masters = {{"m1", "5.0.0", WALL_MS, WALL_MS}},
                                         .master_count = 1};
    struct m4h_region_status regions[] = {{"eu", 1, 1, 7, 50}, {"us", 1, 0, 0, 50}};

    (void)state;
    assert_int_equal(m4h_json_cluster(&out, &cluster, regions, 2), 0);
    expect("{\"master_id\":\"m1\",\"version\":\"5.0.0\","
           "\"started_at\":\"2026-01-31T12:00:00.250Z\",\"slaves\":2,\"slaves_ready\":1,"
           "\"tunnels\":7,\"capacity\":100,\"channels\":4,\"flapping\":2,\"synced\":false,"
           "\"regions\":["
           "{\"region\":\"eu\",\"slaves\":1,\"slaves_ready\":1,\"tunnels\":7,\"capacity\":50},"
           "{\"region\":\"us\",\"slaves\":1,\"slaves_ready\":0,\"tunnels\":0,\"capacity\":50}],"
           "\"masters\":[{\"master_id\":\"m1\",\"version\":\"5.0.0\","
           "\"started_at\":\"2026-01-31T12:00:00.250Z\","
           "\"last_seen_at\":\"2026-01-31T12:00:00.250Z\"}]}");
}

static void a_slot_is_written_for_rest_and_for_the_websocket(void **state)
{
    struct m4h_slot slot = {.slave_id = "s",
                            .region = "eu",
                            .host = "h",
                            .port = 2222,
                            .host_keys = {"k1", "k2"},
                            .host_key_count = 2,
                            .expires_wall_ms = WALL_MS};

    (void)state;
    assert_int_equal(m4h_json_slot(&out, &slot), 0);
    assert_int_equal(m4h_json_slot_answer(&out, "1", &slot), 0);
    expect("{\"slot\":{\"slave_id\":\"s\",\"region\":\"eu\",\"host\":\"h\",\"port\":2222,"
           "\"host_keys\":[\"k1\",\"k2\"],\"expires_at\":\"2026-01-31T12:00:00.250Z\"}}"
           "{\"request_id\":\"1\",\"slot\":{\"slave_id\":\"s\",\"region\":\"eu\",\"host\":\"h\","
           "\"port\":2222,\"host_keys\":[\"k1\",\"k2\"],"
           "\"expires_at\":\"2026-01-31T12:00:00.250Z\"}}");
}

static void a_problem_leaves_out_what_it_does_not_have(void **state)
{
    struct m4h_json_problem full = {503, "no_capacity", "all full", "/v1/slots", "r1", 1500};
    struct m4h_json_problem bare = {.status = 404, .code = "not_found"};

    (void)state;
    assert_int_equal(m4h_json_problem(&out, &full), 0);
    assert_int_equal(m4h_json_slot_error(&out, "1", &bare), 0);
    expect("{\"type\":\"urn:mas4h:problem:no_capacity\",\"title\":\"No slave can take a device "
           "now\",\"status\":503,\"detail\":\"all full\",\"instance\":\"/v1/slots\","
           "\"code\":\"no_capacity\",\"request_id\":\"r1\",\"retry_after_ms\":1500}"
           "{\"request_id\":\"1\",\"error\":{\"type\":\"urn:mas4h:problem:not_found\","
           "\"title\":\"There is no such thing\",\"status\":404,\"code\":\"not_found\"}}");
}

static void text_is_escaped_and_stays_utf8(void **state)
{
    struct m4h_json_problem odd = {
        .status = 400, .code = "c", .detail = "\"\\\n\x01\x7f\xc3\xa9/", .instance = "/\xff\"x"};

    (void)state;
    odd.detail = "\"\\/\xc3\xa9";
    assert_int_equal(m4h_json_problem(&out, &odd), 0);
    expect("{\"type\":\"urn:mas4h:problem:c\",\"title\":\"c\",\"status\":400,"
           "\"detail\":\"\\\"\\\\/\xc3\xa9\",\"instance\":\"/?\\\"x\",\"code\":\"c\"}");
    m4h_buffer_free(&out);
    odd.detail = "a\n\x01\x7f";
    odd.instance = NULL;
    assert_int_equal(m4h_json_problem(&out, &odd), 0);
    expect("{\"type\":\"urn:mas4h:problem:c\",\"title\":\"c\",\"status\":400,"
           "\"detail\":\"a\\u000a\\u0001\\u007f\",\"code\":\"c\"}");
}

static void a_document_that_does_not_fit_leaves_the_buffer_as_before(void **state)
{
    struct m4h_tunnel_status tunnel = a_tunnel();

    (void)state;
    for (size_t cap = 3; cap < 3 + strlen(TUNNEL); cap++) {
        struct m4h_buffer small = M4H_BUFFER_INIT(cap);

        assert_int_equal(m4h_buffer_add(&small, "abc", 3), 0);
        assert_int_equal(m4h_json_tunnel(&small, &tunnel), M4H_ETOOBIG);
        assert_int_equal(small.len, 3);
        m4h_buffer_free(&small);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, empty, empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tunnel_is_written_whole),
        TEST(a_list_of_tunnels_names_the_next_page),
        TEST(an_empty_list_is_a_list),
        TEST(a_slave_is_written_whole),
        TEST(a_slave_that_does_not_drain_has_no_deadline),
        TEST(a_cluster_is_written_with_its_regions),
        TEST(a_slot_is_written_for_rest_and_for_the_websocket),
        TEST(a_problem_leaves_out_what_it_does_not_have),
        TEST(text_is_escaped_and_stays_utf8),
        TEST(a_document_that_does_not_fit_leaves_the_buffer_as_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
