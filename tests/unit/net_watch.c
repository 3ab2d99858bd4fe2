/* Watching a descriptor: what is told, how often, and how it ends. */
#include "lib/base/error.h"
#include "lib/net/watch.h"
#include "tests/unit/net_stage.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct sight {
    struct m4h_watch *watch;
    unsigned told;
    unsigned events; /* of the last time */
    bool close_at_once;
};

static void on_event(void *context, unsigned events)
{
    struct sight *sight = context;

    sight->told++;
    sight->events = events;
    if (sight->close_at_once) {
        m4h_watch_close(sight->watch);
        sight->watch = NULL;
    }
}

static void watch(struct m4h_loop *loop, struct sight *sight, int fd, unsigned events)
{
    assert_int_equal(m4h_watch_start(&sight->watch, loop, fd, events, on_event, sight), 0);
}

static void put_byte(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static bool is_told(void *context)
{
    return ((struct sight *)context)->told > 0;
}

static bool is_told_three_times(void *context)
{
    return ((struct sight *)context)->told >= 3;
}

static void readable_is_told_until_it_is_read(void **state)
{
    struct sight sight = {0};
    unsigned told;
    int fds[2];
    char byte;

    local_pair(fds, false);
    watch(*state, &sight, fds[0], M4H_WATCH_READ);
    run_for(*state, 10);
    assert_int_equal(sight.told, 0);
    put_byte(fds[1]);
    run_until(*state, is_told_three_times, &sight);
    assert_int_equal(sight.events, M4H_WATCH_READ);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    told = sight.told;
    run_for(*state, 10);
    assert_int_equal(sight.told, told);
    m4h_watch_close(sight.watch);
    close(fds[0]);
    close(fds[1]);
}

static void only_what_is_asked_for_is_told(void **state)
{
    static const unsigned cases[] = {M4H_WATCH_READ, M4H_WATCH_WRITE,
                                     M4H_WATCH_READ | M4H_WATCH_WRITE};
    struct sight sight = {0};
    int fds[2];

    local_pair(fds, false);
    put_byte(fds[1]);
    watch(*state, &sight, fds[0], 0);
    run_for(*state, 10);
    assert_int_equal(sight.told, 0);
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        m4h_watch_set(sight.watch, cases[i]);
        sight.told = 0;
        run_until(*state, is_told, &sight);
        assert_int_equal(sight.events, cases[i]);
    }
    m4h_watch_set(sight.watch, 0);
    sight.told = 0;
    run_for(*state, 10);
    assert_int_equal(sight.told, 0);
    m4h_watch_close(sight.watch);
    close(fds[0]);
    close(fds[1]);
}

static void the_descriptor_is_made_non_blocking(void **state)
{
    struct sight sight = {0};
    int fds[2];

    local_pair(fds, false);
    watch(*state, &sight, fds[0], 0);
    assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    m4h_watch_close(sight.watch);
    close(fds[0]);
    close(fds[1]);
}

/* A peer that is gone for good is told by the kernel again and again, asked or not. */
static void an_end_that_nobody_asked_for_does_not_keep_the_loop_busy(void **state)
{
    struct sight sight = {0};
    int fds[2];
    clock_t before;

    local_pair(fds, false);
    watch(*state, &sight, fds[0], 0);
    close(fds[1]);
    before = clock();
    run_for(*state, 200);
    assert_true(clock() - before < CLOCKS_PER_SEC / 10);
    assert_int_equal(sight.told, 0);
    m4h_watch_set(sight.watch, M4H_WATCH_READ);
    run_until(*state, is_told, &sight);
    m4h_watch_close(sight.watch);
    close(fds[0]);
}

struct rival {
    struct sight sight;
    struct rival *other;
};

static void close_the_other(void *context, unsigned events)
{
    struct rival *rival = context;

    (void)events;
    rival->sight.told++;
    m4h_watch_close(rival->other->sight.watch);
    rival->other->sight.watch = NULL;
}

/* Both are told in one go: the second must not be called once the first has closed it. */
static void a_watch_may_be_closed_while_its_event_is_on_the_way(void **state)
{
    struct rival a = {0}, b = {.other = &a};
    int first[2], second[2];

    a.other = &b;
    local_pair(first, false);
    local_pair(second, false);
    put_byte(first[1]);
    put_byte(second[1]);
    assert_int_equal(
        m4h_watch_start(&a.sight.watch, *state, first[0], M4H_WATCH_READ, close_the_other, &a), 0);
    assert_int_equal(
        m4h_watch_start(&b.sight.watch, *state, second[0], M4H_WATCH_READ, close_the_other, &b), 0);
    run_for(*state, 10);
    assert_true((a.sight.told == 0) != (b.sight.told == 0));
    m4h_watch_close(a.sight.watch);
    m4h_watch_close(b.sight.watch);
    close(first[0]);
    close(first[1]);
    close(second[0]);
    close(second[1]);
}

static void a_watch_may_be_closed_in_its_own_callback(void **state)
{
    struct sight sight = {.close_at_once = true};
    int fds[2];

    local_pair(fds, false);
    put_byte(fds[1]);
    watch(*state, &sight, fds[0], M4H_WATCH_READ | M4H_WATCH_WRITE);
    run_until(*state, is_told, &sight);
    run_for(*state, 10);
    assert_int_equal(sight.told, 1);
    close(fds[0]);
    close(fds[1]);
}

/* A server that closes and accepts gets the same number again within a turn. */
static void the_number_of_a_closed_descriptor_may_be_watched_again_at_once(void **state)
{
    struct sight old = {0}, new = {0};
    int fds[2], again[2];

    local_pair(fds, false);
    watch(*state, &old, fds[0], M4H_WATCH_READ);
    m4h_watch_close(old.watch);
    close(fds[0]);
    local_pair(again, false);
    assert_int_equal(again[0], fds[0]);
    watch(*state, &new, again[0], M4H_WATCH_READ);
    put_byte(again[1]);
    run_until(*state, is_told, &new);
    assert_int_equal(old.told, 0);
    m4h_watch_close(new.watch);
    close(fds[1]);
    close(again[0]);
    close(again[1]);
}

static void a_hang_up_is_told(void **state)
{
    struct sight sight = {0};
    int fds[2];

    local_pair(fds, false);
    watch(*state, &sight, fds[0], M4H_WATCH_READ);
    close(fds[1]);
    run_until(*state, is_told, &sight);
    assert_true(sight.events & M4H_WATCH_READ);
    m4h_watch_close(sight.watch);
    close(fds[0]);
}

static void the_peers_end_is_told_though_nothing_is_read(void **state)
{
    struct sight sight = {0};
    int fds[2];

    local_pair(fds, false);
    watch(*state, &sight, fds[0], M4H_WATCH_END);
    put_byte(fds[1]);
    run_for(*state, 10);
    assert_int_equal(sight.told, 0);
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    run_until(*state, is_told, &sight);
    assert_int_equal(sight.events, M4H_WATCH_END);
    m4h_watch_close(sight.watch);
    close(fds[0]);
    close(fds[1]);
}

/* As level-triggered as all else: an owner that does not find it at once, since
 * it has other bytes to read first, is told again. */
static void an_error_is_told_until_it_is_found(void **state)
{
    struct sight sight = {0};
    int fds[2], error = 0;
    socklen_t len = sizeof(error);

    tcp_pair(fds);
    watch(*state, &sight, fds[0], M4H_WATCH_READ);
    reset_connection(fds[1]);
    run_until(*state, is_told_three_times, &sight);
    assert_true(sight.events & M4H_WATCH_READ);
    assert_int_equal(getsockopt(fds[0], SOL_SOCKET, SO_ERROR, &error, &len), 0);
    assert_int_not_equal(error, 0);
    m4h_watch_close(sight.watch);
    close(fds[0]);
}

static void what_cannot_be_watched_is_an_error(void **state)
{
    struct sight sight = {0};
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_int_equal(m4h_watch_start(&sight.watch, *state, fd, M4H_WATCH_READ, on_event, &sight),
                     M4H_ESYSTEM);
    assert_null(sight.watch);
    close(fd);
    m4h_watch_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readable_is_told_until_it_is_read),
        cmocka_unit_test(only_what_is_asked_for_is_told),
        cmocka_unit_test(the_descriptor_is_made_non_blocking),
        cmocka_unit_test(an_end_that_nobody_asked_for_does_not_keep_the_loop_busy),
        cmocka_unit_test(a_watch_may_be_closed_while_its_event_is_on_the_way),
        cmocka_unit_test(a_watch_may_be_closed_in_its_own_callback),
        cmocka_unit_test(the_number_of_a_closed_descriptor_may_be_watched_again_at_once),
        cmocka_unit_test(a_hang_up_is_told),
        cmocka_unit_test(the_peers_end_is_told_though_nothing_is_read),
        cmocka_unit_test(an_error_is_told_until_it_is_found),
        cmocka_unit_test(what_cannot_be_watched_is_an_error),
    };

    return cmocka_run_group_tests_name("net: watch", tests, stage_begin, stage_end);
}
