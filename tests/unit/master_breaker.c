/* When a server that fails is left alone, and when a question is asked again. */
#include "services/master/core/breaker.h"
#include "services/master/core/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct m4h_breaker breaker;

static int begin(void **state)
{
    (void)state;
    m4h_breaker_init(&breaker, 3, 1000, 4000);
    return 0;
}

static void fail_times(unsigned times, uint64_t now_ms)
{
    for (unsigned i = 0; i < times; i++) {
        assert_true(m4h_breaker_allows(&breaker, now_ms));
        m4h_breaker_fail(&breaker, now_ms, 1000);
    }
}

static void failures_in_a_row_open_it(void **state)
{
    (void)state;
    fail_times(2, 0);
    assert_true(m4h_breaker_allows(&breaker, 0));
    assert_true(m4h_breaker_fail(&breaker, 0, 0));
    assert_false(m4h_breaker_allows(&breaker, 0));
}

static void a_success_between_failures_keeps_it_closed(void **state)
{
    (void)state;
    fail_times(2, 0);
    m4h_breaker_succeed(&breaker);
    fail_times(2, 0);
    assert_true(m4h_breaker_allows(&breaker, 0));
}

static void after_the_rest_one_question_tries_it(void **state)
{
    (void)state;
    fail_times(3, 100);
    assert_false(m4h_breaker_allows(&breaker, breaker.until_ms - 1));
    assert_true(m4h_breaker_allows(&breaker, breaker.until_ms));
    assert_false(m4h_breaker_allows(&breaker, breaker.until_ms));
    m4h_breaker_succeed(&breaker);
    assert_true(m4h_breaker_allows(&breaker, breaker.until_ms));
    assert_true(m4h_breaker_allows(&breaker, breaker.until_ms));
}

static void each_rest_is_longer_up_to_a_bound(void **state)
{
    static const uint64_t shortest[] = {750, 1500, 3000, 3000, 3000};
    static const uint64_t longest[] = {1000, 2000, 4000, 4000, 4000};
    uint64_t now_ms = 0;

    (void)state;
    fail_times(3, now_ms);
    for (size_t i = 0; i < 5; i++) {
        assert_in_range(breaker.until_ms - now_ms, shortest[i], longest[i]);
        now_ms = breaker.until_ms;
        assert_true(m4h_breaker_allows(&breaker, now_ms));
        assert_true(m4h_breaker_fail(&breaker, now_ms, i * 12345));
    }
    assert_true(m4h_breaker_allows(&breaker, breaker.until_ms));
    m4h_breaker_succeed(&breaker);
    fail_times(3, now_ms);
    assert_in_range(breaker.until_ms - now_ms, 750, 1000);
}

static void failures_from_before_the_rest_do_not_make_it_longer(void **state)
{
    uint64_t until_ms;

    (void)state;
    fail_times(3, 0);
    until_ms = breaker.until_ms;
    assert_false(m4h_breaker_fail(&breaker, 500, 0));
    assert_int_equal(breaker.until_ms, until_ms);
}

static void it_may_be_told_never_to_open(void **state)
{
    (void)state;
    m4h_breaker_init(&breaker, 0, 1000, 4000);
    fail_times(100, 0);
    assert_true(m4h_breaker_allows(&breaker, 0));
}

/* ---- asking again --------------------------------------------------------------------- */

static void pauses_grow_and_are_spread(void **state)
{
    uint64_t pause_ms = 0;

    (void)state;
    for (uint64_t random = 0; random < 200; random++) {
        assert_true(m4h_retry_pause(1, 0, 1000, random, &pause_ms));
        assert_in_range(pause_ms, 20, 40);
        assert_true(m4h_retry_pause(2, 0, 1000, random, &pause_ms));
        assert_in_range(pause_ms, 80, 160);
    }
    assert_false(m4h_retry_pause(M4H_RETRY_ASKS_MAX, 0, 1000, 0, &pause_ms));
}

static void what_could_not_be_answered_in_time_is_not_asked(void **state)
{
    uint64_t pause_ms = 0;

    (void)state;
    assert_false(m4h_retry_pause(1, 0, 0, 0, &pause_ms));
    assert_false(m4h_retry_pause(1, 0, 39, 0, &pause_ms));
    assert_true(m4h_retry_pause(1, 0, 40, 0, &pause_ms));
}

static void who_is_busy_says_how_long_to_wait(void **state)
{
    uint64_t pause_ms = 0;

    (void)state;
    assert_true(m4h_retry_pause(1, 500, 1000, 0, &pause_ms));
    assert_int_equal(pause_ms, 500);
    assert_false(m4h_retry_pause(1, 2000, 1000, 0, &pause_ms));
    assert_false(m4h_retry_pause(1, UINT32_MAX, 1000, 0, &pause_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(failures_in_a_row_open_it, begin),
        cmocka_unit_test_setup(a_success_between_failures_keeps_it_closed, begin),
        cmocka_unit_test_setup(after_the_rest_one_question_tries_it, begin),
        cmocka_unit_test_setup(each_rest_is_longer_up_to_a_bound, begin),
        cmocka_unit_test_setup(failures_from_before_the_rest_do_not_make_it_longer, begin),
        cmocka_unit_test_setup(it_may_be_told_never_to_open, begin),
        cmocka_unit_test(pauses_grow_and_are_spread),
        cmocka_unit_test(what_could_not_be_answered_in_time_is_not_asked),
        cmocka_unit_test(who_is_busy_says_how_long_to_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
