#include "lib/base/log.h"
#include "tests/unit/gateway_fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT 65536

static struct gateway_fixture fixture;
static char text[TEXT];

static int start(void **state)
{
    (void)state;
    gateway_fixture_start(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gateway_fixture_stop(&fixture);
    return 0;
}

static int ask(const char *line, const char *body)
{
    return gateway_fixture_ask(&fixture, line, body, text, TEXT);
}

static int get(const char *target)
{
    char line[512];

    snprintf(line, sizeof(line), "GET %s HTTP/1.1", target);
    return ask(line, "");
}

static void expect(const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in: %s", part, text);
}

/* Of the last answer, with its quotes. */
static void copy_etag(char etag[64])
{
    const char *at = strstr(text, "ETag: \"");

    assert_non_null(at);
    assert_int_equal(sscanf(at, "ETag: %63[^\r]", etag), 1);
}

/* ---- status --------------------------------------------------------------------------- */

static void the_cluster_is_what_a_master_says(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/cluster"), 200);
    expect("Content-Type: application/json\r\n");
    expect("Cache-Control: private, no-cache\r\n");
    expect("\"master_id\":\"master-1\"");
    expect("\"regions\":[{\"region\":\"eu\",\"slaves\":2,");
}

static void lists_pass_their_filters_on_and_hide_the_token(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/tunnels?region=eu&slave=slave-1&page_size=2&client_key_prefix=b%20"),
                     200);
    expect("\"client_key\":\"b c/d\"");
    expect("\"next_page_token\":\"6220632f64\"");
    assert_string_equal(gateway_fixture_asked(&fixture)->page.region, "eu");
    assert_string_equal(gateway_fixture_asked(&fixture)->page.slave_id, "slave-1");
    assert_int_equal(gateway_fixture_asked(&fixture)->page.page_size, 2);
    assert_int_equal(get("/v1/tunnels?page_token=6220632f64"), 200);
    assert_string_equal(gateway_fixture_asked(&fixture)->page.page_token, "b c/d");
    assert_int_equal(gateway_fixture_asked(&fixture)->page.page_size, M4H_PAGE_SIZE_DEFAULT);
    assert_int_equal(get("/v1/slaves?region=eu"), 200);
    expect("{\"slaves\":[{\"slave_id\":\"slave-1\"");
    expect("\"next_page_token\":\"\"");
}

static void one_thing_is_the_object_itself(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/slaves/slave-1"), 200);
    expect("\r\n\r\n{\"slave_id\":\"slave-1\"");
    assert_int_equal(get("/v1/tunnels/caf%C3%A9%20%2F1"), 200);
    expect("\r\n\r\n{\"client_key\":\"caf\xc3\xa9 /1\"");
}

static void a_draining_slave_says_until_when_and_twins_flap(void **state)
{
    (void)state;
    assert_int_equal(get("/v1/slaves/slave-gone"), 200);
    expect("\"state\":\"draining\",\"drain_deadline\":\"2026-01-31T12:00:00.250Z\"");
    assert_int_equal(get("/v1/tunnels/twins"), 200);
    expect("\"flapping\":true");
    assert_int_equal(get("/v1/tunnels/alone"), 200);
    expect("\"flapping\":false");
    assert_int_equal(get("/v1/cluster"), 200);
    expect("\"flapping\":1,");
}

static void who_has_the_answer_gets_304_and_any_change_another_tag(void **state)
{
    char line[256], etag[64], other[64];

    (void)state;
    assert_int_equal(get("/v1/cluster"), 200);
    copy_etag(etag);
    snprintf(line, sizeof(line), "GET /v1/cluster HTTP/1.1\r\nIf-None-Match: W/\"x\", %s", etag);
    assert_int_equal(ask(line, ""), 304);
    expect(etag);
    assert_null(strstr(text, "master_id"));
    snprintf(line, sizeof(line), "GET /v1/slaves HTTP/1.1\r\nIf-None-Match: %s", etag);
    assert_int_equal(ask(line, ""), 200);
    copy_etag(other);
    assert_string_not_equal(etag, other);
}

static void head_is_get_without_its_body(void **state)
{
    char etag[64];

    (void)state;
    assert_int_equal(get("/v1/tunnels"), 200);
    copy_etag(etag);
    assert_int_equal(ask("HEAD /v1/tunnels HTTP/1.1", ""), 200);
    expect(etag);
    assert_null(strstr(text, "Content-Length: 0\r\n"));
    assert_null(strstr(text, "client_key"));
}

static void json_is_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /v1/cluster HTTP/1.1\r\nAccept: text/html", ""), 406);
    expect("\"code\":\"not_acceptable\"");
    assert_int_equal(ask("GET /v1/tunnels/a HTTP/1.1\r\nAccept: text/html\r\nAccept: */*", ""),
                     200);
    assert_int_equal(ask("POST /v1/slots HTTP/1.1\r\nContent-Type: text/xml", "{}"), 415);
    expect("\"code\":\"unsupported_media_type\"");
    assert_int_equal(
        ask("POST /v1/slots HTTP/1.1\r\nContent-Type: application/json; charset=utf-8", "{}"), 200);
    assert_int_equal(
        ask("POST /v1/slots HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded", "{}"),
        200);
}

static void await_waiting(unsigned count)
{
    const struct timespec pause = {0, 2000000};
    time_t deadline = time(NULL) + 20;
    char line[64];

    snprintf(line, sizeof(line), "mas4h_gateway_http_requests_waiting %u\n", count);
    while (get("/metrics") != 200 || strstr(text, line) == NULL) {
        if (time(NULL) > deadline)
            fail_msg("%s did not come: %s", line, text);
        nanosleep(&pause, NULL);
    }
}

/* The played master holds its answer back until all wait. The one question may be
 * repeated meanwhile. */
static void who_asks_the_same_at_the_same_time_shares_one_question(void **state)
{
    enum {
        CLIENTS = 40
    };
    int fds[CLIENTS];
    unsigned before = gateway_fixture_asked(&fixture)->count;

    (void)state;
    for (size_t i = 0; i < CLIENTS; i++) {
        char head[128];

        fds[i] = http_connect(&fixture.http);
        snprintf(head, sizeof(head),
                 "GET /v1/tunnels/held HTTP/1.1\r\nHost: x\r\nX-Request-Id: id-%zu\r\n\r\n", i);
        http_send(fds[i], head);
    }
    await_waiting(CLIENTS);
    assert_int_equal(get("/v1/cluster"), 200);
    for (size_t i = 0; i < CLIENTS; i++) {
        char own_id[32];

        snprintf(own_id, sizeof(own_id), "X-Request-Id: id-%zu\r\n", i);
        assert_int_equal(http_read_answer(fds[i], text, TEXT, false), 200);
        expect(own_id);
        expect("\"client_key\":\"held\"");
        close(fds[i]);
    }
    assert_true(gateway_fixture_asked(&fixture)->count - before < CLIENTS / 2);
    assert_int_equal(get("/metrics"), 200);
    expect("mas4h_gateway_status_answers_total{from=\"shared_question\"} 39\n");
}

static void the_master_is_told_the_id_of_the_request(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /v1/tunnels/a HTTP/1.1\r\nX-Request-Id: r-11", ""), 200);
    assert_string_equal(gateway_fixture_asked(&fixture)->request_id, "r-11");
    assert_int_equal(ask("GET /v1/tunnels HTTP/1.1\r\nX-Request-Id: r-12", ""), 200);
    assert_string_equal(gateway_fixture_asked(&fixture)->page.request_id, "r-12");
}

static void a_list_is_kept_for_a_moment_and_one_thing_is_not(void **state)
{
    unsigned before = gateway_fixture_asked(&fixture)->count;
    unsigned kept;

    (void)state;
    for (int i = 0; i < 50; i++)
        assert_int_equal(get("/v1/tunnels?page_size=2"), 200);
    kept = gateway_fixture_asked(&fixture)->count - before;
    assert_true(kept >= 1 && kept < 50);
    for (int i = 0; i < 50; i++)
        assert_int_equal(get("/v1/tunnels/a"), 200);
    assert_int_equal(gateway_fixture_asked(&fixture)->count - before - kept, 50);
}

static void what_is_not_there_is_404_and_what_is_wrong_400(void **state)
{
    static const struct {
        const char *target;
        int status;
        const char *code;
    } cases[] = {
        {"/v1/tunnels/nobody", 404, "not_found"},
        {"/v1/tunnels/%20x", 404, "not_found"},
        {"/v1/slaves/slave-9", 404, "not_found"},
        {"/v1/slaves/NOT_AN_ID", 404, "not_found"},
        {"/v1/nothing", 404, "not_found"},
        {"/v1/tunnels?page_size=x", 400, "invalid"},
        {"/v1/tunnels?page_token=x", 400, "invalid"},
        {"/v1/slaves?region=A", 400, "invalid"},
        {"/v1/tunnels/%ff", 400, "invalid"},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        char code[64];

        assert_int_equal(get(cases[i].target), cases[i].status);
        snprintf(code, sizeof(code), "\"code\":\"%s\"", cases[i].code);
        expect(code);
        expect("application/problem+json");
    }
    assert_int_equal(ask("PUT /v1/slots HTTP/1.1", ""), 405);
    expect("Allow: GET, HEAD, POST\r\n");
}

/* ---- commands ---------------------------------------------------------------------------- */

static void a_kick_goes_to_the_slave_that_has_the_tunnel(void **state)
{
    (void)state;
    assert_int_equal(ask("DELETE /v1/tunnels/door%207 HTTP/1.1\r\nX-Request-Id: r7", ""), 204);
    assert_string_equal(gateway_fixture_asked(&fixture)->kick.client_key, "door 7");
    assert_int_equal(gateway_fixture_asked(&fixture)->kick.tunnel_id, 0xabc);
    assert_int_equal(gateway_fixture_asked(&fixture)->kick.reason, M4H_DISCONNECT_KICKED);
    assert_non_null(strstr(gateway_fixture_asked(&fixture)->kick.actor, "request_id=r7"));
}

static void a_kick_that_finds_nothing_is_404(void **state)
{
    (void)state;
    assert_int_equal(ask("DELETE /v1/tunnels/nobody HTTP/1.1", ""), 404);
    assert_int_equal(ask("DELETE /v1/tunnels/just-left HTTP/1.1", ""), 404);
}

static void a_slave_that_does_not_answer_is_503_and_named(void **state)
{
    (void)state;
    assert_int_equal(ask("DELETE /v1/tunnels/on-gone HTTP/1.1", ""), 503);
    expect("slave slave-gone cannot be reached");
    expect("Retry-After: 1\r\n");
    assert_int_equal(ask("POST /v1/slaves/slave-gone/drain HTTP/1.1", ""), 503);
    expect("slave slave-gone cannot be reached");
}

static void a_drain_goes_to_the_slave(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/slaves/slave-1/drain HTTP/1.1\r\nX-Request-Id: r8", ""), 202);
    expect("{\"slave_id\":\"slave-1\",\"tunnels\":17}");
    assert_non_null(strstr(gateway_fixture_asked(&fixture)->drain.actor, "request_id=r8"));
    assert_int_equal(ask("POST /v1/slaves/slave-9/drain HTTP/1.1", ""), 404);
    assert_int_equal(ask("POST /v1/slaves/slave-stopped/drain HTTP/1.1", ""), 409);
    expect("\"code\":\"conflict\"");
}

/* ---- slots ----------------------------------------------------------------------------------- */

static void a_slot_is_given_and_the_request_id_goes_along(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/slots HTTP/1.1\r\nX-Request-Id: r9",
                         "{\"region\":\"eu\",\"client_key\":\"door 7\"}"),
                     200);
    expect("{\"slot\":{\"slave_id\":\"slave-1\",\"region\":\"eu\",\"host\":\"h\",\"port\":2222,"
           "\"host_keys\":[\"ssh-ed25519 AAAA\"],\"expires_at\":\"2026-01-31T12:00:00.250Z\"}}");
    expect("Cache-Control: no-store\r\n");
    assert_string_equal(gateway_fixture_asked(&fixture)->dispatch.request_id, "r9");
    assert_string_equal(gateway_fixture_asked(&fixture)->dispatch.region, "eu");
    assert_string_equal(gateway_fixture_asked(&fixture)->dispatch.client_key, "door 7");
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", ""), 200);
    assert_string_equal(gateway_fixture_asked(&fixture)->dispatch.region, "");
}

static void no_room_is_503_with_the_masters_advice(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", "{\"region\":\"full\"}"), 503);
    expect("Retry-After: 3\r\n");
    expect("\"code\":\"no_capacity\"");
    expect("\"detail\":\"all full\"");
    expect("\"retry_after_ms\":2500");
}

static void a_slot_request_that_is_no_json_is_400_and_a_wrong_member_422(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", "{\"region\":7}"), 422);
    expect("must be a string");
    expect("\"code\":\"invalid\"");
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", "region=eu"), 400);
}

/* ---- failures ------------------------------------------------------------------------------- */

/* An answer that a busy machine delays is asked for once more, so only the first is sure. */
#define TRIES_MAX 6

static void a_lost_answer_is_asked_for_again(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", "{\"region\":\"once\"}"), 200);
    assert_in_range(gateway_fixture_asked(&fixture)->once_asked, 2, TRIES_MAX);
}

static void a_master_that_is_not_ready_is_asked_again(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", "{\"region\":\"learning\"}"), 200);
    assert_in_range(gateway_fixture_asked(&fixture)->once_asked, 2, TRIES_MAX);
}

static void a_silent_master_is_503_in_time(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", "{\"region\":\"silent\"}"), 503);
    expect("a master did not answer in time");
}

static void an_answer_that_is_none_is_500(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", "{\"region\":\"garbage\"}"), 500);
    expect("\"code\":\"internal\"");
}

static void without_nats_it_is_not_ready_and_answers_503_until_it_is_back(void **state)
{
    (void)state;
    m4h_nats_server_kill(fixture.nats);
    gateway_fixture_await_readiness(&fixture, 503);
    assert_int_equal(get("/v1/cluster"), 503);
    assert_int_equal(get("/healthz"), 200);
    assert_true(m4h_nats_server_restart(fixture.nats));
    gateway_fixture_await_readiness(&fixture, 200);
    assert_int_equal(get("/v1/cluster"), 200);
}

static void a_master_that_answers_anything_makes_it_ready(void **state)
{
    (void)state;
    gateway_fixture_mute(&fixture);
    assert_int_equal(get("/readyz"), 503);
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", "{}"), 200);
    assert_int_equal(get("/readyz"), 200);
}

/* The next question by itself comes two seconds after the one before. */
static void a_master_that_says_hello_is_asked_at_once(void **state)
{
    struct timespec begin, end;

    (void)state;
    gateway_fixture_mute(&fixture);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    gateway_fixture_greet(&fixture);
    gateway_fixture_await_readiness(&fixture, 200);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000 <
                1000);
}

static void metrics_count_what_was_done(void **state)
{
    (void)state;
    assert_int_equal(ask("POST /v1/slots HTTP/1.1", "{}"), 200);
    assert_int_equal(get("/metrics"), 200);
    expect("mas4h_gateway_ready 1\n");
    expect("mas4h_gateway_slot_answers_total{result=\"slot\"} 1\n");
    expect("mas4h_gateway_slot_requests_total{by=\"rest\"} 1\n");
}

static void a_clean_end_answers_what_waits(void **state)
{
    int fd = http_connect(&fixture.http);

    (void)state;
    http_send(fd, "POST /v1/slots HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\n\r\n"
                  "{\"region\":\"silent\"}");
    gateway_fixture_await_region(&fixture, "silent");
    gateway_fixture_drain(&fixture);
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 503);
    expect("Connection: close");
    assert_true(http_is_closed(fd));
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_cluster_is_what_a_master_says),
        TEST(lists_pass_their_filters_on_and_hide_the_token),
        TEST(one_thing_is_the_object_itself),
        TEST(a_draining_slave_says_until_when_and_twins_flap),
        TEST(who_has_the_answer_gets_304_and_any_change_another_tag),
        TEST(head_is_get_without_its_body),
        TEST(json_is_what_there_is),
        TEST(who_asks_the_same_at_the_same_time_shares_one_question),
        TEST(the_master_is_told_the_id_of_the_request),
        TEST(a_list_is_kept_for_a_moment_and_one_thing_is_not),
        TEST(what_is_not_there_is_404_and_what_is_wrong_400),
        TEST(a_kick_goes_to_the_slave_that_has_the_tunnel),
        TEST(a_kick_that_finds_nothing_is_404),
        TEST(a_slave_that_does_not_answer_is_503_and_named),
        TEST(a_drain_goes_to_the_slave),
        TEST(a_slot_is_given_and_the_request_id_goes_along),
        TEST(no_room_is_503_with_the_masters_advice),
        TEST(a_slot_request_that_is_no_json_is_400_and_a_wrong_member_422),
        TEST(a_lost_answer_is_asked_for_again),
        TEST(a_master_that_is_not_ready_is_asked_again),
        TEST(a_silent_master_is_503_in_time),
        TEST(an_answer_that_is_none_is_500),
        TEST(without_nats_it_is_not_ready_and_answers_503_until_it_is_back),
        TEST(a_master_that_answers_anything_makes_it_ready),
        TEST(a_master_that_says_hello_is_asked_at_once),
        TEST(metrics_count_what_was_done),
        TEST(a_clean_end_answers_what_waits),
    };

    m4h_log_set_level(M4H_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
