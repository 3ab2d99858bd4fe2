/* How fast bytes go through a bucket. */
#include "services/slave/core/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND_MS 1000u

/* Takes all it may, every `step_ms`, in pieces of at most `piece`. */
static uint64_t bytes_in(struct m4h_rate *rate, uint64_t bytes_per_second, uint64_t from_ms,
                         uint64_t for_ms, uint64_t step_ms, size_t piece)
{
    uint64_t sum = 0;

    for (uint64_t now_ms = from_ms; now_ms < from_ms + for_ms; now_ms += step_ms) {
        size_t left = m4h_rate_left(rate, bytes_per_second, now_ms);

        while (left > 0) {
            size_t len = left < piece ? left : piece;

            m4h_rate_take(rate, len);
            sum += len;
            left = m4h_rate_left(rate, bytes_per_second, now_ms);
        }
    }
    return sum;
}

static void without_a_limit_everything_may_go(void **state)
{
    struct m4h_rate rate = {0};

    (void)state;
    assert_true(m4h_rate_left(&rate, 0, 5) == SIZE_MAX);
    m4h_rate_take(&rate, 1u << 30);
    assert_true(m4h_rate_left(&rate, 0, 6) == SIZE_MAX);
    assert_true(m4h_rate_left(&rate, UINT64_MAX, 6) == SIZE_MAX);
}

static void over_a_while_it_is_the_rate_that_was_set(void **state)
{
    static const uint64_t rates[] = {4096, 100000, 1048576, 1000000000};
    static const uint64_t steps_ms[] = {1, 20, 100};

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        for (size_t k = 0; k < sizeof(steps_ms) / sizeof(steps_ms[0]); k++) {
            struct m4h_rate rate = {0};
            uint64_t first = bytes_in(&rate, rates[i], 5000, SECOND_MS, steps_ms[k], 65536);
            uint64_t sum = bytes_in(&rate, rates[i], 6000, 20 * SECOND_MS, steps_ms[k], 65536);

            /* It begins with a full bucket. */
            assert_true(first <= rates[i] + rates[i] / 10 + 16384);
            assert_in_range(sum, 19 * rates[i], 21 * rates[i]);
        }
    }
}

static void a_long_rest_gives_no_more_than_a_full_bucket(void **state)
{
    struct m4h_rate rate = {0};

    (void)state;
    assert_int_equal(m4h_rate_left(&rate, 1000000, 1000), 100000);
    assert_int_equal(m4h_rate_left(&rate, 1000000, UINT64_MAX / 2), 100000);
    assert_int_equal(m4h_rate_left(&rate, 4096, UINT64_MAX / 2), 16384);
}

/* What has come all the same is waited off. */
static void what_was_taken_beyond_it_delays_what_follows(void **state)
{
    struct m4h_rate rate = {0};

    (void)state;
    assert_int_equal(m4h_rate_left(&rate, 100000, 10000), 16384);
    m4h_rate_take(&rate, 16384 + 100000);
    assert_int_equal(m4h_rate_left(&rate, 100000, 10000), 0);
    assert_int_equal(m4h_rate_left(&rate, 100000, 10990), 0);
    assert_true(m4h_rate_left(&rate, 100000, 11050) > 0);
}

static void nothing_goes_until_a_worthwhile_piece_may(void **state)
{
    struct m4h_rate rate = {0};

    (void)state;
    m4h_rate_left(&rate, 100000, 10000);
    m4h_rate_take(&rate, 16384);
    assert_int_equal(m4h_rate_left(&rate, 100000, 10010), 0); /* 1,000 bytes would */
    assert_int_equal(m4h_rate_left(&rate, 100000, 10025), 2500);
}

static void another_limit_holds_at_once(void **state)
{
    struct m4h_rate rate = {0};

    (void)state;
    assert_int_equal(m4h_rate_left(&rate, 10000000, 10000), 1000000);
    assert_int_equal(m4h_rate_left(&rate, 100000, 10000), 16384);
}

static void what_went_without_a_limit_is_not_held_against_a_later_one(void **state)
{
    struct m4h_rate rate = {0};

    (void)state;
    for (int i = 0; i < 10000; i++) {
        assert_true(m4h_rate_left(&rate, 0, 10000) == SIZE_MAX);
        m4h_rate_take(&rate, 1u << 20);
    }
    assert_int_equal(m4h_rate_left(&rate, 1000000, 10000), 0);
    assert_int_equal(m4h_rate_left(&rate, 1000000, 10010), 10000);
}

/* Bytes that a slow operator left in the channel come all at once. */
static void a_debt_is_waited_off_in_seconds_however_large_it_is(void **state)
{
    struct m4h_rate rate = {0};

    (void)state;
    assert_int_equal(m4h_rate_left(&rate, 4096, 10000), 16384);
    m4h_rate_take(&rate, 1u << 30);
    assert_int_equal(m4h_rate_left(&rate, 4096, 10000), 0);
    assert_int_equal(m4h_rate_left(&rate, 4096, 15000), 0);
    assert_int_equal(m4h_rate_left(&rate, 4096, 15100), 409);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_everything_may_go),
        cmocka_unit_test(over_a_while_it_is_the_rate_that_was_set),
        cmocka_unit_test(a_long_rest_gives_no_more_than_a_full_bucket),
        cmocka_unit_test(what_was_taken_beyond_it_delays_what_follows),
        cmocka_unit_test(nothing_goes_until_a_worthwhile_piece_may),
        cmocka_unit_test(another_limit_holds_at_once),
        cmocka_unit_test(what_went_without_a_limit_is_not_held_against_a_later_one),
        cmocka_unit_test(a_debt_is_waited_off_in_seconds_however_large_it_is),
    };

    return cmocka_run_group_tests_name("slave: rate", tests, NULL, NULL);
}
