/* An operator's connection: reading on demand, keeping what the kernel does not
 * take, ends and breaks on either side. */
#include "lib/base/error.h"
#include "lib/net/connection.h"
#include "tests/unit/net_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEP_MAX (1024u * 1024u)
#define BULK     (600u * 1024u)

/* A connection under test at one end, a plain socket at the other. */
struct ends {
    struct m4h_connection *connection;
    int peer;
    size_t read_size; /* of one read in on_readable; 0: does not read */
    unsigned readable, drained;
    bool close_when_readable, close_when_drained;
    size_t got; /* bytes that were read, each as `pattern` says */
    int end;    /* the error that ended reading; 0: none yet */
    size_t peer_got;
    bool peer_ended;
};

/* The n-th byte of every stream here. */
static uint8_t pattern(size_t n)
{
    return (uint8_t)(n * 31 + n / 251);
}

static uint8_t bulk[BULK];

static void fill_bulk(void)
{
    for (size_t i = 0; i < BULK; i++)
        bulk[i] = pattern(i);
}

static void expect_pattern(const uint8_t *data, size_t from, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != pattern(from + i))
            fail_msg("byte %zu is not what was sent", from + i);
    }
}

static void on_readable(void *context)
{
    struct ends *ends = context;
    uint8_t data[65536];
    size_t len;
    int error;

    ends->readable++;
    if (ends->close_when_readable) {
        m4h_connection_close(ends->connection);
        return;
    }
    if (ends->read_size == 0)
        return;
    error = m4h_connection_read(ends->connection, data, ends->read_size, &len);
    expect_pattern(data, ends->got, len);
    ends->got += len;
    if (error != 0 && error != M4H_EAGAIN) {
        ends->end = error;
        ends->read_size = 0;
        m4h_connection_want_read(ends->connection, false);
    }
}

static void on_drained(void *context)
{
    struct ends *ends = context;

    ends->drained++;
    if (ends->close_when_drained)
        m4h_connection_close(ends->connection);
}

static const struct m4h_connection_handler handler = {on_readable, on_drained};

static void start(struct m4h_loop *loop, struct ends *ends, int fds[2])
{
    ends->peer = fds[1];
    assert_int_equal(fcntl(ends->peer, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(
        m4h_connection_start(&ends->connection, loop, fds[0], KEEP_MAX, &handler, ends), 0);
}

static void start_local(struct m4h_loop *loop, struct ends *ends)
{
    int fds[2];

    local_pair(fds, true);
    start(loop, ends, fds);
}

static void end(struct ends *ends)
{
    m4h_connection_close(ends->connection);
    close(ends->peer);
}

/* Reads at the plain end what is there now. */
static void peer_reads(struct ends *ends)
{
    uint8_t data[3000];
    ssize_t n;

    while ((n = read(ends->peer, data, sizeof(data))) > 0) {
        expect_pattern(data, ends->peer_got, (size_t)n);
        ends->peer_got += (size_t)n;
    }
    ends->peer_ended = ends->peer_ended || n == 0;
}

static bool peer_has_all(void *context)
{
    struct ends *ends = context;

    peer_reads(ends);
    return ends->peer_got == BULK;
}

static bool peer_has_the_end(void *context)
{
    struct ends *ends = context;

    peer_reads(ends);
    return ends->peer_ended;
}

static bool is_drained(void *context)
{
    struct ends *ends = context;

    peer_reads(ends);
    return ends->drained > 0;
}

static bool is_told(void *context)
{
    return ((struct ends *)context)->readable > 0;
}

static bool reading_has_ended(void *context)
{
    return ((struct ends *)context)->end != 0;
}

static bool all_is_got(void *context)
{
    return ((struct ends *)context)->got == BULK;
}

/* ---- reading ---------------------------------------------------------------------- */

static void it_reads_only_while_that_is_wanted(void **state)
{
    struct ends ends = {.read_size = 10};

    start_local(*state, &ends);
    assert_int_equal(write(ends.peer, bulk, 100), 100);
    run_for(*state, 10);
    assert_int_equal(ends.readable, 0);
    m4h_connection_want_read(ends.connection, true);
    run_until(*state, is_told, &ends);
    m4h_connection_want_read(ends.connection, false);
    ends.readable = 0;
    run_for(*state, 10);
    assert_int_equal(ends.readable, 0);
    end(&ends);
}

static void nothing_to_read_is_not_an_end(void **state)
{
    struct ends ends = {0};
    uint8_t byte;
    size_t len;

    start_local(*state, &ends);
    assert_int_equal(m4h_connection_read(ends.connection, &byte, 1, &len), M4H_EAGAIN);
    assert_int_equal(len, 0);
    end(&ends);
}

static void the_peers_end_comes_after_its_bytes(void **state)
{
    struct ends ends = {.read_size = 7};

    start_local(*state, &ends);
    assert_int_equal(write(ends.peer, bulk, 100), 100);
    assert_int_equal(shutdown(ends.peer, SHUT_WR), 0);
    m4h_connection_want_read(ends.connection, true);
    run_until(*state, reading_has_ended, &ends);
    assert_int_equal(ends.got, 100);
    assert_int_equal(ends.end, M4H_ECLOSED);
    /* The other direction still works. */
    assert_int_equal(m4h_connection_write(ends.connection, bulk, 50), 0);
    m4h_connection_finish(ends.connection);
    run_until(*state, peer_has_the_end, &ends);
    assert_int_equal(ends.peer_got, 50);
    end(&ends);
}

/* What came before a reset may be more than one read takes. */
static void a_reset_comes_after_the_bytes_that_came_before_it(void **state)
{
    struct ends ends = {.read_size = 1000};
    int fds[2];

    tcp_pair(fds);
    start(*state, &ends, fds);
    assert_int_equal(write(ends.peer, bulk, 20000), 20000);
    reset_connection(ends.peer);
    m4h_connection_want_read(ends.connection, true);
    run_until(*state, reading_has_ended, &ends);
    assert_int_equal(ends.end, M4H_EIO);
    assert_int_equal(ends.got, 20000);
    m4h_connection_close(ends.connection);
}

static void it_may_be_closed_when_it_is_readable(void **state)
{
    struct ends ends = {.close_when_readable = true};

    start_local(*state, &ends);
    assert_int_equal(write(ends.peer, bulk, 100), 100);
    m4h_connection_want_read(ends.connection, true);
    run_until(*state, is_told, &ends);
    run_for(*state, 10);
    assert_int_equal(ends.readable, 1);
    close(ends.peer);
}

/* ---- writing ---------------------------------------------------------------------- */

static void what_the_kernel_takes_is_not_kept(void **state)
{
    struct ends ends = {0};

    start_local(*state, &ends);
    assert_int_equal(m4h_connection_write(ends.connection, bulk, 100), 0);
    assert_int_equal(m4h_connection_kept(ends.connection), 0);
    peer_reads(&ends);
    assert_int_equal(ends.peer_got, 100);
    run_for(*state, 10);
    assert_int_equal(ends.drained, 0);
    end(&ends);
}

static void what_the_kernel_does_not_take_is_kept_and_drained_in_order(void **state)
{
    struct ends ends = {0};

    start_local(*state, &ends);
    for (size_t at = 0; at < BULK; at += 50 * 1024)
        assert_int_equal(m4h_connection_write(ends.connection, bulk + at, 50 * 1024), 0);
    assert_true(m4h_connection_kept(ends.connection) > BULK / 2);
    run_until(*state, peer_has_all, &ends);
    run_until(*state, is_drained, &ends);
    assert_int_equal(ends.drained, 1);
    assert_int_equal(m4h_connection_kept(ends.connection), 0);
    end(&ends);
}

/* Between two writes a part of what is kept goes out. */
static void writes_and_partial_drains_do_not_disturb_the_order(void **state)
{
    struct ends ends = {0};

    start_local(*state, &ends);
    for (size_t at = 0; at < BULK; at += 10 * 1024) {
        assert_int_equal(m4h_connection_write(ends.connection, bulk + at, 10 * 1024), 0);
        if (at % (30 * 1024) == 0) {
            peer_reads(&ends);
            run_for(*state, 0);
        }
    }
    run_until(*state, peer_has_all, &ends);
    end(&ends);
}

static void beyond_its_limit_it_takes_nothing(void **state)
{
    struct ends ends = {0};
    size_t kept;

    start_local(*state, &ends);
    while (m4h_connection_kept(ends.connection) + BULK <= KEEP_MAX)
        assert_int_equal(m4h_connection_write(ends.connection, bulk, BULK), 0);
    kept = m4h_connection_kept(ends.connection);
    assert_int_equal(m4h_connection_write(ends.connection, bulk, KEEP_MAX - kept + 1), M4H_ETOOBIG);
    assert_int_equal(m4h_connection_kept(ends.connection), kept);
    assert_int_equal(m4h_connection_write(ends.connection, bulk, KEEP_MAX - kept), 0);
    assert_int_equal(m4h_connection_kept(ends.connection), KEEP_MAX);
    end(&ends);
}

static void the_end_is_told_after_what_is_kept(void **state)
{
    struct ends ends = {0};

    start_local(*state, &ends);
    assert_int_equal(m4h_connection_write(ends.connection, bulk, BULK), 0);
    assert_true(m4h_connection_kept(ends.connection) > 0);
    m4h_connection_finish(ends.connection);
    run_until(*state, peer_has_the_end, &ends);
    assert_int_equal(ends.peer_got, BULK);
    end(&ends);
}

static void after_its_own_end_it_still_reads(void **state)
{
    struct ends ends = {.read_size = 5000};
    size_t sent = 0;

    start_local(*state, &ends);
    m4h_connection_finish(ends.connection);
    run_until(*state, peer_has_the_end, &ends);
    m4h_connection_want_read(ends.connection, true);
    while (sent < BULK) {
        ssize_t n = write(ends.peer, bulk + sent, BULK - sent);

        if (n > 0)
            sent += (size_t)n;
        else
            run_for(*state, 0);
    }
    run_until(*state, all_is_got, &ends);
    end(&ends);
}

static void it_may_be_closed_when_it_is_drained(void **state)
{
    struct ends ends = {.close_when_drained = true};

    start_local(*state, &ends);
    assert_int_equal(m4h_connection_write(ends.connection, bulk, BULK), 0);
    run_until(*state, peer_has_the_end, &ends);
    assert_int_equal(ends.peer_got, BULK);
    assert_int_equal(ends.drained, 1);
    close(ends.peer);
}

static void what_is_kept_is_lost_when_it_is_closed(void **state)
{
    struct ends ends = {0};

    start_local(*state, &ends);
    assert_int_equal(m4h_connection_write(ends.connection, bulk, BULK), 0);
    m4h_connection_close(ends.connection);
    run_until(*state, peer_has_the_end, &ends);
    assert_true(ends.peer_got < BULK);
    close(ends.peer);
}

/* ---- breaks ----------------------------------------------------------------------- */

/* Reading was not wanted, and yet the owner must learn of it. */
static void a_write_to_a_peer_that_is_gone_is_told_by_the_next_read(void **state)
{
    struct ends ends = {.read_size = 100};

    start_local(*state, &ends);
    close(ends.peer);
    assert_false(m4h_connection_is_broken(ends.connection));
    assert_int_equal(m4h_connection_write(ends.connection, bulk, 100), 0);
    assert_true(m4h_connection_is_broken(ends.connection));
    assert_int_equal(m4h_connection_kept(ends.connection), 0);
    run_until(*state, reading_has_ended, &ends);
    assert_int_equal(ends.end, M4H_EIO);
    assert_int_equal(m4h_connection_write(ends.connection, bulk, 100), 0);
    assert_int_equal(m4h_connection_kept(ends.connection), 0);
    m4h_connection_close(ends.connection);
}

static void a_peer_that_goes_while_something_is_kept_breaks_it(void **state)
{
    struct ends ends = {.read_size = 100};

    start_local(*state, &ends);
    assert_int_equal(m4h_connection_write(ends.connection, bulk, BULK), 0);
    assert_true(m4h_connection_kept(ends.connection) > 0);
    close(ends.peer);
    run_until(*state, reading_has_ended, &ends);
    assert_true(m4h_connection_is_broken(ends.connection));
    assert_int_equal(m4h_connection_kept(ends.connection), 0);
    assert_int_equal(ends.drained, 1);
    m4h_connection_close(ends.connection);
}

static bool is_readable(void *context)
{
    return ((struct ends *)context)->readable > 0;
}

static void that_the_peer_takes_nothing_either_is_told_to_who_reads_no_more(void **state)
{
    struct ends ends = {.read_size = 100};
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    start(*state, &ends, fds);
    m4h_connection_want_read(ends.connection, true);
    shutdown(ends.peer, SHUT_WR);
    run_until(*state, reading_has_ended, &ends);
    assert_int_equal(ends.end, M4H_ECLOSED);
    ends.readable = 0;
    ends.close_when_readable = true;
    m4h_connection_want_hangup(ends.connection);
    run_for(*state, 50);
    assert_int_equal(ends.readable, 0); /* it still takes what is sent */
    close(ends.peer);
    run_until(*state, is_readable, &ends);
    assert_int_equal(ends.readable, 1);
}

static void it_may_be_closed_when_a_break_drains_it(void **state)
{
    struct ends ends = {.close_when_drained = true};
    int fds[2];

    tcp_pair(fds);
    start(*state, &ends, fds);
    while (m4h_connection_kept(ends.connection) == 0)
        assert_int_equal(m4h_connection_write(ends.connection, bulk, BULK), 0);
    reset_connection(ends.peer);
    for (int i = 0; i < 1000 && ends.drained == 0; i++)
        run_for(*state, 1);
    assert_int_equal(ends.drained, 1);
    assert_int_equal(ends.readable, 0);
}

/* ---- the beginning ---------------------------------------------------------------- */

static void a_descriptor_that_cannot_be_watched_is_closed(void **state)
{
    struct ends ends = {0};
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    assert_int_equal(m4h_connection_start(&ends.connection, *state, fd, KEEP_MAX, &handler, &ends),
                     M4H_ESYSTEM);
    assert_null(ends.connection);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
    m4h_connection_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_only_while_that_is_wanted),
        cmocka_unit_test(nothing_to_read_is_not_an_end),
        cmocka_unit_test(the_peers_end_comes_after_its_bytes),
        cmocka_unit_test(a_reset_comes_after_the_bytes_that_came_before_it),
        cmocka_unit_test(it_may_be_closed_when_it_is_readable),
        cmocka_unit_test(what_the_kernel_takes_is_not_kept),
        cmocka_unit_test(what_the_kernel_does_not_take_is_kept_and_drained_in_order),
        cmocka_unit_test(writes_and_partial_drains_do_not_disturb_the_order),
        cmocka_unit_test(beyond_its_limit_it_takes_nothing),
        cmocka_unit_test(the_end_is_told_after_what_is_kept),
        cmocka_unit_test(after_its_own_end_it_still_reads),
        cmocka_unit_test(it_may_be_closed_when_it_is_drained),
        cmocka_unit_test(what_is_kept_is_lost_when_it_is_closed),
        cmocka_unit_test(a_write_to_a_peer_that_is_gone_is_told_by_the_next_read),
        cmocka_unit_test(a_peer_that_goes_while_something_is_kept_breaks_it),
        cmocka_unit_test(that_the_peer_takes_nothing_either_is_told_to_who_reads_no_more),
        cmocka_unit_test(it_may_be_closed_when_a_break_drains_it),
        cmocka_unit_test(a_descriptor_that_cannot_be_watched_is_closed),
    };

    fill_bulk();
    return cmocka_run_group_tests_name("net: connection", tests, stage_begin, stage_end);
}
