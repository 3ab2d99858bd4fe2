/* lib/base/latency and lib/base/histogram: how long things take, counted. */
#include "lib/base/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t in_bucket(const struct m4h_histogram *histogram, uint64_t bound)
{
    for (size_t i = 0; i < histogram->bound_count; i++)
        if (histogram->bounds[i] == bound)
            return atomic_load(&histogram->buckets[i]);
    fail_msg("no bucket of that bound");
    return 0;
}

static void what_began_is_counted_with_the_time_until_now(void **state)
{
    struct m4h_histogram histogram;

    (void)state;
    m4h_latency_init(&histogram);
    m4h_latency_add(&histogram, m4h_latency_clock_us() - 3000000);
    assert_int_equal(m4h_histogram_count(&histogram), 1);
    assert_in_range(atomic_load(&histogram.sum), 3000000, 3900000);
    assert_int_equal(in_bucket(&histogram, 5000000), 1);
}

static void bounds_rise_and_cover_what_they_are_for(void **state)
{
    struct m4h_histogram each[2];

    (void)state;
    m4h_latency_init_short(&each[0]);
    m4h_latency_init(&each[1]);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 1; i < each[k].bound_count; i++)
            assert_true(each[k].bounds[i - 1] < each[k].bounds[i]);
    assert_int_equal(each[0].bounds[0], 5);
    assert_int_equal(each[0].bounds[each[0].bound_count - 1], 1000000);
    assert_int_equal(each[1].bounds[0], 250);
    assert_int_equal(each[1].bounds[each[1].bound_count - 1], 30000000);
}

static void several_are_gathered_into_one(void **state)
{
    struct m4h_histogram all, one;

    (void)state;
    m4h_latency_init(&all);
    m4h_latency_init(&one);
    m4h_histogram_add(&all, 400);
    m4h_histogram_add(&one, 500);
    m4h_histogram_add(&one, 90000000);
    m4h_histogram_gather(&all, &one);
    assert_int_equal(m4h_histogram_count(&all), 3);
    assert_int_equal(m4h_histogram_count(&one), 2);
    assert_int_equal(in_bucket(&all, 500), 2);
    assert_int_equal(atomic_load(&all.buckets[all.bound_count]), 1);
    assert_int_equal(atomic_load(&all.sum), 90000900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_began_is_counted_with_the_time_until_now),
        cmocka_unit_test(bounds_rise_and_cover_what_they_are_for),
        cmocka_unit_test(several_are_gathered_into_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
