#include "lib/base/attributes.h"
#include "services/gateway/core/rates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW 1000000u

static struct m4h_rates *rates;
static uint32_t retry_ms;

static int start(void **state)
{
    (void)state;
    return m4h_rates_create(&rates, 42);
}

static int stop(void **state)
{
    (void)state;
    m4h_rates_destroy(rates);
    return 0;
}

static const struct m4h_rate ten = {10, 2000};

static bool take(uint64_t key, uint64_t now_ms)
{
    return m4h_rates_take(rates, (struct m4h_rate_key){0, key}, ten, now_ms, &retry_ms);
}

/* How many are let through at that moment. */
static unsigned takes(uint64_t key, uint64_t now_ms)
{
    unsigned count = 0;

    while (count < 1000 && take(key, now_ms))
        count++;
    return count;
}

static void a_burst_passes_and_then_the_rate(void **state)
{
    (void)state;
    assert_int_equal(takes(1, NOW), 20);
    assert_int_equal(retry_ms, 101);
    assert_int_equal(takes(1, NOW + 99), 0);
    assert_int_equal(takes(1, NOW + 101), 1);
    assert_int_equal(takes(1, NOW + 601), 5);
    assert_int_equal(takes(1, NOW + 60000), 20);
}

static void to_ask_again_when_told_is_soon_enough(void **state)
{
    uint64_t now_ms = NOW;

    (void)state;
    takes(1, now_ms);
    for (unsigned i = 0; i < 50; i++) {
        assert_false(take(1, now_ms));
        now_ms += retry_ms;
        assert_true(take(1, now_ms));
    }
}

static void one_who_asks_too_often_takes_nothing_from_another(void **state)
{
    (void)state;
    takes(1, NOW);
    assert_int_equal(takes(2, NOW), 20);
    assert_false(m4h_rates_take(rates, (struct m4h_rate_key){0, 1}, ten, NOW, &retry_ms));
    assert_true(m4h_rates_take(rates, (struct m4h_rate_key){1, 1}, ten, NOW, &retry_ms));
}

static void no_rate_lets_all_through_and_no_burst_one_at_a_time(void **state)
{
    const struct m4h_rate none = {0, 0}, no_burst = {10, 0};
    const struct m4h_rate_key key = {0, 7};

    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        assert_true(m4h_rates_take(rates, key, none, NOW, &retry_ms));
    assert_true(m4h_rates_take(rates, key, no_burst, NOW, &retry_ms));
    assert_false(m4h_rates_take(rates, key, no_burst, NOW, &retry_ms));
    assert_true(m4h_rates_take(rates, key, no_burst, NOW + 100, &retry_ms));
}

/* The table is bounded: who asks least gives way first. */
static void a_crowd_of_strangers_does_not_free_the_one_who_asked_most(void **state)
{
    (void)state;
    takes(1, NOW);
    for (uint64_t stranger = 1000; stranger < 1000 + 4 * M4H_RATES_MAX; stranger++)
        assert_true(take(stranger, NOW));
    assert_false(take(1, NOW));
    /* Each of them has asked once: far from all are remembered, and none is refused. */
    for (uint64_t stranger = 1000; stranger < 1000 + 4 * M4H_RATES_MAX; stranger++)
        assert_true(take(stranger, NOW + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_passes_and_then_the_rate, start, stop),
        cmocka_unit_test_setup_teardown(to_ask_again_when_told_is_soon_enough, start, stop),
        cmocka_unit_test_setup_teardown(one_who_asks_too_often_takes_nothing_from_another, start,
                                        stop),
        cmocka_unit_test_setup_teardown(no_rate_lets_all_through_and_no_burst_one_at_a_time, start,
                                        stop),
        cmocka_unit_test_setup_teardown(a_crowd_of_strangers_does_not_free_the_one_who_asked_most,
                                        start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
