/* What libssh sees of its socket: here the test calls recv, send and poll in its
 * place, and they are the program's own. */
#include "lib/ssh/stream.h"
#include "tests/unit/net_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIBRARY_READ_BYTES 4096

struct pair {
    int ours, peer;
    struct m4h_ssh_stream stream;
};

static struct m4h_ssh_read_ahead read_ahead;

static void open_pair(struct pair *pair, bool small)
{
    int fds[2];

    local_pair(fds, small);
    pair->ours = fds[0];
    pair->peer = fds[1];
    assert_int_equal(fcntl(pair->ours, F_SETFL, O_NONBLOCK), 0);
    m4h_ssh_stream_begin(&pair->stream, &read_ahead, pair->ours);
}

static void close_pair(struct pair *pair)
{
    m4h_ssh_stream_drop(&pair->stream);
    close(pair->ours);
    if (pair->peer >= 0)
        close(pair->peer);
}

static void peer_sends(struct pair *pair, const char *text)
{
    assert_int_equal(write(pair->peer, text, strlen(text)), strlen(text));
    m4h_ssh_stream_is_readable(&pair->stream);
}

/* As libssh asks: 0, POLLIN, POLLOUT or both. */
static int poll_fd(int fd)
{
    struct pollfd fds = {.fd = fd, .events = POLLIN | POLLOUT};

    return poll(&fds, 1, 0) == 0 ? 0 : fds.revents;
}

static int poll_as(struct pair *pair, enum m4h_ssh_stream_mode mode)
{
    m4h_ssh_stream_set_mode(&pair->stream, mode);
    return poll_fd(pair->ours);
}

static void expect_bytes(struct pair *pair, const char *text)
{
    char got[64];

    assert_int_equal(recv(pair->ours, got, strlen(text), 0), strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static int unread(int fd)
{
    int count = -1;

    assert_int_equal(ioctl(fd, FIONREAD, &count), 0);
    return count;
}

/* ---- reading ------------------------------------------------------------------------- */

static void all_that_came_is_read_at_once_and_served_in_small_pieces(void **state)
{
    static char sent[3 * LIBRARY_READ_BYTES + 7], got[LIBRARY_READ_BYTES];
    struct m4h_ssh_stream *before;
    struct pair pair;

    (void)state;
    open_pair(&pair, false);
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(i * 31);
    assert_int_equal(write(pair.peer, sent, sizeof(sent)), sizeof(sent));
    m4h_ssh_stream_is_readable(&pair.stream);
    before = m4h_ssh_stream_enter(&pair.stream);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_READ), POLLIN);
    assert_int_equal(unread(pair.ours), 0);
    for (size_t at = 0; at < sizeof(sent); at += LIBRARY_READ_BYTES) {
        size_t due = sizeof(sent) - at < sizeof(got) ? sizeof(sent) - at : sizeof(got);

        assert_int_equal(poll_fd(pair.ours), POLLIN);
        assert_int_equal(recv(pair.ours, got, sizeof(got), 0), due);
        assert_memory_equal(got, sent + at, due);
    }
    assert_int_equal(poll_fd(pair.ours), 0);
    assert_true(pair.stream.is_hooked);
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

static void no_more_is_read_ahead_than_was_said(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair;

    (void)state;
    open_pair(&pair, false);
    peer_sends(&pair, "0123456789");
    m4h_ssh_stream_set_read_max(&pair.stream, 4);
    before = m4h_ssh_stream_enter(&pair.stream);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_READ), POLLIN);
    assert_int_equal(unread(pair.ours), 6);
    expect_bytes(&pair, "0123");
    m4h_ssh_stream_set_read_max(&pair.stream, SIZE_MAX);
    assert_int_equal(poll_fd(pair.ours), POLLIN);
    assert_int_equal(unread(pair.ours), 0);
    expect_bytes(&pair, "456789");
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

/* A question that is held stops the reading in the middle of what was read ahead. */
static void what_is_left_waits_while_nobody_reads_and_comes_first_then(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair;

    (void)state;
    open_pair(&pair, false);
    peer_sends(&pair, "first second");
    before = m4h_ssh_stream_enter(&pair.stream);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_READ), POLLIN);
    expect_bytes(&pair, "first ");
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_QUIET), 0);
    m4h_ssh_stream_leave(before);
    memset(&read_ahead, 'x', sizeof(read_ahead));
    peer_sends(&pair, " third");
    before = m4h_ssh_stream_enter(&pair.stream);
    assert_int_equal(pair.stream.left, 6);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_READ), POLLIN);
    expect_bytes(&pair, "second");
    assert_int_equal(poll_fd(pair.ours), POLLIN);
    expect_bytes(&pair, " third");
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

static void a_session_that_is_used_within_another_takes_nothing_of_it(void **state)
{
    struct m4h_ssh_stream *before, *between, *again;
    struct pair outer, inner;

    (void)state;
    open_pair(&outer, false);
    open_pair(&inner, false);
    peer_sends(&outer, "outer");
    peer_sends(&inner, "inner");
    before = m4h_ssh_stream_enter(&outer.stream);
    assert_int_equal(poll_as(&outer, M4H_SSH_STREAM_READ), POLLIN);
    expect_bytes(&outer, "ou");
    between = m4h_ssh_stream_enter(&inner.stream);
    assert_ptr_equal(between, &outer.stream);
    assert_int_equal(poll_as(&inner, M4H_SSH_STREAM_READ), POLLIN);
    expect_bytes(&inner, "in");
    again = m4h_ssh_stream_enter(&inner.stream);
    m4h_ssh_stream_leave(again);
    expect_bytes(&inner, "ner");
    m4h_ssh_stream_leave(between);
    expect_bytes(&outer, "ter");
    m4h_ssh_stream_leave(before);
    close_pair(&outer);
    close_pair(&inner);
}

static void the_end_is_told_after_all_bytes(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair;
    char got[8];

    (void)state;
    open_pair(&pair, false);
    peer_sends(&pair, "last");
    close(pair.peer);
    pair.peer = -1;
    before = m4h_ssh_stream_enter(&pair.stream);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_READ), POLLIN);
    expect_bytes(&pair, "last");
    assert_false(m4h_ssh_stream_has_failed(&pair.stream));
    assert_int_equal(poll_fd(pair.ours), 0); /* the loop tells of the end anew */
    m4h_ssh_stream_is_readable(&pair.stream);
    assert_int_equal(poll_fd(pair.ours), POLLIN);
    assert_int_equal(recv(pair.ours, got, sizeof(got), 0), 0);
    assert_true(m4h_ssh_stream_has_failed(&pair.stream));
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

static void an_error_is_told_as_it_was(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair;
    int fds[2];
    char got[8];

    (void)state;
    tcp_pair(fds);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    m4h_ssh_stream_begin(&pair.stream, &read_ahead, fds[0]);
    pair.ours = fds[0];
    pair.peer = -1;
    reset_connection(fds[1]);
    m4h_ssh_stream_is_readable(&pair.stream);
    before = m4h_ssh_stream_enter(&pair.stream);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_READ), POLLIN);
    errno = 0;
    assert_int_equal(recv(pair.ours, got, sizeof(got), 0), -1);
    assert_int_equal(errno, ECONNRESET);
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

/* libssh would end a session over the EAGAIN of a wrong promise. */
static void a_socket_that_has_nothing_after_all_is_not_called_readable(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair;

    (void)state;
    open_pair(&pair, false);
    m4h_ssh_stream_is_readable(&pair.stream);
    before = m4h_ssh_stream_enter(&pair.stream);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_READ), 0);
    assert_false(m4h_ssh_stream_has_failed(&pair.stream));
    peer_sends(&pair, "late");
    assert_int_equal(poll_fd(pair.ours), POLLIN);
    expect_bytes(&pair, "late");
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

/* ---- sending -------------------------------------------------------------------------- */

static void only_a_flush_may_write(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair;

    (void)state;
    open_pair(&pair, false);
    before = m4h_ssh_stream_enter(&pair.stream);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_READ), 0);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_QUIET), 0);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_FLUSH), POLLOUT);
    assert_int_equal(send(pair.ours, "abc", 3, MSG_NOSIGNAL), 3);
    assert_int_equal(unread(pair.peer), 3);
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

static void a_full_socket_takes_less_then_nothing_and_is_never_an_error(void **state)
{
    static char much[1024 * 1024];
    struct m4h_ssh_stream *before;
    struct pair pair;
    ssize_t taken;
    int got = 0;

    (void)state;
    open_pair(&pair, true);
    before = m4h_ssh_stream_enter(&pair.stream);
    taken = send(pair.ours, much, sizeof(much), MSG_NOSIGNAL);
    assert_true(taken > 0 && taken < (ssize_t)sizeof(much));
    assert_int_equal(send(pair.ours, much, sizeof(much), MSG_NOSIGNAL), 0);
    assert_int_equal(poll_as(&pair, M4H_SSH_STREAM_FLUSH), 0);
    while (got < (int)taken)
        got += (int)read(pair.peer, much, sizeof(much));
    assert_int_equal(poll_fd(pair.ours), 0); /* until the loop says so */
    m4h_ssh_stream_is_writable(&pair.stream);
    assert_int_equal(poll_fd(pair.ours), POLLOUT);
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

static void a_write_that_breaks_is_an_error(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair;

    (void)state;
    open_pair(&pair, false);
    close(pair.peer);
    pair.peer = -1;
    before = m4h_ssh_stream_enter(&pair.stream);
    errno = 0;
    assert_int_equal(send(pair.ours, "abc", 3, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    assert_true(m4h_ssh_stream_has_failed(&pair.stream));
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

/* ---- everything else -------------------------------------------------------------------- */

static void expect_passed_on(struct pair *pair)
{
    char got[8];

    assert_int_equal(poll_fd(pair->ours), POLLOUT);
    errno = 0;
    assert_int_equal(recv(pair->ours, got, sizeof(got), 0), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(send(pair->ours, "abc", 3, MSG_NOSIGNAL), 3);
    assert_int_equal(write(pair->peer, "defg", 4), 4);
    assert_int_equal(poll_fd(pair->ours), POLLIN | POLLOUT);
    assert_int_equal(recv(pair->ours, got, sizeof(got), 0), 4);
    assert_false(pair->stream.is_hooked);
}

static void other_sockets_are_the_kernels(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair, other;

    (void)state;
    open_pair(&pair, false);
    open_pair(&other, false);
    expect_passed_on(&pair); /* nothing is entered */
    before = m4h_ssh_stream_enter(&pair.stream);
    expect_passed_on(&other);
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
    close_pair(&other);
}

/* libssh has closed it: the number may be somebody else's by now. */
static void a_dropped_stream_touches_its_socket_no_more(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair;

    (void)state;
    open_pair(&pair, false);
    before = m4h_ssh_stream_enter(&pair.stream);
    m4h_ssh_stream_drop(&pair.stream);
    expect_passed_on(&pair);
    m4h_ssh_stream_drop(&pair.stream);
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

static void *use_it_from_elsewhere(void *context)
{
    expect_passed_on(context);
    return NULL;
}

static void other_threads_are_the_kernels(void **state)
{
    struct m4h_ssh_stream *before;
    struct pair pair;
    pthread_t thread;

    (void)state;
    open_pair(&pair, false);
    before = m4h_ssh_stream_enter(&pair.stream);
    assert_int_equal(pthread_create(&thread, NULL, use_it_from_elsewhere, &pair), 0);
    pthread_join(thread, NULL);
    m4h_ssh_stream_leave(before);
    close_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_came_is_read_at_once_and_served_in_small_pieces),
        cmocka_unit_test(no_more_is_read_ahead_than_was_said),
        cmocka_unit_test(what_is_left_waits_while_nobody_reads_and_comes_first_then),
        cmocka_unit_test(a_session_that_is_used_within_another_takes_nothing_of_it),
        cmocka_unit_test(the_end_is_told_after_all_bytes),
        cmocka_unit_test(an_error_is_told_as_it_was),
        cmocka_unit_test(a_socket_that_has_nothing_after_all_is_not_called_readable),
        cmocka_unit_test(only_a_flush_may_write),
        cmocka_unit_test(a_full_socket_takes_less_then_nothing_and_is_never_an_error),
        cmocka_unit_test(a_write_that_breaks_is_an_error),
        cmocka_unit_test(other_sockets_are_the_kernels),
        cmocka_unit_test(a_dropped_stream_touches_its_socket_no_more),
        cmocka_unit_test(other_threads_are_the_kernels),
    };

    return cmocka_run_group_tests_name("ssh: stream", tests, NULL, NULL);
}
