#include "lib/base/error.h"
#include "services/gateway/core/tries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct m4h_gateway_tries tries;
static uint32_t pause_ms;

static void the_first_of_two_tries_gets_half_of_the_time(void **state)
{
    (void)state;
    m4h_gateway_tries_begin(&tries, 1000, 2000, true);
    assert_int_equal(m4h_gateway_tries_next(&tries, 1000), 1000);
    assert_true(m4h_gateway_tries_again(&tries, M4H_ETIMEOUT, 2000, &pause_ms));
    assert_int_equal(pause_ms, 0);
    assert_int_equal(m4h_gateway_tries_next(&tries, 2000), 1000);
    assert_false(m4h_gateway_tries_again(&tries, M4H_ETIMEOUT, 3000, &pause_ms));
}

static void what_must_not_be_repeated_gets_all_of_the_time_once(void **state)
{
    (void)state;
    m4h_gateway_tries_begin(&tries, 1000, 2000, false);
    assert_int_equal(m4h_gateway_tries_next(&tries, 1000), 2000);
    assert_false(m4h_gateway_tries_again(&tries, M4H_EUNAVAILABLE, 1001, &pause_ms));
    assert_false(m4h_gateway_tries_again(&tries, M4H_ETIMEOUT, 1001, &pause_ms));
}

static void nobody_there_is_tried_again_after_a_pause(void **state)
{
    (void)state;
    m4h_gateway_tries_begin(&tries, 0, 2000, true);
    assert_int_equal(m4h_gateway_tries_next(&tries, 0), 1000);
    assert_true(m4h_gateway_tries_again(&tries, M4H_EUNAVAILABLE, 1, &pause_ms));
    assert_int_equal(pause_ms, 250);
    assert_int_equal(m4h_gateway_tries_next(&tries, 251), 1749);
    assert_false(m4h_gateway_tries_again(&tries, M4H_EUNAVAILABLE, 252, &pause_ms));
}

static void no_try_begins_after_the_deadline(void **state)
{
    (void)state;
    m4h_gateway_tries_begin(&tries, 0, 200, true);
    assert_int_equal(m4h_gateway_tries_next(&tries, 0), 100);
    assert_false(m4h_gateway_tries_again(&tries, M4H_EUNAVAILABLE, 1, &pause_ms));
    assert_false(m4h_gateway_tries_again(&tries, M4H_ETIMEOUT, 200, &pause_ms));
    assert_int_equal(m4h_gateway_tries_next(&tries, 200), 0);
    assert_int_equal(m4h_gateway_tries_next(&tries, 300), 0);
}

static void other_errors_are_final(void **state)
{
    (void)state;
    m4h_gateway_tries_begin(&tries, 0, 2000, true);
    assert_int_equal(m4h_gateway_tries_next(&tries, 0), 1000);
    assert_false(m4h_gateway_tries_again(&tries, M4H_EFULL, 1, &pause_ms));
    assert_false(m4h_gateway_tries_again(&tries, M4H_ENOMEM, 1, &pause_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_two_tries_gets_half_of_the_time),
        cmocka_unit_test(what_must_not_be_repeated_gets_all_of_the_time_once),
        cmocka_unit_test(nobody_there_is_tried_again_after_a_pause),
        cmocka_unit_test(no_try_begins_after_the_deadline),
        cmocka_unit_test(other_errors_are_final),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
