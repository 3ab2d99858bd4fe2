/* lib/base/stamp: the hybrid logical clock. */
#include "lib/base/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOON     1800000000000u
#define AT(wall) ((uint64_t)(wall) << 16)

static void stamps_follow_the_wall_clock(void **state)
{
    struct m4h_stamp_clock clock = {0};

    (void)state;
    assert_true(m4h_stamp_next(&clock, NOON, 0) == AT(NOON));
    assert_true(m4h_stamp_next(&clock, NOON + 5, 0) == AT(NOON + 5));
}

static void stamps_grow_when_the_wall_clock_does_not(void **state)
{
    struct m4h_stamp_clock clock = {0};
    uint64_t last = m4h_stamp_next(&clock, NOON, 0);

    (void)state;
    for (unsigned i = 0; i < 70000; i++) {
        uint64_t next = m4h_stamp_next(&clock, NOON - i, 0);

        assert_true(next == last + 1);
        last = next;
    }
}

static void a_clock_that_is_behind_is_pushed_forward(void **state)
{
    struct m4h_stamp_clock clock = {0};

    (void)state;
    m4h_stamp_see(&clock, NOON, AT(NOON + 60000) + 3);
    assert_true(m4h_stamp_next(&clock, NOON, 0) == AT(NOON + 60000) + 4);
    m4h_stamp_see(&clock, NOON, AT(NOON));
    assert_true(m4h_stamp_next(&clock, NOON, 0) == AT(NOON + 60000) + 5);
}

static void a_broken_clock_elsewhere_carries_nobody_along(void **state)
{
    struct m4h_stamp_clock clock = {0};

    (void)state;
    m4h_stamp_see(&clock, NOON, AT(NOON + M4H_STAMP_LEAD_MAX_MS) + 1);
    m4h_stamp_see(&clock, NOON, UINT64_MAX);
    assert_true(m4h_stamp_next(&clock, NOON, 0) == AT(NOON));
    m4h_stamp_see(&clock, NOON, AT(NOON + M4H_STAMP_LEAD_MAX_MS));
    assert_true(m4h_stamp_next(&clock, NOON, 0) == AT(NOON + M4H_STAMP_LEAD_MAX_MS) + 1);
}

static void the_newest_connection_beats_any_owner(void **state)
{
    struct m4h_stamp_clock clock = {0};
    uint64_t far = AT(NOON + 2 * (uint64_t)M4H_STAMP_LEAD_MAX_MS);

    (void)state;
    assert_true(m4h_stamp_next(&clock, NOON, AT(NOON + 1)) == AT(NOON + 1) + 1);
    assert_true(m4h_stamp_next(&clock, NOON, AT(NOON + 1)) == AT(NOON + 1) + 2);
    assert_true(m4h_stamp_next(&clock, NOON, far) == far + 1);
    assert_true(m4h_stamp_next(&clock, NOON, 0) < far);
    assert_true(m4h_stamp_next(&clock, NOON, UINT64_MAX) == UINT64_MAX);
}

static void the_later_stamp_wins_then_the_larger_id(void **state)
{
    (void)state;
    assert_true(m4h_stamp_wins(2, 1, 1, 9));
    assert_false(m4h_stamp_wins(1, 9, 2, 1));
    assert_true(m4h_stamp_wins(2, 9, 2, 1));
    assert_false(m4h_stamp_wins(2, 1, 2, 9));
    assert_false(m4h_stamp_wins(2, 1, 2, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_follow_the_wall_clock),
        cmocka_unit_test(stamps_grow_when_the_wall_clock_does_not),
        cmocka_unit_test(a_clock_that_is_behind_is_pushed_forward),
        cmocka_unit_test(a_broken_clock_elsewhere_carries_nobody_along),
        cmocka_unit_test(the_newest_connection_beats_any_owner),
        cmocka_unit_test(the_later_stamp_wins_then_the_larger_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
