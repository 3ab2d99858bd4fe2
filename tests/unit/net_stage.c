/* Loops and sockets for the tests of lib/net. */
#include "tests/unit/net_stage.h"

#include "lib/net/socket.h"
#include "lib/net/timer.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 60000u
#define SMALL_BYTES 4096

int stage_begin(void **state)
{
    struct m4h_loop *loop;
    int error = m4h_loop_create(&loop);

    *state = loop;
    return error;
}

int stage_end(void **state)
{
    m4h_loop_destroy(*state);
    return 0;
}

struct waiting {
    struct m4h_loop *loop;
    bool (*is_done)(void *context);
    void *context;
    uint64_t until_ms;
};

static void on_poll(void *context)
{
    struct waiting *waiting = context;

    if (waiting->is_done != NULL && waiting->is_done(waiting->context))
        m4h_loop_stop(waiting->loop);
    else if (m4h_loop_now_ms(waiting->loop) >= waiting->until_ms)
        m4h_loop_stop(waiting->loop);
}

static void run(struct waiting *waiting, uint64_t ms)
{
    struct m4h_timer *timer;

    assert_int_equal(m4h_timer_create(&timer, waiting->loop, on_poll, waiting), 0);
    m4h_timer_start(timer, 0, 1);
    waiting->until_ms = m4h_loop_now_ms(waiting->loop) + ms;
    m4h_loop_run(waiting->loop);
    m4h_timer_close(timer);
}

void run_until(struct m4h_loop *loop, bool (*is_done)(void *context), void *context)
{
    struct waiting waiting = {.loop = loop, .is_done = is_done, .context = context};

    run(&waiting, DEADLINE_MS);
    assert_true(is_done(context));
}

void run_for(struct m4h_loop *loop, uint64_t ms)
{
    struct waiting waiting = {.loop = loop};

    run(&waiting, ms);
}

void tcp_pair(int fds[2])
{
    const struct m4h_address loopback = {.host = "127.0.0.1"};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint16_t port;
    int listening;

    assert_int_equal(m4h_socket_listen(&loopback, false, 1, &listening, &port), 0);
    at.sin_port = htons(port);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fds[0] >= 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&at, sizeof(at)), 0);
    fds[1] = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fds[1] >= 0);
    close(listening);
}

void local_pair(int fds[2], bool small)
{
    int bytes = SMALL_BYTES;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    for (int i = 0; small && i < 2; i++)
        assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

void reset_connection(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
}
