#include "lib/base/log.h"
#include "lib/http/websocket.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/websocket_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TEXT 8192

static struct http_fixture fixture;
static struct m4h_websocket *server_side;
static volatile uint16_t told_code; /* by on_close; 0: not called */
static struct m4h_websocket_config config;

static void on_open(void *context, struct m4h_websocket *websocket)
{
    (void)context;
    server_side = websocket;
}

static void on_message(void *context, struct m4h_websocket *websocket, bool is_text,
                       const uint8_t *data, size_t len)
{
    (void)context;
    if (len == 4 && memcmp(data, "quit", 4) == 0)
        m4h_websocket_close(websocket, M4H_WEBSOCKET_NORMAL, "as you wish");
    else
        assert_true(m4h_websocket_send(websocket, is_text, data, len) <= 0);
}

static void on_close(void *context, struct m4h_websocket *websocket, uint16_t code)
{
    (void)context;
    (void)websocket;
    server_side = NULL;
    told_code = code;
}

static const struct m4h_websocket_handler handler = {
    .on_open = on_open, .on_message = on_message, .on_close = on_close};
static const char *const subprotocols[] = {"json", "protobuf", NULL};

static void on_ws(void *context, struct m4h_http_request *request)
{
    struct m4h_websocket *websocket;

    (void)context;
    if (m4h_websocket_accept(&websocket, request, &config, NULL) != 0)
        return;
}

static const struct m4h_http_route routes[] = {{"GET", "/ws", on_ws, false, 0}};
static const struct m4h_http_routes tables[] = {{routes, 1, NULL}};

static int start(void **state)
{
    (void)state;
    told_code = 0;
    config = (struct m4h_websocket_config){.subprotocols = subprotocols,
                                           .handler = &handler,
                                           .message_max = 70000,
                                           .ping_interval_ms = 60000};
    http_fixture_start(&fixture, &(struct m4h_http_config){.routes = tables, .routes_count = 1});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_fixture_stop(&fixture);
    return 0;
}

/* ---- a client ------------------------------------------------------------------- */

#define HANDSHAKE WEBSOCKET_HANDSHAKE("/ws")

static int dial(void)
{
    return websocket_dial(&fixture, "/ws");
}

static bool none_open(const struct m4h_http_stats *stats)
{
    return stats->open == 0 && stats->websockets == 0;
}

/* The client leaves; the server has told `code`. */
static void hang_up(int fd, unsigned code)
{
    close(fd);
    http_fixture_wait(&fixture, none_open);
    assert_int_equal(told_code, code);
}

/* ---- tests --------------------------------------------------------------------------- */

static void messages_go_both_ways_at_every_length_form(void **state)
{
    static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 70000};
    uint8_t *data = calloc(1, 70000), *back = calloc(1, 70000);
    int fd = dial();

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(lengths); i++) {
        size_t len;

        memset(data, (int)i, lengths[i]);
        websocket_send(fd, FIN | BINARY, data, lengths[i]);
        assert_int_equal(websocket_read(fd, back, 70000, &len), FIN | BINARY);
        assert_int_equal(len, lengths[i]);
        assert_memory_equal(data, back, len);
    }
    free(data);
    free(back);
    hang_up(fd, 1006);
}

static void fragments_are_joined_with_a_ping_between_them(void **state)
{
    int fd = dial();

    (void)state;
    websocket_send_text(fd, TEXT_FRAME, "Hel");
    websocket_send_text(fd, FIN | PING, "are you there");
    websocket_send_text(fd, CONTINUATION, "");
    websocket_send_text(fd, FIN | CONTINUATION, "lo");
    websocket_expect_text(fd, FIN | PONG, "are you there");
    websocket_expect_text(fd, FIN | TEXT_FRAME, "Hello");
    hang_up(fd, 1006);
}

static void frames_that_come_with_the_handshake_are_not_lost(void **state)
{
    char text[TEXT], first[TEXT];
    uint8_t frame[64];
    size_t len = websocket_make_frame(frame, FIN | TEXT_FRAME, "early", 5),
           head = strlen(HANDSHAKE "\r\n");
    int fd = http_connect(&fixture);

    (void)state;
    memcpy(first, HANDSHAKE "\r\n", head);
    memcpy(first + head, frame, len);
    http_send_bytes(fd, first, head + len);
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 101);
    websocket_expect_text(fd, FIN | TEXT_FRAME, "early");
    hang_up(fd, 1006);
}

static void bytes_may_come_one_by_one(void **state)
{
    uint8_t frame[64];
    size_t len = websocket_make_frame(frame, FIN | TEXT_FRAME, "slowly", 6);
    int fd = dial();

    (void)state;
    for (size_t i = 0; i < len; i++)
        http_send_bytes(fd, frame + i, 1);
    websocket_expect_text(fd, FIN | TEXT_FRAME, "slowly");
    hang_up(fd, 1006);
}

/* What breaks the protocol, as bytes, and the close code that it earns. */
static void each_breach_is_answered_by_its_close_code(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        unsigned code;
    } cases[] = {
        {"\x81\x05Hello", 7, 1002},                             /* not masked */
        {"\xc1\x85\0\0\0\0Hello", 11, 1002},                    /* reserved bit 1 */
        {"\xa1\x85\0\0\0\0Hello", 11, 1002},                    /* reserved bit 2 */
        {"\x91\x85\0\0\0\0Hello", 11, 1002},                    /* reserved bit 3 */
        {"\x83\x80\0\0\0\0", 6, 1002},                          /* reserved opcode */
        {"\x8b\x80\0\0\0\0", 6, 1002},                          /* reserved control opcode */
        {"\x80\x81\0\0\0\0x", 7, 1002},                         /* continuation of nothing */
        {"\x01\x81\0\0\0\0x\x81\x81\0\0\0\0x", 14, 1002},       /* new message inside one */
        {"\x09\x80\0\0\0\0", 6, 1002},                          /* fragmented ping */
        {"\x89\xfe\0\x7e\0\0\0\0", 8, 1002},                    /* long ping */
        {"\x81\xfe\0\x05\0\0\0\0Hello", 13, 1002},              /* length not the shortest */
        {"\x88\x81\0\0\0\0\x03", 7, 1002},                      /* close of one byte */
        {"\x88\x82\0\0\0\0\x03\xed", 8, 1002},                  /* close code 1005 */
        {"\x81\x82\0\0\0\0\xc3\x28", 8, 1007},                  /* not UTF-8 */
        {"\x81\x83\0\0\0\0\xed\xa0\x80", 9, 1007},              /* a surrogate */
        {"\x01\x81\0\0\0\0\xc3\x80\x81\0\0\0\0\x28", 14, 1007}, /* across fragments */
        {"\x88\x83\0\0\0\0\x03\xe8\xff", 9, 1007},              /* close reason not UTF-8 */
        {"\x82\xff\0\0\0\0\0\x01\x11\x71\0\0\0\0x", 15, 1009},  /* one too large */
        {"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", 15, 1009},
        {"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14, 1002},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        int fd = dial();

        told_code = 0;
        http_send_bytes(fd, cases[i].bytes, cases[i].len);
        websocket_expect_close(fd, cases[i].code);
        assert_true(http_is_closed(fd));
        hang_up(fd, cases[i].code);
    }
}

static void fragments_beyond_the_limit_of_a_message_get_1009(void **state)
{
    char *piece = calloc(1, 30000);
    int fd = dial();

    (void)state;
    websocket_send(fd, BINARY, piece, 30000);
    websocket_send(fd, CONTINUATION, piece, 30000);
    websocket_send(fd, CONTINUATION, piece, 30000);
    free(piece);
    websocket_expect_close(fd, 1009);
    hang_up(fd, 1009);
}

static void endless_fragments_get_1009(void **state)
{
    uint8_t frames[2000 * 7];
    size_t len = 0;
    int fd = dial();

    (void)state;
    for (int i = 0; i < 2000; i++)
        len += websocket_make_frame(frames + len, i == 0 ? BINARY : CONTINUATION, "x", 1);
    http_send_bytes(fd, frames, len);
    websocket_expect_close(fd, 1009);
    hang_up(fd, 1009);
}

static void utf8_may_be_split_between_fragments(void **state)
{
    int fd = dial();

    (void)state;
    websocket_send_text(fd, TEXT_FRAME, "\xc3");
    websocket_send_text(fd, FIN | CONTINUATION, "\xa9");
    websocket_expect_text(fd, FIN | TEXT_FRAME, "\xc3\xa9");
    hang_up(fd, 1006);
}

static void a_close_is_answered_by_a_close_with_its_code(void **state)
{
    int fd = dial();

    (void)state;
    websocket_send(fd, FIN | CLOSE, "\x0f\xa0good bye", 10); /* 4000 */
    websocket_expect_close(fd, 4000);
    assert_true(http_is_closed(fd));
    hang_up(fd, 4000);
}

static void the_handler_may_close_from_inside_a_message(void **state)
{
    int fd = dial();

    (void)state;
    websocket_send_text(fd, FIN | TEXT_FRAME, "quit");
    websocket_send_text(fd, FIN | TEXT_FRAME, "more");
    websocket_expect_close(fd, 1000);
    websocket_send(fd, FIN | CLOSE, "\x03\xe8", 2);
    assert_true(http_is_closed(fd));
    hang_up(fd, 1000);
}

static void flood(void *context)
{
    static char data[65536];

    (void)context;
    while (server_side != NULL) {
        int error = m4h_websocket_send(server_side, false, data, sizeof(data));

        if (error != 0) {
            assert_int_equal(error, -4); /* M4H_EFULL */
            assert_int_equal(m4h_websocket_send(server_side, false, data, 1), -12);
            break;
        }
    }
}

#define LARGE 1000000u

static void send_much_and_close(void *context)
{
    static char data[LARGE];

    for (int i = 0; i < *(int *)context; i++)
        assert_int_equal(m4h_websocket_send(server_side, false, data, sizeof(data)), 0);
    m4h_websocket_close(server_side, M4H_WEBSOCKET_NORMAL, "that was all");
}

static void a_close_comes_after_what_was_sent_before_however_slow_the_reader(void **state)
{
    uint8_t *data = malloc(LARGE);
    int fd, count = 25;
    size_t len;

    (void)state;
    config.queue_max = 2 * 25 * LARGE;
    fd = dial();
    websocket_send_text(fd, FIN | TEXT_FRAME, "open");
    websocket_expect_text(fd, FIN | TEXT_FRAME, "open");
    http_fixture_run(&fixture, send_much_and_close, &count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(websocket_read(fd, data, LARGE, &len), FIN | BINARY);
        assert_int_equal(len, LARGE);
    }
    websocket_expect_close(fd, 1000);
    websocket_send(fd, FIN | CLOSE, "\x03\xe8", 2);
    assert_true(http_is_closed(fd));
    free(data);
    hang_up(fd, 1000);
}

static void a_reader_that_is_too_slow_is_cut_off(void **state)
{
    int fd = dial();

    (void)state;
    websocket_send_text(fd, FIN | TEXT_FRAME, "open");
    websocket_expect_text(fd, FIN | TEXT_FRAME, "open");
    http_fixture_run(&fixture, flood, NULL);
    http_fixture_wait(&fixture, none_open);
    assert_int_equal(told_code, 1008);
    close(fd);
}

static void a_client_that_only_pings_and_never_reads_is_held_back(void **state)
{
    static uint8_t pings[1000 * 131];
    size_t len = 0, sent = 0;
    char waste[125] = "";
    int fd = dial(), small = 4096;

    (void)state;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 1000; i++)
        len += websocket_make_frame(pings + len, FIN | PING, waste, sizeof(waste));
    for (int i = 0; i < 400; i++) {
        ssize_t taken = send(fd, pings, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (taken < 0)
            break;
        sent += (size_t)taken;
        if ((size_t)taken < len)
            break;
    }
    assert_true(sent < 400 * len);
    hang_up(fd, 1006);
}

static void a_silent_peer_is_pinged_and_then_given_up(void **state)
{
    uint8_t data[TEXT];
    size_t len;
    int fd;

    (void)state;
    config.ping_interval_ms = 50;
    fd = dial();
    assert_int_equal(websocket_read(fd, data, TEXT, &len), FIN | PING);
    websocket_send(fd, FIN | PONG, data, len);
    assert_int_equal(websocket_read(fd, data, TEXT, &len), FIN | PING);
    assert_int_equal(websocket_read(fd, data, TEXT, &len), FIN | PING);
    assert_int_equal(websocket_read(fd, data, TEXT, &len), 0);
    hang_up(fd, 1006);
}

static void drain(void *context)
{
    struct http_fixture *drained = context;

    m4h_http_server_drain(drained->server, 0);
}

static void a_drained_server_closes_with_1001(void **state)
{
    int fd = dial();

    (void)state;
    websocket_send_text(fd, FIN | TEXT_FRAME, "x");
    websocket_expect_text(fd, FIN | TEXT_FRAME, "x");
    http_fixture_run(&fixture, drain, &fixture);
    websocket_expect_close(fd, 1001);
    websocket_send(fd, FIN | CLOSE, "\x03\xe9", 2);
    assert_true(http_is_closed(fd));
    hang_up(fd, 1001);
}

/* On the loop, so that nothing is accepted in between. */
static void connect_and_drain(void *context)
{
    int *fd = context;

    *fd = http_connect(&fixture);
    m4h_http_server_drain(fixture.server, 0);
}

static void one_that_opens_while_the_server_drains_is_closed_with_1001(void **state)
{
    char text[TEXT];
    int fd;

    (void)state;
    http_fixture_run(&fixture, connect_and_drain, &fd);
    http_send(fd, HANDSHAKE "\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, true), 101);
    websocket_expect_close(fd, 1001);
    close(fd);
    http_fixture_wait(&fixture, none_open);
}

#define SPREAD_MS 200u

static void drain_slowly(void *context)
{
    struct http_fixture *drained = context;

    m4h_http_server_drain(drained->server, SPREAD_MS);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void many_are_closed_batch_by_batch(void **state)
{
    int fds[20];
    unsigned closed = 0;
    uint64_t begin;

    (void)state;
    for (int i = 0; i < 20; i++) {
        fds[i] = dial();
        websocket_send_text(fds[i], FIN | TEXT_FRAME, "x");
        websocket_expect_text(fds[i], FIN | TEXT_FRAME, "x");
    }
    begin = now_ms();
    http_fixture_run(&fixture, drain_slowly, &fixture);
    /* The newest is the first to go, the oldest the last. */
    for (int i = 19; i >= 0; i--, closed++) {
        websocket_expect_close(fds[i], 1001);
        if (closed == 10)
            assert_true(now_ms() - begin >= SPREAD_MS / 4);
    }
    assert_true(now_ms() - begin >= SPREAD_MS * 3 / 4);
    for (int i = 0; i < 20; i++)
        close(fds[i]);
    http_fixture_wait(&fixture, none_open);
}

static void the_servers_end_ends_what_is_open(void **state)
{
    int fds[20];

    start(state);
    for (int i = 0; i < 20; i++)
        fds[i] = dial();
    http_fixture_stop(&fixture);
    for (int i = 0; i < 20; i++) {
        assert_true(http_is_closed(fds[i]));
        close(fds[i]);
    }
    assert_int_equal(told_code, 1006);
}

static void a_refused_handshake_is_a_problem(void **state)
{
    char text[TEXT];
    int fd = http_connect(&fixture);

    (void)state;
    http_send(fd, "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 426);
    assert_non_null(strstr(text, "Sec-WebSocket-Version: 13\r\n"));
    assert_non_null(strstr(text, "\"code\":\"upgrade_required\""));
    http_send(fd, HANDSHAKE "Sec-WebSocket-Protocol: chat\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 400);
    http_send(fd, HANDSHAKE "Sec-WebSocket-Protocol: chat\r\n"
                            "Sec-WebSocket-Protocol: protobuf\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, false), 101);
    assert_non_null(strstr(text, "Sec-WebSocket-Protocol: protobuf\r\n"));
    hang_up(fd, 1006);
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SERVER(messages_go_both_ways_at_every_length_form),
        ON_SERVER(fragments_are_joined_with_a_ping_between_them),
        ON_SERVER(frames_that_come_with_the_handshake_are_not_lost),
        ON_SERVER(bytes_may_come_one_by_one),
        ON_SERVER(each_breach_is_answered_by_its_close_code),
        ON_SERVER(fragments_beyond_the_limit_of_a_message_get_1009),
        ON_SERVER(endless_fragments_get_1009),
        ON_SERVER(utf8_may_be_split_between_fragments),
        ON_SERVER(a_close_is_answered_by_a_close_with_its_code),
        ON_SERVER(the_handler_may_close_from_inside_a_message),
        ON_SERVER(a_close_comes_after_what_was_sent_before_however_slow_the_reader),
        ON_SERVER(a_reader_that_is_too_slow_is_cut_off),
        ON_SERVER(a_client_that_only_pings_and_never_reads_is_held_back),
        ON_SERVER(a_silent_peer_is_pinged_and_then_given_up),
        ON_SERVER(a_drained_server_closes_with_1001),
        ON_SERVER(one_that_opens_while_the_server_drains_is_closed_with_1001),
        ON_SERVER(many_are_closed_batch_by_batch),
        cmocka_unit_test(the_servers_end_ends_what_is_open),
        ON_SERVER(a_refused_handshake_is_a_problem),
    };

    m4h_log_set_level(M4H_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
