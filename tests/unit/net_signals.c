/* Signals, delivered on the loop. */
#include "lib/net/signals.h"
#include "tests/unit/net_stage.h"

#include <signal.h>
#include <unistd.h>

struct seen {
    int last;
    unsigned count;
};

static void on_signal(void *context, int number)
{
    struct seen *seen = context;

    seen->last = number;
    seen->count++;
}

static bool one_is_seen(void *context)
{
    return ((struct seen *)context)->count == 1;
}

static void each_is_delivered_by_its_number(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct m4h_signals *signals;
    struct seen seen;

    assert_int_equal(m4h_signals_start(&signals, *state, on_signal, &seen), 0);
    for (size_t i = 0; i < M4H_COUNT(numbers); i++) {
        seen = (struct seen){0};
        assert_int_equal(kill(getpid(), numbers[i]), 0);
        run_until(*state, one_is_seen, &seen);
        assert_int_equal(seen.last, numbers[i]);
    }
    m4h_signals_close(signals);
}

static void a_write_to_a_closed_pipe_does_not_end_the_process(void **state)
{
    struct m4h_signals *signals;
    struct seen seen = {0};
    int fds[2];

    assert_int_equal(m4h_signals_start(&signals, *state, on_signal, &seen), 0);
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(write(fds[1], "x", 1), -1);
    close(fds[1]);
    assert_int_equal(seen.count, 0);
    m4h_signals_close(signals);
    m4h_signals_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_delivered_by_its_number),
        cmocka_unit_test(a_write_to_a_closed_pipe_does_not_end_the_process),
    };

    return cmocka_run_group_tests_name("net: signals", tests, stage_begin, stage_end);
}
