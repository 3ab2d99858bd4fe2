/* Timers: when, how often, and how they end. */
#include "lib/net/timer.h"
#include "tests/unit/net_stage.h"

struct bell {
    struct m4h_loop *loop;
    struct m4h_timer *timer;
    unsigned rung;
    unsigned close_at; /* closes itself as it rings so often; 0: never */
    uint64_t last_ms;
};

static void on_time(void *context)
{
    struct bell *bell = context;

    bell->rung++;
    bell->last_ms = m4h_loop_now_ms(bell->loop);
    if (bell->rung == bell->close_at)
        m4h_timer_close(bell->timer);
}

static void hang(struct bell *bell, struct m4h_loop *loop)
{
    *bell = (struct bell){.loop = loop};
    assert_int_equal(m4h_timer_create(&bell->timer, loop, on_time, bell), 0);
}

static bool has_rung(void *context)
{
    return ((struct bell *)context)->rung > 0;
}

static bool has_rung_three_times(void *context)
{
    return ((struct bell *)context)->rung >= 3;
}

static void a_timer_rings_once_after_its_delay(void **state)
{
    struct bell bell;
    uint64_t before_ms;

    hang(&bell, *state);
    before_ms = m4h_loop_now_ms(*state);
    m4h_timer_start(bell.timer, 20, 0);
    run_until(*state, has_rung, &bell);
    assert_true(bell.last_ms >= before_ms + 20);
    run_for(*state, 50);
    assert_int_equal(bell.rung, 1);
    m4h_timer_close(bell.timer);
}

static void a_repeating_timer_rings_again_and_again(void **state)
{
    struct bell bell;

    hang(&bell, *state);
    m4h_timer_start(bell.timer, 0, 5);
    run_until(*state, has_rung_three_times, &bell);
    m4h_timer_close(bell.timer);
}

static void a_timer_that_was_not_started_or_was_stopped_is_silent(void **state)
{
    struct bell stopped, idle;

    hang(&stopped, *state);
    hang(&idle, *state);
    m4h_timer_start(stopped.timer, 1, 1);
    m4h_timer_stop(stopped.timer);
    run_for(*state, 20);
    assert_int_equal(stopped.rung, 0);
    assert_int_equal(idle.rung, 0);
    m4h_timer_close(stopped.timer);
    m4h_timer_close(idle.timer);
}

static void starting_again_moves_it(void **state)
{
    struct bell moved, witness;

    hang(&moved, *state);
    hang(&witness, *state);
    m4h_timer_start(moved.timer, 1, 0);
    m4h_timer_start(moved.timer, 60000, 0);
    m4h_timer_start(witness.timer, 30, 0);
    run_until(*state, has_rung, &witness);
    assert_int_equal(moved.rung, 0);
    m4h_timer_start(moved.timer, 0, 0);
    run_until(*state, has_rung, &moved);
    m4h_timer_close(moved.timer);
    m4h_timer_close(witness.timer);
}

static void a_timer_may_close_itself_as_it_rings(void **state)
{
    struct bell bell;

    hang(&bell, *state);
    bell.close_at = 1;
    m4h_timer_start(bell.timer, 0, 1);
    run_for(*state, 20);
    assert_int_equal(bell.rung, 1);
}

static void closing_nothing_is_harmless(void **state)
{
    (void)state;
    m4h_timer_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_rings_once_after_its_delay),
        cmocka_unit_test(a_repeating_timer_rings_again_and_again),
        cmocka_unit_test(a_timer_that_was_not_started_or_was_stopped_is_silent),
        cmocka_unit_test(starting_again_moves_it),
        cmocka_unit_test(a_timer_may_close_itself_as_it_rings),
        cmocka_unit_test(closing_nothing_is_harmless),
    };

    return cmocka_run_group_tests_name("net: timer", tests, stage_begin, stage_end);
}
