#include "lib/base/log.h"
#include "lib/http/ops.h"
#include "tests/unit/http_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT 8192

/* The request that /later was asked, held by the test. */
static struct m4h_http_request *held;

static void on_echo(void *context, struct m4h_http_request *request)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(TEXT);
    const char *query = m4h_http_query(request, "q");
    size_t len;

    (void)context;
    m4h_http_body(request, &len);
    assert_int_equal(m4h_buffer_printf(&body, "name=%s q=%s len=%zu",
                                       m4h_http_path_parameter(request, "name"),
                                       query != NULL ? query : "-", len),
                     0);
    m4h_http_answer_json(request, 200, &body);
}

static void on_later(void *context, struct m4h_http_request *request)
{
    (void)context;
    m4h_http_defer(request);
    held = request;
}

static void on_both(void *context, struct m4h_http_request *request)
{
    (void)context;
    m4h_http_defer(request);
    m4h_http_answer(request, &(struct m4h_http_answer){.status = 204});
}

/* Lets in who comes with a key; scope 7 only. */
static bool admit(void *context, struct m4h_http_request *request, unsigned scope)
{
    (void)context;
    if (scope != 7 || m4h_http_header(request, "X-Key") != NULL) {
        m4h_http_set_asker(request, "keeper");
        return true;
    }
    m4h_http_refuse(request, 401, "unauthorized", NULL, "WWW-Authenticate", "Key");
    return false;
}

static void on_guarded(void *context, struct m4h_http_request *request)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(TEXT);

    (void)context;
    assert_int_equal(m4h_buffer_printf(&body, "asker=%s", m4h_http_asker(request)), 0);
    m4h_http_answer_json(request, 200, &body);
}

static const struct m4h_http_route routes[] = {
    {"GET", "/echo/{name}", on_echo, false, 0},
    {"POST", "/echo/{name}", on_echo, false, 0},
    {"GET", "/later", on_later, false, 0},
    {"GET", "/both", on_both, false, 0},
    {"POST", "/guarded/{name}", on_guarded, false, 7},
};

static bool is_ready(void *context, char *reason, size_t size)
{
    snprintf(reason, size, "not today");
    return *(bool *)context;
}

static void write_metrics(void *context, struct m4h_metrics *metrics)
{
    (void)context;
    m4h_metrics_single(metrics, "mas4h_test", "gauge", "A test.", 1);
}

static bool readiness = true;
static struct m4h_http_ops ops = {is_ready, write_metrics, &readiness, "test"};

static struct http_fixture fixture;

static void start_with(struct m4h_http_config config)
{
    struct m4h_http_routes tables[] = {{routes, M4H_COUNT(routes), NULL},
                                       m4h_http_ops_routes(&ops)};
    static struct m4h_http_routes kept[2];

    memcpy(kept, tables, sizeof(kept));
    config.routes = kept;
    config.routes_count = M4H_COUNT(kept);
    http_fixture_start(&fixture, &config);
}

static int start(void **state)
{
    (void)state;
    held = NULL;
    start_with((struct m4h_http_config){.body_max = 1000, .admit = admit});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_fixture_stop(&fixture);
    return 0;
}

/* Sends `head` and two line ends on a new connection, reads the answer. */
static int ask(const char *head, char *text)
{
    char whole[16384];
    int fd = http_connect(&fixture), status;

    snprintf(whole, sizeof(whole), "%s\r\nHost: x\r\n\r\n", head);
    http_send(fd, whole);
    status = http_read_answer(fd, text, TEXT, strncmp(head, "HEAD", 4) == 0);
    close(fd);
    return status;
}

static void a_route_gets_its_parameters_query_and_body(void **state)
{
    char text[TEXT];
    int fd = http_connect(&fixture);

    (void)state;
    http_send(fd, "POST /echo/a%20b?q=1%262 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 200);
    assert_non_null(strstr(text, "name=a b q=1&2 len=5"));
    assert_non_null(strstr(text, "application/json"));
    http_send(fd, "GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 200);
    assert_non_null(strstr(text, "name=x q=- len=0"));
    close(fd);
}

static void a_guard_lets_in_or_answers_before_the_body_comes(void **state)
{
    char text[TEXT];
    int fd = http_connect(&fixture);

    (void)state;
    http_send(fd, "POST /guarded/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 401);
    assert_non_null(strstr(text, "WWW-Authenticate: Key"));
    assert_non_null(strstr(text, "\"code\":\"unauthorized\""));
    close(fd);
    fd = http_connect(&fixture);
    http_send(fd,
              "POST /guarded/a HTTP/1.1\r\nHost: x\r\nX-Key: 1\r\nContent-Length: 5\r\n\r\nhello");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 200);
    assert_non_null(strstr(text, "asker=keeper"));
    close(fd);
    assert_int_equal(ask("GET /guarded/a HTTP/1.1", text), 405);
    assert_int_equal(ask("GET /echo/a HTTP/1.1", text), 200);
}

#define STRANGERS 200
#define KEEPERS   30

static unsigned lines_with(const char *log, const char *text)
{
    unsigned count = 0;

    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void a_stranger_does_not_choose_how_much_is_logged(void **state)
{
    static char log[65536];
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    char text[TEXT];

    (void)state;
    assert_non_null(file);
    dup2(fileno(file), STDERR_FILENO);
    m4h_log_set_level(M4H_LOG_INFO);
    for (int i = 0; i < STRANGERS; i++)
        ask(i % 2 == 0 ? "GET /nowhere HTTP/1.1" : "POST /guarded/a HTTP/1.1", text);
    for (int i = 0; i < KEEPERS; i++)
        ask("POST /guarded/a HTTP/1.1\r\nX-Key: 1\r\nContent-Length: 1001", text);
    m4h_log_set_level(M4H_LOG_ERROR);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    log[fread(log, 1, sizeof(log) - 1, file)] = '\0';
    fclose(file);
    assert_in_range(lines_with(log, " status=404 ") + lines_with(log, " status=401 "), 20,
                    STRANGERS / 2);
    assert_int_equal(lines_with(log, " status=413 "), KEEPERS);
}

static void what_is_wrong_is_answered_by_a_problem(void **state)
{
    static const struct {
        const char *line;
        int status;
        const char *code;
    } cases[] = {
        {"GET /nowhere HTTP/1.1", 404, "\"code\":\"not_found\""},
        {"DELETE /echo/x HTTP/1.1", 405, "\"code\":\"method_not_allowed\""},
        {"GET /echo/%ff HTTP/1.1", 400, "\"code\":\"invalid\""},
        {"GET /echo/x?q=%zz HTTP/1.1", 400, "\"code\":\"invalid\""},
        {"POST /echo/x HTTP/1.1\r\nContent-Length: 1001", 413, "\"code\":\"too_large\""},
    };
    char text[TEXT];

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        assert_int_equal(ask(cases[i].line, text), cases[i].status);
        assert_non_null(strstr(text, "application/problem+json"));
        assert_non_null(strstr(text, "X-Request-Id: "));
        assert_non_null(strstr(text, cases[i].code));
    }
    assert_int_equal(ask("DELETE /echo/x HTTP/1.1", text), 405);
    assert_non_null(strstr(text, "Allow: GET, HEAD, POST\r\n"));
}

static void head_is_answered_as_get_without_the_body(void **state)
{
    char text[TEXT];

    (void)state;
    assert_int_equal(ask("HEAD /echo/x HTTP/1.1", text), 200);
    assert_non_null(strstr(text, "Content-Length: 16\r\n"));
    assert_int_equal(ask("HEAD /nowhere HTTP/1.1", text), 404);
}

static void a_target_that_is_too_long_gets_414_and_a_head_431(void **state)
{
    char line[12000] = "GET /echo/", text[TEXT];

    (void)state;
    memset(line + 10, 'a', 2500);
    memcpy(line + 2510, " HTTP/1.1", 10);
    assert_int_equal(ask(line, text), 414);
    assert_non_null(strstr(text, "\"code\":\"target_too_long\""));
    memset(line, 'a', 9000);
    memcpy(line, "GET /echo/x HTTP/1.1\r\nX-Long: ", 30);
    assert_int_equal(ask(line, text), 431);
}

static void a_chunked_body_over_the_limit_gets_413(void **state)
{
    char text[TEXT], chunk[601];
    int fd = http_connect(&fixture);

    (void)state;
    memset(chunk, 'b', 600);
    chunk[600] = '\0';
    http_send(fd, "POST /echo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        http_send(fd, "258\r\n");
        http_send(fd, chunk);
        http_send(fd, "\r\n");
    }
    http_send(fd, "0\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 413);
    close(fd);
}

/* What comes behind such a head would be the next request to some, and its body to others. */
static void a_head_that_can_be_read_in_two_ways_ends_the_connection(void **state)
{
    static const char *const heads[] = {
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 35",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Content-Length : 5",
        "Transfer-Encoding : chunked\r\nContent-Length: 5",
        "Content\tLength: 5",
        "Host: y",
    };
    char head[512], text[TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        int fd = http_connect(&fixture);

        snprintf(head, sizeof(head), "POST /echo/x HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n0\r\n\r\n",
                 heads[i]);
        http_send(fd, head);
        http_send(fd, "GET /echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(http_read_answer(fd, text, TEXT, false), 400);
        assert_non_null(strstr(text, "Connection: close\r\n"));
        assert_true(http_is_closed(fd));
        close(fd);
    }
}

static void a_method_that_is_no_word_is_refused(void **state)
{
    char text[TEXT];

    (void)state;
    assert_int_equal(ask("G\033[31mET /echo/x HTTP/1.1", text), 400);
    assert_int_equal(ask("GET\"\tstatus=200 /echo/x HTTP/1.1", text), 400);
}

static void a_good_request_id_is_kept_and_a_bad_one_replaced(void **state)
{
    char text[TEXT];

    (void)state;
    assert_int_equal(ask("GET /echo/x HTTP/1.1\r\nX-Request-Id: abc-1.2_Z", text), 200);
    assert_non_null(strstr(text, "X-Request-Id: abc-1.2_Z\r\n"));
    assert_int_equal(ask("GET /echo/x HTTP/1.1\r\nX-Request-Id: a b", text), 200);
    assert_null(strstr(text, "X-Request-Id: a b"));
    assert_non_null(strstr(text, "X-Request-Id: "));
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    char text[TEXT];
    int fd = http_connect(&fixture);

    (void)state;
    http_send(fd,
              "GET /echo/one HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/two HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 200);
    assert_non_null(strstr(text, "name=one"));
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 200);
    assert_non_null(strstr(text, "name=two"));
    close(fd);
}

static void the_ops_routes_tell_life_readiness_and_metrics(void **state)
{
    char text[65536];
    int fd;

    (void)state;
    assert_int_equal(ask("GET /healthz HTTP/1.1", text), 200);
    assert_int_equal(ask("GET /readyz HTTP/1.1", text), 200);
    readiness = false;
    assert_int_equal(ask("GET /readyz HTTP/1.1", text), 503);
    assert_non_null(strstr(text, "not today"));
    readiness = true;
    fd = http_connect(&fixture);
    http_send(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, sizeof(text), false), 200);
    assert_non_null(strstr(text, "mas4h_test 1\n"));
    assert_non_null(strstr(text, "text/plain; version=0.0.4"));
    close(fd);
}

/* ---- answers that come later -------------------------------------------------- */

static bool one_deferred(const struct m4h_http_stats *stats)
{
    return stats->deferred == 1;
}

static bool none_deferred(const struct m4h_http_stats *stats)
{
    return stats->deferred == 0;
}

static bool none_open(const struct m4h_http_stats *stats)
{
    return stats->open == 0;
}

static void answer_held(void *context)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(64);

    (void)context;
    assert_int_equal(m4h_buffer_printf(&body, "{\"late\":1}"), 0);
    m4h_http_answer_json(held, 200, &body);
    held = NULL;
}

static int ask_later(void)
{
    int fd = http_connect(&fixture);

    http_send(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    http_fixture_wait(&fixture, one_deferred);
    return fd;
}

static void an_answer_may_come_later(void **state)
{
    char text[TEXT];
    int fd = ask_later();

    (void)state;
    http_fixture_run(&fixture, answer_held, NULL);
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 200);
    assert_non_null(strstr(text, "{\"late\":1}"));
    http_send(fd, "GET /echo/again HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 200);
    close(fd);
}

static void a_deferred_request_may_be_answered_at_once(void **state)
{
    char text[TEXT];

    (void)state;
    assert_int_equal(ask("GET /both HTTP/1.1", text), 204);
}

static void an_answer_to_a_client_that_is_gone_is_harmless(void **state)
{
    int fd = ask_later();

    (void)state;
    close(fd);
    http_fixture_run(&fixture, answer_held, NULL);
    http_fixture_wait(&fixture, none_open);
}

static void a_request_that_is_not_answered_in_time_gets_504(void **state)
{
    char text[TEXT];
    int fd;

    (void)state;
    start_with((struct m4h_http_config){.answer_timeout_ms = 50});
    fd = ask_later();
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 504);
    assert_non_null(strstr(text, "\"code\":\"timeout\""));
    close(fd);
    http_fixture_wait(&fixture, none_open);
    http_fixture_run(&fixture, answer_held, NULL);
    http_fixture_stop(&fixture);
}

static void the_servers_end_answers_what_is_deferred_by_503(void **state)
{
    char text[TEXT];
    int fd;

    (void)state;
    start_with((struct m4h_http_config){.body_max = 10});
    fd = ask_later();
    http_fixture_stop(&fixture);
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 503);
    assert_true(http_is_closed(fd));
    close(fd);
    answer_held(NULL); /* after the server: harmless */
}

/* ---- limits ------------------------------------------------------------------------ */

static void a_client_that_does_not_finish_its_request_is_cut_off(void **state)
{
    int silent, slow;

    (void)state;
    start_with((struct m4h_http_config){.receive_timeout_ms = 100});
    silent = http_connect(&fixture);
    slow = http_connect(&fixture);
    http_send(slow, "POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
    assert_true(http_is_closed(silent));
    assert_true(http_is_closed(slow));
    close(silent);
    close(slow);
    http_fixture_wait(&fixture, none_open);
    http_fixture_stop(&fixture);
}

static bool two_open(const struct m4h_http_stats *stats)
{
    return stats->open == 2;
}

static void connections_beyond_the_limit_wait_for_their_turn(void **state)
{
    char text[TEXT];
    int fds[3];

    (void)state;
    start_with((struct m4h_http_config){.connections_max = 2});
    for (int i = 0; i < 3; i++)
        fds[i] = http_connect(&fixture);
    http_fixture_wait(&fixture, two_open);
    http_send(fds[2], "GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n");
    close(fds[0]);
    assert_int_equal(http_read_answer(fds[2], text, TEXT, false), 200);
    close(fds[1]);
    close(fds[2]);
    http_fixture_wait(&fixture, none_open);
    http_fixture_stop(&fixture);
}

static bool one_open(const struct m4h_http_stats *stats)
{
    return stats->open == 1;
}

static bool one_is_refused(const struct m4h_http_stats *stats)
{
    return stats->refused_sources == 1;
}

static void a_source_has_a_share_of_the_connections_only(void **state)
{
    struct m4h_networks trusted;
    char text[TEXT];
    int fds[3];

    (void)state;
    start_with((struct m4h_http_config){.connections_max = 10, .source_connections_max = 2});
    for (int i = 0; i < 3; i++)
        fds[i] = http_connect(&fixture);
    assert_true(http_is_closed(fds[2]));
    close(fds[0]);
    http_fixture_wait(&fixture, one_open);
    close(fds[2]);
    fds[0] = http_connect(&fixture);
    http_send(fds[0], "GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fds[0], text, TEXT, false), 200);
    http_fixture_wait(&fixture, one_is_refused);
    close(fds[0]);
    close(fds[1]);
    http_fixture_stop(&fixture);

    assert_int_equal(m4h_networks_parse("127.0.0.0/8", &trusted), 0);
    start_with((struct m4h_http_config){
        .connections_max = 10, .source_connections_max = 2, .trusted_proxies = &trusted});
    for (int i = 0; i < 3; i++)
        fds[i] = http_connect(&fixture);
    http_send(fds[2], "GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fds[2], text, TEXT, false), 200);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    http_fixture_stop(&fixture);
    m4h_networks_free(&trusted);
}

static void drain(void *context)
{
    struct http_fixture *drained = context;

    m4h_http_server_drain(drained->server, 0);
}

static void leave(void *context)
{
    struct http_fixture *leaving = context;

    m4h_http_server_leave(leaving->server);
}

static void a_server_that_will_end_soon_serves_each_connection_once_more(void **state)
{
    char text[TEXT];
    int fd;

    (void)state;
    start_with((struct m4h_http_config){.body_max = 10});
    http_fixture_run(&fixture, leave, &fixture);
    fd = http_connect(&fixture);
    http_send(fd, "GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 200);
    assert_non_null(strstr(text, "Connection: close"));
    assert_true(http_is_closed(fd));
    close(fd);
    http_fixture_stop(&fixture);
}

/* On the loop, so that nothing is accepted in between. */
static void connect_and_drain(void *context)
{
    int *fds = context;

    for (int i = 0; i < 3; i++)
        fds[i] = http_connect(&fixture);
    m4h_http_server_drain(fixture.server, 0);
}

static void connections_that_wait_when_a_drain_begins_are_served(void **state)
{
    char text[TEXT];
    int fds[3];

    (void)state;
    start_with((struct m4h_http_config){.body_max = 10});
    http_fixture_run(&fixture, connect_and_drain, fds);
    for (int i = 0; i < 3; i++) {
        http_send(fds[i], "GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(http_read_answer(fds[i], text, TEXT, false), 200);
        close(fds[i]);
    }
    http_fixture_wait(&fixture, none_open);
    http_fixture_stop(&fixture);
}

static void a_drained_server_finishes_and_takes_no_more(void **state)
{
    char text[TEXT];
    int idle, busy;

    (void)state;
    start_with((struct m4h_http_config){.body_max = 10});
    idle = http_connect(&fixture);
    busy = ask_later();
    http_fixture_run(&fixture, drain, &fixture);
    assert_true(http_is_closed(idle));
    http_fixture_run(&fixture, answer_held, NULL);
    assert_int_equal(http_read_answer(busy, text, TEXT, false), 200);
    assert_non_null(strstr(text, "Connection: close"));
    assert_true(http_is_closed(busy));
    close(idle);
    close(busy);
    http_fixture_wait(&fixture, none_open);
    http_fixture_wait(&fixture, none_deferred);
    http_fixture_stop(&fixture);
}

static void garbage_is_answered_by_400_or_closed(void **state)
{
    static const char *const garbage[] = {"\x16\x03\x01\x02", "SSH-2.0-x\r\n\r\n",
                                          "\r\n\r\n\r\nx y z\r\n\r\n",
                                          "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"};

    (void)state;
    /* The library may not see an end that comes together with bytes: the timeout does. */
    start_with((struct m4h_http_config){.receive_timeout_ms = 100});
    for (size_t i = 0; i < M4H_COUNT(garbage); i++) {
        char text[TEXT];
        int fd = http_connect(&fixture), status;

        http_send(fd, garbage[i]);
        shutdown(fd, SHUT_WR);
        status = http_read_answer(fd, text, TEXT, false);
        assert_true(status == 0 || status == 400);
        close(fd);
    }
    http_fixture_wait(&fixture, none_open);
    http_fixture_stop(&fixture);
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SERVER(a_route_gets_its_parameters_query_and_body),
        ON_SERVER(a_guard_lets_in_or_answers_before_the_body_comes),
        ON_SERVER(a_stranger_does_not_choose_how_much_is_logged),
        ON_SERVER(what_is_wrong_is_answered_by_a_problem),
        ON_SERVER(head_is_answered_as_get_without_the_body),
        ON_SERVER(a_target_that_is_too_long_gets_414_and_a_head_431),
        ON_SERVER(a_chunked_body_over_the_limit_gets_413),
        ON_SERVER(a_head_that_can_be_read_in_two_ways_ends_the_connection),
        ON_SERVER(a_method_that_is_no_word_is_refused),
        ON_SERVER(a_good_request_id_is_kept_and_a_bad_one_replaced),
        ON_SERVER(pipelined_requests_are_answered_in_order),
        ON_SERVER(the_ops_routes_tell_life_readiness_and_metrics),
        ON_SERVER(an_answer_may_come_later),
        ON_SERVER(a_deferred_request_may_be_answered_at_once),
        ON_SERVER(an_answer_to_a_client_that_is_gone_is_harmless),
        cmocka_unit_test(a_request_that_is_not_answered_in_time_gets_504),
        cmocka_unit_test(the_servers_end_answers_what_is_deferred_by_503),
        cmocka_unit_test(a_client_that_does_not_finish_its_request_is_cut_off),
        cmocka_unit_test(connections_beyond_the_limit_wait_for_their_turn),
        cmocka_unit_test(a_source_has_a_share_of_the_connections_only),
        cmocka_unit_test(a_drained_server_finishes_and_takes_no_more),
        cmocka_unit_test(a_server_that_will_end_soon_serves_each_connection_once_more),
        cmocka_unit_test(connections_that_wait_when_a_drain_begins_are_served),
        cmocka_unit_test(garbage_is_answered_by_400_or_closed),
    };

    m4h_log_set_level(M4H_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
