#include "lib/base/error.h"
#include "lib/base/tries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct m4h_tries tries;
static uint32_t pause_ms;

static void the_first_tries_are_short_and_the_last_gets_the_rest(void **state)
{
    const uint32_t expected[] = {250, 250, 300, 350, 400, 450};
    uint64_t now_ms = 1000;

    (void)state;
    m4h_tries_begin(&tries, now_ms, 2000, true);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(m4h_tries_next(&tries, now_ms, UINT32_MAX), expected[i]);
        now_ms += expected[i];
        assert_int_equal(m4h_tries_again(&tries, M4H_ETIMEOUT, now_ms, 7, &pause_ms), i < 5);
        assert_int_equal(pause_ms, 0);
    }
    assert_int_equal(now_ms, 3000);
}

static void a_known_masters_patience_is_what_a_try_gets_but_the_last(void **state)
{
    (void)state;
    m4h_tries_begin(&tries, 1000, 2000, true);
    assert_int_equal(m4h_tries_next(&tries, 1000, 200), 200);
    assert_int_equal(m4h_tries_next(&tries, 2900, 200), 100);
    for (int i = 0; i < 3; i++)
        assert_int_equal(m4h_tries_next(&tries, 1600, 360), 360);
    assert_int_equal(m4h_tries_next(&tries, 2000, 200), 1000);
}

static void what_must_not_be_repeated_gets_all_of_the_time_once(void **state)
{
    (void)state;
    m4h_tries_begin(&tries, 1000, 2000, false);
    assert_int_equal(m4h_tries_next(&tries, 1000, UINT32_MAX), 2000);
    assert_false(m4h_tries_again(&tries, M4H_EUNAVAILABLE, 1001, 0, &pause_ms));
    assert_false(m4h_tries_again(&tries, M4H_ETIMEOUT, 1001, 0, &pause_ms));
}

static void nobody_there_is_tried_again_after_pauses_that_grow_and_are_spread(void **state)
{
    const uint32_t most[] = {50, 100, 200, 300, 400};

    (void)state;
    m4h_tries_begin(&tries, 0, 2000, true);
    for (size_t i = 0; i < 5; i++) {
        assert_int_not_equal(m4h_tries_next(&tries, 0, UINT32_MAX), 0);
        assert_true(m4h_tries_again(&tries, M4H_EUNAVAILABLE, 1, 0, &pause_ms));
        assert_int_equal(pause_ms, most[i]);
        assert_true(m4h_tries_again(&tries, M4H_EUNAVAILABLE, 1, most[i] / 2, &pause_ms));
        assert_int_equal(pause_ms, most[i] / 2);
    }
    assert_int_equal(m4h_tries_next(&tries, 1050, UINT32_MAX), 950);
    assert_false(m4h_tries_again(&tries, M4H_EUNAVAILABLE, 1051, 0, &pause_ms));
}

static void no_try_begins_after_the_deadline(void **state)
{
    (void)state;
    m4h_tries_begin(&tries, 0, 200, true);
    assert_int_equal(m4h_tries_next(&tries, 0, UINT32_MAX), 25);
    assert_false(m4h_tries_again(&tries, M4H_EUNAVAILABLE, 196, 0, &pause_ms));
    assert_false(m4h_tries_again(&tries, M4H_ETIMEOUT, 200, 0, &pause_ms));
    assert_int_equal(m4h_tries_next(&tries, 190, UINT32_MAX), 10);
    assert_int_equal(m4h_tries_next(&tries, 200, UINT32_MAX), 0);
    assert_int_equal(m4h_tries_next(&tries, 300, UINT32_MAX), 0);
}

static void other_errors_are_final(void **state)
{
    (void)state;
    m4h_tries_begin(&tries, 0, 2000, true);
    assert_int_equal(m4h_tries_next(&tries, 0, UINT32_MAX), 250);
    assert_false(m4h_tries_again(&tries, M4H_EFULL, 1, 0, &pause_ms));
    assert_false(m4h_tries_again(&tries, M4H_ENOMEM, 1, 0, &pause_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_tries_are_short_and_the_last_gets_the_rest),
        cmocka_unit_test(a_known_masters_patience_is_what_a_try_gets_but_the_last),
        cmocka_unit_test(what_must_not_be_repeated_gets_all_of_the_time_once),
        cmocka_unit_test(nobody_there_is_tried_again_after_pauses_that_grow_and_are_spread),
        cmocka_unit_test(no_try_begins_after_the_deadline),
        cmocka_unit_test(other_errors_are_final),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
