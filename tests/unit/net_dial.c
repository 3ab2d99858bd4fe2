/* Connections that begin here: who takes them, who does not, and what is left of those
 * that nobody wants any more. */
#include "lib/net/dial.h"

#include "lib/base/error.h"
#include "lib/net/listener.h"
#include "lib/net/socket.h"
#include "tests/unit/net_stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct call {
    struct m4h_dial *dial;
    unsigned done;
    int fd, error;
    bool close_when_done;
};

static void on_done(void *context, int fd, int error)
{
    struct call *call = context;

    call->done++;
    call->fd = fd;
    call->error = error;
    if (call->close_when_done) {
        m4h_dial_close(call->dial);
        call->dial = NULL;
    }
}

static bool is_done(void *context)
{
    return ((struct call *)context)->done > 0;
}

static void dial(struct call *call, struct m4h_loop *loop, const char *host, uint16_t port)
{
    assert_int_equal(m4h_dial_start(&call->dial, loop, host, port, on_done, call), 0);
    assert_int_equal(call->done, 0);
}

static int listen_on(const char *host, uint16_t *port)
{
    struct m4h_address address = {.port = *port};
    int fd;

    snprintf(address.host, sizeof(address.host), "%s", host);
    assert_int_equal(m4h_socket_listen(&address, false, 8, &fd, port), 0);
    return fd;
}

static void expect_connected(struct call *call)
{
    assert_int_equal(call->done, 1);
    assert_int_equal(call->error, 0);
    assert_true(fcntl(call->fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(call->fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(call->fd, "x", 1), 1);
    close(call->fd);
    m4h_dial_close(call->dial);
}

static void an_address_that_listens_is_connected(void **state)
{
    struct m4h_loop *loop = *state;
    struct call call = {0};
    uint16_t port = 0;
    int fd = listen_on("127.0.0.1", &port);

    dial(&call, loop, "127.0.0.1", port);
    run_until(loop, is_done, &call);
    expect_connected(&call);
    close(fd);
}

static void a_name_is_looked_up_and_each_of_its_addresses_tried(void **state)
{
    struct m4h_loop *loop = *state;
    struct call call = {0};
    uint16_t port = 0;
    int fd = listen_on("127.0.0.1", &port); /* localhost may be ::1 first */

    dial(&call, loop, "localhost", port);
    run_until(loop, is_done, &call);
    expect_connected(&call);
    close(fd);
}

static void where_nobody_listens_it_is_told_why(void **state)
{
    struct m4h_loop *loop = *state;
    struct call call = {.close_when_done = true};
    uint16_t port = 0;
    int fd = listen_on("127.0.0.1", &port);

    close(fd);
    dial(&call, loop, "127.0.0.1", port);
    run_until(loop, is_done, &call);
    assert_int_equal(call.fd, -1);
    assert_int_equal(call.error, M4H_EUNAVAILABLE);
    run_for(loop, 10);
    assert_int_equal(call.done, 1);
}

static void a_name_that_does_not_exist_is_not_found(void **state)
{
    struct m4h_loop *loop = *state;
    struct call call = {0};

    dial(&call, loop, "nobody.invalid", 22);
    run_until(loop, is_done, &call);
    assert_int_equal(call.fd, -1);
    assert_int_equal(call.error, M4H_ENOTFOUND);
    m4h_dial_close(call.dial);
}

/* Its backlog is full: the kernel drops what comes, and nobody answers. */
static void one_that_does_not_answer_can_be_left(void **state)
{
    struct m4h_loop *loop = *state;
    struct call filler[4] = {{0}}, call = {0};
    uint16_t port = 0;
    int fd = listen_on("127.0.0.1", &port);

    assert_int_equal(listen(fd, 0), 0);
    for (int i = 0; i < 4; i++)
        dial(&filler[i], loop, "127.0.0.1", port);
    run_for(loop, 50);
    dial(&call, loop, "127.0.0.1", port);
    run_for(loop, 50);
    assert_int_equal(call.done, 0);
    m4h_dial_close(call.dial);
    for (int i = 0; i < 4; i++) {
        if (filler[i].done > 0 && filler[i].error == 0)
            close(filler[i].fd);
        m4h_dial_close(filler[i].dial);
    }
    close(fd);
}

/* The loop may end at once: the thread that looks the name up belongs to nobody. */
static void one_that_is_still_looked_up_can_be_left(void **state)
{
    struct m4h_loop *loop = *state;
    struct call call = {0};

    for (int i = 0; i < 20; i++) {
        dial(&call, loop, "localhost", 22);
        if (i % 2 == 0)
            run_for(loop, 1);
        if (call.done > 0 && call.error == 0)
            close(call.fd);
        m4h_dial_close(call.dial);
        call.done = 0;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_begin, stage_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_that_listens_is_connected),
        TEST(a_name_is_looked_up_and_each_of_its_addresses_tried),
        TEST(where_nobody_listens_it_is_told_why),
        TEST(a_name_that_does_not_exist_is_not_found),
        TEST(one_that_does_not_answer_can_be_left),
        TEST(one_that_is_still_looked_up_can_be_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
