#include "lib/base/error.h"
#include "lib/http/stream.h"
#include "tests/unit/http_fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT  8192
#define PIECE 16384

static struct http_fixture fixture;

/* The stream that was opened last; on the loop. */
static struct m4h_http_stream *stream;
static atomic_uint closed, drained;
static uint32_t queue_max, linger_ms;

static void on_drain(void *context, struct m4h_http_stream *ending)
{
    (void)context;
    drained++;
    m4h_http_stream_finish(ending, "bye", 3, false);
}

static void on_close(void *context, struct m4h_http_stream *ended)
{
    (void)context;
    assert_ptr_equal(ended, stream);
    stream = NULL;
    closed++;
}

static const struct m4h_http_stream_handler handler = {.on_drain = on_drain, .on_close = on_close};

static void on_open(void *context, struct m4h_http_request *request)
{
    static const struct m4h_http_header header = {"X-Test", "yes"};
    const struct m4h_http_stream_config config = {.content_type = "text/plain",
                                                  .headers = &header,
                                                  .header_count = 1,
                                                  .handler = &handler,
                                                  .queue_max = queue_max,
                                                  .linger_ms = linger_ms};

    (void)context;
    if (m4h_http_stream_open(&stream, request, &config, NULL) == 0)
        assert_int_equal(m4h_http_stream_send(stream, "hello", 5), 0);
}

static const struct m4h_http_route routes[] = {{"GET", "/stream", on_open, false, 0}};

static int start(void **state)
{
    static const struct m4h_http_routes table = {routes, 1, NULL};

    (void)state;
    stream = NULL;
    closed = 0;
    drained = 0;
    queue_max = linger_ms = 0;
    http_fixture_start(&fixture, &(struct m4h_http_config){.routes = &table, .routes_count = 1});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_fixture_stop(&fixture);
    return 0;
}

static bool one_is_open(const struct m4h_http_stats *stats)
{
    return stats->streams == 1;
}

static bool none_is_open(const struct m4h_http_stats *stats)
{
    return stats->streams == 0;
}

static bool nobody_is_connected(const struct m4h_http_stats *stats)
{
    return stats->open == 0;
}

static bool one_is_connected(const struct m4h_http_stats *stats)
{
    return stats->open == 1;
}

/* Opens one; returns the connection after the head. */
static int open_one(char text[TEXT])
{
    int fd = http_connect(&fixture);

    http_send(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, true), 200);
    http_fixture_wait(&fixture, one_is_open);
    return fd;
}

/* Reads one chunk of the body; returns its length. */
static size_t read_chunk(int fd, char *data, size_t size)
{
    char head[16];
    size_t len = 0;

    do {
        assert_true(len + 1 < sizeof(head));
        assert_true(http_read(fd, head + len, 1));
        len++;
    } while (len < 2 || head[len - 1] != '\n');
    head[len] = '\0';
    len = strtoul(head, NULL, 16);
    assert_true(len < size);
    assert_true(http_read(fd, data, len));
    data[len] = '\0';
    assert_true(http_read(fd, head, 2));
    return len;
}

static void expect_chunk(int fd, const char *text)
{
    char data[TEXT];

    read_chunk(fd, data, sizeof(data));
    assert_string_equal(data, text);
}

static void send_text(void *context)
{
    assert_int_equal(m4h_http_stream_send(stream, context, strlen(context)), 0);
}

static void finish(void *context)
{
    m4h_http_stream_finish(stream, context, context != NULL ? strlen(context) : 0, true);
    assert_int_equal(m4h_http_stream_send(stream, "late", 4), M4H_ECLOSED);
}

static void pieces_arrive_as_they_are_sent(void **state)
{
    char text[TEXT], one[] = "one", two[] = "two";
    int fd;

    (void)state;
    fd = open_one(text);
    assert_non_null(strstr(text, "Content-Type: text/plain\r\n"));
    assert_non_null(strstr(text, "X-Test: yes\r\n"));
    assert_non_null(strstr(text, "X-Request-Id: "));
    expect_chunk(fd, "hello");
    http_fixture_run(&fixture, send_text, one);
    expect_chunk(fd, "one");
    http_fixture_run(&fixture, send_text, two);
    expect_chunk(fd, "two");
    close(fd);
}

static void a_finished_stream_leaves_the_connection_to_the_next_request(void **state)
{
    char text[TEXT], last[] = "last";
    int fd;

    (void)state;
    fd = open_one(text);
    expect_chunk(fd, "hello");
    http_fixture_run(&fixture, finish, last);
    expect_chunk(fd, "last");
    expect_chunk(fd, "");
    http_fixture_wait(&fixture, none_is_open);
    assert_int_equal(closed, 1);
    http_send(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, true), 200);
    expect_chunk(fd, "hello");
    close(fd);
}

static void http_1_0_gets_bytes_until_the_end_of_the_connection(void **state)
{
    char text[TEXT], data[10] = "", last[] = "last";
    int fd = http_connect(&fixture);

    (void)state;
    http_send(fd, "GET /stream HTTP/1.0\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, true), 200);
    http_fixture_wait(&fixture, one_is_open);
    http_fixture_run(&fixture, finish, last);
    assert_true(http_read(fd, data, 5));
    assert_memory_equal(data, "hello", 5);
    assert_true(http_read(fd, data, 4));
    assert_memory_equal(data, "last", 4);
    assert_true(http_is_closed(fd));
    close(fd);
}

static void a_reader_that_goes_is_noticed_though_nothing_is_sent(void **state)
{
    static const struct linger ways[] = {{.l_onoff = 1}, {.l_onoff = 0}};
    char text[TEXT];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        int fd = open_one(text);

        expect_chunk(fd, "hello");
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &ways[i], sizeof(ways[i]));
        close(fd);
        http_fixture_wait(&fixture, none_is_open);
        assert_int_equal(closed, i + 1);
        http_fixture_wait(&fixture, nobody_is_connected);
    }
}

/* As a browser does, with the connections that it keeps. */
static void a_reader_that_goes_with_others_leaves_no_connection_behind(void **state)
{
    char text[TEXT];

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        int other = http_connect(&fixture), fd = open_one(text);

        expect_chunk(fd, "hello");
        close(fd);
        if (i % 2 == 0)
            http_fixture_wait(&fixture, one_is_connected);
        close(other);
        http_fixture_wait(&fixture, nobody_is_connected);
        assert_int_equal(closed, i + 1);
    }
}

static void what_a_reader_sent_before_it_went_hides_nothing(void **state)
{
    char text[TEXT];
    int fd;

    (void)state;
    fd = open_one(text);
    expect_chunk(fd, "hello");
    http_send(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(fd, SHUT_WR);
    http_fixture_wait(&fixture, none_is_open);
    assert_int_equal(closed, 1);
    close(fd);
}

/* Sends pieces until one is refused. */
static void fill(void *context)
{
    static char data[PIECE];
    int *error = context;

    memset(data, 'a', sizeof(data));
    data[0] = '<';
    data[PIECE - 1] = '>';
    *error = m4h_http_stream_send(stream, data, sizeof(data));
    assert_true(m4h_http_stream_queued(stream) <= 4 * PIECE);
}

static void fill_up(void)
{
    int refused = 0, error;

    /* The sockets and the library take some before the queue grows. */
    while (refused < 50) {
        http_fixture_run(&fixture, fill, &error);
        assert_true(error == 0 || error == M4H_EFULL);
        refused = error == M4H_EFULL ? refused + 1 : 0;
        usleep(200);
    }
}

static void nor_does_one_of_http_1_0_or_one_for_whom_much_waits(void **state)
{
    char text[TEXT];
    int other = http_connect(&fixture), fd = http_connect(&fixture);

    (void)state;
    queue_max = 4 * PIECE;
    http_send(fd, "GET /stream HTTP/1.0\r\n\r\n");
    assert_int_equal(http_read_answer(fd, text, TEXT, true), 200);
    http_fixture_wait(&fixture, one_is_open);
    close(fd);
    http_fixture_wait(&fixture, one_is_connected);
    fd = open_one(text);
    fill_up();
    close(fd);
    http_fixture_wait(&fixture, one_is_connected);
    assert_int_equal(closed, 2);
    close(other);
}

static void a_slow_readers_queue_is_bounded_and_ends_between_two_pieces(void **state)
{
    char text[TEXT], last[] = "end", data[2 * PIECE];
    size_t depth = 0, len;
    int fd;

    (void)state;
    queue_max = 4 * PIECE;
    fd = open_one(text);
    fill_up();
    http_fixture_run(&fixture, finish, last);
    expect_chunk(fd, "hello");
    for (;;) {
        len = read_chunk(fd, data, sizeof(data));
        if (len == 0)
            break;
        for (size_t i = 0; i < len && data[i] != 'e'; i++) {
            if (data[i] == '<')
                depth++;
            else if (data[i] == '>')
                depth--;
        }
        memcpy(text, data + (len > 3 ? len - 3 : 0), 4);
    }
    assert_int_equal(depth, 0);
    assert_string_equal(text, "end");
    http_fixture_wait(&fixture, none_is_open);
    close(fd);
}

static void a_finished_reader_that_takes_nothing_is_cut(void **state)
{
    char text[TEXT], last[] = "end";
    int fd;

    (void)state;
    queue_max = 4 * PIECE;
    linger_ms = 50;
    fd = open_one(text);
    fill_up();
    http_fixture_run(&fixture, finish, last);
    http_fixture_wait(&fixture, none_is_open);
    assert_int_equal(closed, 1);
    close(fd);
}

static void drain(void *context)
{
    m4h_http_server_drain(context, 0);
}

static void a_drained_server_asks_its_streams_to_end(void **state)
{
    char text[TEXT];
    int fd;

    (void)state;
    fd = open_one(text);
    expect_chunk(fd, "hello");
    http_fixture_run(&fixture, drain, fixture.server);
    expect_chunk(fd, "bye");
    expect_chunk(fd, "");
    http_fixture_wait(&fixture, none_is_open);
    assert_int_equal(drained, 1);
    http_fixture_wait(&fixture, nobody_is_connected);
    close(fd);
}

static void a_reader_that_goes_while_much_waits_for_it_is_noticed_too(void **state)
{
    char text[TEXT];
    int fd;

    (void)state;
    queue_max = 4 * PIECE;
    fd = open_one(text);
    fill_up();
    close(fd);
    http_fixture_wait(&fixture, none_is_open);
    assert_int_equal(closed, 1);
}

/* On the loop, so that nothing is accepted in between. */
static void connect_and_drain(void *context)
{
    int *fd = context;

    *fd = http_connect(&fixture);
    m4h_http_server_drain(fixture.server, 0);
}

static void a_stream_that_begins_while_the_server_drains_is_asked_to_end(void **state)
{
    char text[TEXT] = "";
    int fd;

    (void)state;
    http_fixture_run(&fixture, connect_and_drain, &fd);
    http_send(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    for (size_t len = 0; len + 1 < sizeof(text) && http_read(fd, text + len, 1); len++)
        continue;
    assert_non_null(strstr(text, "HTTP/1.1 200"));
    assert_non_null(strstr(text, "bye\r\n0\r\n\r\n"));
    http_fixture_wait(&fixture, nobody_is_connected);
    assert_int_equal(drained, 1);
    close(fd);
}

static void the_servers_end_cuts_what_is_open(void **state)
{
    char text[TEXT];
    int asleep, busy;

    (void)state;
    start(NULL);
    asleep = open_one(text);
    stop(NULL);
    assert_int_equal(closed, 1);
    close(asleep);
    start(NULL);
    queue_max = 4 * PIECE;
    busy = open_one(text);
    fill_up();
    stop(NULL);
    assert_int_equal(closed, 1);
    close(busy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pieces_arrive_as_they_are_sent, start, stop),
        cmocka_unit_test_setup_teardown(a_finished_stream_leaves_the_connection_to_the_next_request,
                                        start, stop),
        cmocka_unit_test_setup_teardown(http_1_0_gets_bytes_until_the_end_of_the_connection, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_reader_that_goes_is_noticed_though_nothing_is_sent, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_reader_that_goes_with_others_leaves_no_connection_behind,
                                        start, stop),
        cmocka_unit_test_setup_teardown(nor_does_one_of_http_1_0_or_one_for_whom_much_waits, start,
                                        stop),
        cmocka_unit_test_setup_teardown(what_a_reader_sent_before_it_went_hides_nothing, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_slow_readers_queue_is_bounded_and_ends_between_two_pieces,
                                        start, stop),
        cmocka_unit_test_setup_teardown(a_finished_reader_that_takes_nothing_is_cut, start, stop),
        cmocka_unit_test_setup_teardown(a_reader_that_goes_while_much_waits_for_it_is_noticed_too,
                                        start, stop),
        cmocka_unit_test_setup_teardown(a_drained_server_asks_its_streams_to_end, start, stop),
        cmocka_unit_test_setup_teardown(
            a_stream_that_begins_while_the_server_drains_is_asked_to_end, start, stop),
        cmocka_unit_test(the_servers_end_cuts_what_is_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
