/* Watches that the kernel cannot take for a while: they are not deaf for ever. */
#include "lib/net/watch.h"
#include "tests/unit/net_stage.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static bool refuses;

int __real_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    if (refuses && operation != EPOLL_CTL_DEL) {
        errno = ENOSPC;
        return -1;
    }
    return __real_epoll_ctl(epoll_fd, operation, fd, event);
}

static void count(void *context, unsigned events)
{
    (void)events;
    ++*(unsigned *)context;
}

static bool is_told(void *context)
{
    return *(unsigned *)context > 0;
}

static void what_the_kernel_would_not_take_it_is_asked_for_again(void **state)
{
    struct m4h_watch *watch;
    unsigned told = 0;
    int fds[2];

    local_pair(fds, false);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(m4h_watch_start(&watch, *state, fds[0], 0, count, &told), 0);
    refuses = true;
    m4h_watch_set(watch, M4H_WATCH_READ);
    run_for(*state, 150);
    assert_int_equal(told, 0);
    refuses = false;
    run_until(*state, is_told, &told);
    m4h_watch_close(watch);
    close(fds[0]);
    close(fds[1]);
}

static void one_that_is_closed_meanwhile_is_not_asked_for(void **state)
{
    struct m4h_watch *first, *second;
    unsigned told = 0;
    int fds[2];

    local_pair(fds, false);
    assert_int_equal(m4h_watch_start(&first, *state, fds[0], 0, count, &told), 0);
    assert_int_equal(m4h_watch_start(&second, *state, fds[1], 0, count, &told), 0);
    refuses = true;
    m4h_watch_set(first, M4H_WATCH_WRITE);
    m4h_watch_set(second, M4H_WATCH_WRITE);
    m4h_watch_close(first);
    m4h_watch_set(second, 0);
    refuses = false;
    run_for(*state, 150);
    assert_int_equal(told, 0);
    m4h_watch_close(second);
    close(fds[0]);
    close(fds[1]);
}

static void a_watch_that_cannot_begin_is_an_error(void **state)
{
    struct m4h_watch *watch;
    unsigned told = 0;
    int fds[2];

    local_pair(fds, false);
    refuses = true;
    assert_int_not_equal(m4h_watch_start(&watch, *state, fds[0], M4H_WATCH_READ, count, &told), 0);
    refuses = false;
    assert_null(watch);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_would_not_take_it_is_asked_for_again),
        cmocka_unit_test(one_that_is_closed_meanwhile_is_not_asked_for),
        cmocka_unit_test(a_watch_that_cannot_begin_is_an_error),
    };

    return cmocka_run_group_tests_name("net: unheard watches", tests, stage_begin, stage_end);
}
