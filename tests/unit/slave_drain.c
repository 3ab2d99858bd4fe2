/* The pace of a drain, on a clock of the test's. */
#include "services/slave/core/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SPREAD_MS   10000u
#define DEADLINE_MS 30000u
#define BEGIN_MS    777u

/* Runs a drain of `count` devices, none of which waits for anything but being asked, and
 * tells when the n-th was asked. Returns how many rounds asked somebody. */
static unsigned run(uint32_t count, uint64_t seed, uint64_t *asked_ms)
{
    struct m4h_drain_plan plan;
    uint64_t now_ms = BEGIN_MS;
    uint32_t asked = 0;
    unsigned rounds = 0;

    m4h_drain_plan_begin(&plan, SPREAD_MS, DEADLINE_MS, seed, now_ms);
    while (!m4h_drain_plan_is_over(&plan, now_ms)) {
        uint32_t waiting = count - asked;
        uint32_t share = m4h_drain_plan_round(&plan, waiting, now_ms);
        uint32_t picked = 0;

        for (uint32_t i = 0; i < waiting; i++) {
            if (m4h_drain_plan_picks(&plan))
                asked_ms[asked + picked++] = now_ms - BEGIN_MS;
        }
        assert_int_equal(picked, share);
        asked += picked;
        rounds += picked > 0;
        m4h_drain_plan_tells(&plan, now_ms);
        now_ms = m4h_drain_plan_next_ms(&plan, now_ms);
    }
    assert_int_equal(asked, count);
    return rounds;
}

static void everybody_is_asked_within_the_spread_and_evenly(void **state)
{
    static uint64_t asked_ms[9500];
    uint32_t in_a_second[SPREAD_MS / 1000] = {0};

    (void)state;
    assert_in_range(run(9500, 1, asked_ms), 70, 150);
    for (size_t i = 0; i < 9500; i++) {
        assert_in_range(asked_ms[i], 0, SPREAD_MS - 1);
        in_a_second[asked_ms[i] / 1000]++;
    }
    for (size_t i = 0; i < SPREAD_MS / 1000; i++)
        assert_in_range(in_a_second[i], 750, 1150);
}

static void few_devices_leave_at_any_moment_of_the_spread(void **state)
{
    unsigned in_half[2] = {0, 0};

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t asked_ms[1];

        run(1, seed * 0x9e3779b97f4a7c15u, asked_ms);
        assert_in_range(asked_ms[0], 0, SPREAD_MS - 1);
        in_half[asked_ms[0] / (SPREAD_MS / 2)]++;
    }
    assert_in_range(in_half[0], 60, 140);
}

static void rounds_come_at_uneven_intervals(void **state)
{
    static uint64_t asked_ms[9500];
    uint64_t shortest_ms = UINT64_MAX, longest_ms = 0;

    (void)state;
    run(9500, 3, asked_ms);
    for (size_t i = 1; i < 9500; i++) {
        uint64_t between_ms = asked_ms[i] - asked_ms[i - 1];

        if (between_ms > 0 && between_ms < shortest_ms)
            shortest_ms = between_ms;
        if (between_ms > longest_ms)
            longest_ms = between_ms;
    }
    assert_true(shortest_ms < 70);
    assert_in_range(longest_ms, 130, 150);
}

static void without_a_spread_all_are_asked_at_once(void **state)
{
    struct m4h_drain_plan plan;

    (void)state;
    m4h_drain_plan_begin(&plan, 0, 0, 5, BEGIN_MS);
    assert_int_equal(m4h_drain_plan_round(&plan, 1000, BEGIN_MS), 1000);
    for (int i = 0; i < 1000; i++)
        assert_true(m4h_drain_plan_picks(&plan));
    assert_false(m4h_drain_plan_picks(&plan));
    assert_true(m4h_drain_plan_is_over(&plan, BEGIN_MS));
    assert_false(m4h_drain_plan_gives_up(&plan, BEGIN_MS));
}

static void those_in_use_have_until_the_deadline_and_a_moment_to_be_gone(void **state)
{
    struct m4h_drain_plan plan;
    uint64_t deadline_ms = BEGIN_MS + DEADLINE_MS;

    (void)state;
    m4h_drain_plan_begin(&plan, SPREAD_MS, DEADLINE_MS, 5, BEGIN_MS);
    assert_int_equal(plan.deadline_ms, deadline_ms);
    assert_false(m4h_drain_plan_is_over(&plan, deadline_ms - 1));
    assert_true(m4h_drain_plan_is_over(&plan, deadline_ms));
    assert_false(m4h_drain_plan_gives_up(&plan, deadline_ms + 1999));
    assert_true(m4h_drain_plan_gives_up(&plan, deadline_ms + 2000));
}

static void a_deadline_before_the_end_of_the_spread_is_that_end(void **state)
{
    struct m4h_drain_plan plan;

    (void)state;
    m4h_drain_plan_begin(&plan, SPREAD_MS, 100, 5, BEGIN_MS);
    assert_int_equal(plan.deadline_ms, BEGIN_MS + SPREAD_MS);
}

static void in_a_hurry_all_are_asked_now_and_waited_for_shortly(void **state)
{
    struct m4h_drain_plan plan;
    uint64_t now_ms = BEGIN_MS + 50;

    (void)state;
    m4h_drain_plan_begin(&plan, SPREAD_MS, DEADLINE_MS, 5, BEGIN_MS);
    m4h_drain_plan_round(&plan, 0, BEGIN_MS);
    m4h_drain_plan_hurry(&plan, now_ms);
    assert_int_equal(m4h_drain_plan_round(&plan, 40, now_ms), 40);
    assert_true(m4h_drain_plan_is_over(&plan, now_ms));
    assert_false(m4h_drain_plan_gives_up(&plan, now_ms + 499));
    assert_true(m4h_drain_plan_gives_up(&plan, now_ms + 500));
    /* Once more: nothing is put off. */
    m4h_drain_plan_hurry(&plan, now_ms + 400);
    assert_true(m4h_drain_plan_gives_up(&plan, now_ms + 500));
}

static void progress_is_told_every_two_seconds(void **state)
{
    struct m4h_drain_plan plan;
    unsigned told = 0;

    (void)state;
    m4h_drain_plan_begin(&plan, SPREAD_MS, DEADLINE_MS, 5, BEGIN_MS);
    for (uint64_t now_ms = BEGIN_MS; now_ms < BEGIN_MS + DEADLINE_MS; now_ms += 10)
        told += m4h_drain_plan_tells(&plan, now_ms);
    assert_int_equal(told, 14);
}

static void nobody_looks_again_at_the_same_moment(void **state)
{
    struct m4h_drain_plan plan;
    uint64_t now_ms = BEGIN_MS;
    unsigned looks = 0;

    (void)state;
    m4h_drain_plan_begin(&plan, SPREAD_MS, DEADLINE_MS, 5, now_ms);
    for (; !m4h_drain_plan_gives_up(&plan, now_ms); looks++) {
        uint64_t next_ms;

        m4h_drain_plan_round(&plan, 0, now_ms);
        m4h_drain_plan_tells(&plan, now_ms);
        next_ms = m4h_drain_plan_next_ms(&plan, now_ms);
        assert_true(next_ms > now_ms);
        now_ms = next_ms;
    }
    assert_int_equal(now_ms, BEGIN_MS + DEADLINE_MS + 2000);
    assert_in_range(looks, 80, 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_asked_within_the_spread_and_evenly),
        cmocka_unit_test(few_devices_leave_at_any_moment_of_the_spread),
        cmocka_unit_test(rounds_come_at_uneven_intervals),
        cmocka_unit_test(without_a_spread_all_are_asked_at_once),
        cmocka_unit_test(those_in_use_have_until_the_deadline_and_a_moment_to_be_gone),
        cmocka_unit_test(a_deadline_before_the_end_of_the_spread_is_that_end),
        cmocka_unit_test(in_a_hurry_all_are_asked_now_and_waited_for_shortly),
        cmocka_unit_test(progress_is_told_every_two_seconds),
        cmocka_unit_test(nobody_looks_again_at_the_same_moment),
    };

    return cmocka_run_group_tests_name("slave: drain", tests, NULL, NULL);
}
