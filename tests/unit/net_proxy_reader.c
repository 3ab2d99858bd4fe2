/* The PROXY header off a socket: whole, in pieces, with bytes behind it, and not at all. */
#include "lib/net/proxy_reader.h"
#include "tests/unit/net_stage.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define V1     "PROXY TCP4 192.0.2.1 198.51.100.2 50005 2222\r\n"
#define BANNER "SSH-2.0-OpenSSH_9.2\r\n"

static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x13"
                         "\xc0\x00\x02\x01\xc6\x33\x64\x02\xc3\x55\x08\xae\x04\x00\x04ping";

/* One connection whose header is awaited. */
struct arrival {
    struct m4h_loop *loop;
    struct m4h_proxy_reader *reader;
    int fds[2]; /* the peer's end, and ours */
    unsigned done;
    enum m4h_proxy_outcome outcome;
    struct m4h_proxy_header header;
    bool close_at_once;
};

static void on_done(void *context, enum m4h_proxy_outcome outcome,
                    const struct m4h_proxy_header *header)
{
    struct arrival *arrival = context;

    arrival->done++;
    arrival->outcome = outcome;
    if (header != NULL)
        arrival->header = *header;
    if (arrival->close_at_once) {
        m4h_proxy_reader_close(arrival->reader);
        arrival->reader = NULL;
    }
}

static void begin(struct arrival *arrival, struct m4h_loop *loop)
{
    arrival->loop = loop;
    tcp_pair(arrival->fds);
    assert_int_equal(
        m4h_proxy_reader_start(&arrival->reader, loop, arrival->fds[1], on_done, arrival), 0);
}

static void finish(struct arrival *arrival)
{
    m4h_proxy_reader_close(arrival->reader);
    close(arrival->fds[0]);
    close(arrival->fds[1]);
}

static void send_bytes(const struct arrival *arrival, const void *data, size_t len)
{
    assert_int_equal(send(arrival->fds[0], data, len, MSG_NOSIGNAL), len);
}

static bool is_done(void *context)
{
    const struct arrival *arrival = context;

    return arrival->done > 0;
}

static void assert_taken(struct arrival *arrival)
{
    char text[M4H_IP_TEXT_MAX];

    run_until(arrival->loop, is_done, arrival);
    assert_int_equal(arrival->outcome, M4H_PROXY_TAKEN);
    assert_true(arrival->header.has_source);
    assert_string_equal(m4h_ip_text(&arrival->header.source, text), "192.0.2.1");
    assert_int_equal(arrival->header.source_port, 50005);
}

/* What is left to read on our end. */
static void assert_left(const struct arrival *arrival, const char *expected)
{
    char left[200] = "";
    ssize_t got = recv(arrival->fds[1], left, sizeof(left) - 1, MSG_DONTWAIT);

    assert_int_equal(got > 0 ? got : 0, strlen(expected));
    assert_string_equal(left, expected);
}

static void a_header_is_taken_and_nothing_behind_it(void **state)
{
    struct arrival text = {0}, binary = {0};

    begin(&text, *state);
    send_bytes(&text, V1 BANNER, strlen(V1 BANNER));
    assert_taken(&text);
    assert_left(&text, BANNER);
    finish(&text);

    begin(&binary, *state);
    send_bytes(&binary, v2, sizeof(v2) - 1);
    send_bytes(&binary, BANNER, strlen(BANNER));
    assert_taken(&binary);
    run_for(*state, 5);
    assert_left(&binary, BANNER);
    finish(&binary);
}

static void a_header_may_come_byte_by_byte(void **state)
{
    struct arrival arrival = {0};

    begin(&arrival, *state);
    for (size_t i = 0; i < sizeof(v2) - 1; i++) {
        assert_int_equal(arrival.done, 0);
        send_bytes(&arrival, v2 + i, 1);
        run_for(*state, 1);
    }
    send_bytes(&arrival, BANNER, strlen(BANNER));
    assert_taken(&arrival);
    assert_left(&arrival, BANNER);
    finish(&arrival);
}

static void bytes_that_are_no_header_are_refused(void **state)
{
    struct arrival arrival = {0};

    begin(&arrival, *state);
    send_bytes(&arrival, BANNER, strlen(BANNER));
    run_until(*state, is_done, &arrival);
    assert_int_equal(arrival.outcome, M4H_PROXY_REFUSED);
    run_for(*state, 5);
    assert_int_equal(arrival.done, 1);
    finish(&arrival);
}

static void an_end_inside_a_header_is_refused(void **state)
{
    struct arrival arrival = {0};

    begin(&arrival, *state);
    send_bytes(&arrival, "PROXY TCP4", 10);
    run_for(*state, 5);
    assert_int_equal(arrival.done, 0);
    shutdown(arrival.fds[0], SHUT_WR);
    run_until(*state, is_done, &arrival);
    assert_int_equal(arrival.outcome, M4H_PROXY_REFUSED);
    finish(&arrival);
}

static void an_end_without_a_byte_is_told_apart(void **state)
{
    struct arrival closed = {0}, reset = {0};

    begin(&closed, *state);
    shutdown(closed.fds[0], SHUT_WR);
    run_until(*state, is_done, &closed);
    assert_int_equal(closed.outcome, M4H_PROXY_ENDED);
    finish(&closed);

    begin(&reset, *state);
    reset_connection(reset.fds[0]);
    run_until(*state, is_done, &reset);
    assert_int_equal(reset.outcome, M4H_PROXY_ENDED);
    m4h_proxy_reader_close(reset.reader);
    close(reset.fds[1]);
}

static uint64_t used_us(void)
{
    struct rusage used;

    assert_int_equal(getrusage(RUSAGE_THREAD, &used), 0);
    return (uint64_t)used.ru_stime.tv_sec * 1000000u + (uint64_t)used.ru_stime.tv_usec +
           (uint64_t)used.ru_utime.tv_sec * 1000000u + (uint64_t)used.ru_utime.tv_usec;
}

/* A loop that wakes up for nothing would use all of the time. */
static void one_who_stops_inside_a_header_costs_nothing(void **state)
{
    struct arrival arrival = {0};
    uint64_t before_us;

    begin(&arrival, *state);
    send_bytes(&arrival, "PROXY TCP4 192.0.2.1 ", 21);
    run_for(*state, 5);
    before_us = used_us();
    run_for(*state, 200);
    assert_in_range(used_us() - before_us, 0, 100000);
    assert_int_equal(arrival.done, 0);
    finish(&arrival);
}

static void it_may_be_closed_in_its_own_callback(void **state)
{
    struct arrival arrival = {.close_at_once = true};

    begin(&arrival, *state);
    send_bytes(&arrival, V1, strlen(V1));
    assert_taken(&arrival);
    finish(&arrival);
}

static void closed_early_it_says_nothing(void **state)
{
    struct arrival arrival = {0};

    begin(&arrival, *state);
    send_bytes(&arrival, V1, strlen(V1));
    m4h_proxy_reader_close(arrival.reader);
    arrival.reader = NULL;
    run_for(*state, 5);
    assert_int_equal(arrival.done, 0);
    assert_left(&arrival, V1);
    finish(&arrival);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_taken_and_nothing_behind_it),
        cmocka_unit_test(a_header_may_come_byte_by_byte),
        cmocka_unit_test(bytes_that_are_no_header_are_refused),
        cmocka_unit_test(an_end_inside_a_header_is_refused),
        cmocka_unit_test(an_end_without_a_byte_is_told_apart),
        cmocka_unit_test(one_who_stops_inside_a_header_costs_nothing),
        cmocka_unit_test(it_may_be_closed_in_its_own_callback),
        cmocka_unit_test(closed_early_it_says_nothing),
    };

    return cmocka_run_group_tests_name("net: proxy reader", tests, stage_begin, stage_end);
}
