/* The table of evictions: what counts, for how long, and what is flapping. */
#include "services/master/core/evictions.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START_MS 1000u

static struct m4h_evictions evictions;

static int begin(void **state)
{
    (void)state;
    m4h_evictions_init(&evictions);
    return 0;
}

static int end(void **state)
{
    (void)state;
    m4h_evictions_free(&evictions);
    return 0;
}

static uint32_t count_at(uint64_t now_ms)
{
    return m4h_evictions_find(&evictions, "dev", now_ms).count;
}

static void nothing_is_known_of_who_was_never_evicted(void **state)
{
    struct m4h_evictions_of of = m4h_evictions_find(&evictions, "dev", START_MS);

    (void)state;
    assert_int_equal(of.count, 0);
    assert_int_equal(of.ago_ms, 0);
    assert_false(m4h_evictions_flaps(&evictions, "dev"));
    assert_true(m4h_evictions_next_ms(&evictions) == UINT64_MAX);
}

static void evictions_count_for_a_minute(void **state)
{
    (void)state;
    assert_false(m4h_evictions_add(&evictions, "dev", START_MS));
    assert_false(m4h_evictions_add(&evictions, "dev", START_MS + 20000));
    assert_int_equal(count_at(START_MS + 20000), 2);
    assert_int_equal(m4h_evictions_find(&evictions, "dev", START_MS + 25000).ago_ms, 5000);
    assert_int_equal(count_at(START_MS + 59999), 2);
    assert_int_equal(count_at(START_MS + 60000), 1);
    assert_int_equal(count_at(START_MS + 80000), 0);
    assert_int_equal(m4h_evictions_find(&evictions, "dev", START_MS + 80000).ago_ms, 0);
    assert_int_equal(m4h_evictions_find(&evictions, "other", START_MS).count, 0);
}

static void the_third_in_a_minute_begins_to_flap_and_that_is_said_once(void **state)
{
    (void)state;
    assert_false(m4h_evictions_add(&evictions, "dev", START_MS));
    assert_false(m4h_evictions_add(&evictions, "dev", START_MS + 1000));
    assert_false(m4h_evictions_flaps(&evictions, "dev"));
    assert_true(m4h_evictions_add(&evictions, "dev", START_MS + 2000));
    assert_true(m4h_evictions_flaps(&evictions, "dev"));
    assert_int_equal(evictions.flapping, 1);
    assert_false(m4h_evictions_add(&evictions, "dev", START_MS + 3000));
    assert_int_equal(evictions.flapping, 1);
}

static void three_in_more_than_a_minute_do_not_flap(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        assert_false(m4h_evictions_add(&evictions, "dev", START_MS + i * 30000u));
    assert_int_equal(evictions.flapping, 0);
}

static void flapping_ends_when_fewer_than_three_are_left_in_the_minute(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        m4h_evictions_add(&evictions, "dev", START_MS + i * 1000);
    /* The second of four is the third from the end. */
    assert_int_equal(m4h_evictions_next_ms(&evictions), START_MS + 61000);
    m4h_evictions_expire(&evictions, START_MS + 60999);
    assert_true(m4h_evictions_flaps(&evictions, "dev"));
    m4h_evictions_expire(&evictions, START_MS + 61000);
    assert_false(m4h_evictions_flaps(&evictions, "dev"));
    assert_int_equal(evictions.flapping, 0);
    assert_int_equal(evictions.count, 1);
    m4h_evictions_expire(&evictions, START_MS + 63000);
    assert_int_equal(evictions.count, 0);
    assert_true(m4h_evictions_add(&evictions, "dev", START_MS + 90000) == false);
}

static void more_than_can_be_counted_is_counted_as_the_most(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        m4h_evictions_add(&evictions, "dev", START_MS + i);
    assert_int_equal(count_at(START_MS + 100), M4H_EVICTIONS_COUNTED_MAX);
    assert_int_equal(m4h_evictions_find(&evictions, "dev", START_MS + 100).ago_ms, 1);
    assert_int_equal(evictions.total, 100);
}

static void a_report_flaps_for_its_hold_and_a_minute(void **state)
{
    (void)state;
    assert_true(m4h_evictions_report(&evictions, "dev", 10000, START_MS));
    assert_false(m4h_evictions_report(&evictions, "dev", 0, START_MS));
    assert_true(m4h_evictions_flaps(&evictions, "dev"));
    assert_int_equal(count_at(START_MS), 0);
    m4h_evictions_expire(&evictions, START_MS + 69999);
    assert_int_equal(evictions.flapping, 1);
    m4h_evictions_expire(&evictions, START_MS + 70000);
    assert_int_equal(evictions.flapping, 0);
    assert_int_equal(evictions.count, 0);
}

static void a_report_of_an_endless_hold_ends(void **state)
{
    (void)state;
    m4h_evictions_report(&evictions, "dev", UINT32_MAX, START_MS);
    m4h_evictions_expire(&evictions, START_MS + M4H_EVICTIONS_HOLD_MAX_MS + 60000);
    assert_int_equal(evictions.flapping, 0);
}

static void evictions_of_a_reported_one_are_remembered_as_long_as_others(void **state)
{
    (void)state;
    m4h_evictions_report(&evictions, "dev", 0, START_MS);
    m4h_evictions_add(&evictions, "dev", START_MS + 50000);
    m4h_evictions_expire(&evictions, START_MS + 60000);
    assert_int_equal(evictions.flapping, 0);
    assert_int_equal(count_at(START_MS + 60000), 1);
    m4h_evictions_expire(&evictions, START_MS + 110000);
    assert_int_equal(evictions.count, 0);
}

static void a_full_table_forgets_the_one_that_ends_first(void **state)
{
    char key[16];

    (void)state;
    for (unsigned i = 0; i <= M4H_EVICTIONS_KEYS_MAX; i++) {
        snprintf(key, sizeof(key), "dev-%u", i);
        m4h_evictions_add(&evictions, key, START_MS + i / 100);
    }
    assert_int_equal(evictions.count, M4H_EVICTIONS_KEYS_MAX);
    assert_int_equal(evictions.total, M4H_EVICTIONS_KEYS_MAX + 1);
    assert_int_equal(m4h_evictions_find(&evictions, key, START_MS + 700).count, 1);
    m4h_evictions_expire(&evictions, START_MS + 61000);
    assert_int_equal(evictions.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(nothing_is_known_of_who_was_never_evicted),
        TEST(evictions_count_for_a_minute),
        TEST(the_third_in_a_minute_begins_to_flap_and_that_is_said_once),
        TEST(three_in_more_than_a_minute_do_not_flap),
        TEST(flapping_ends_when_fewer_than_three_are_left_in_the_minute),
        TEST(more_than_can_be_counted_is_counted_as_the_most),
        TEST(a_report_flaps_for_its_hold_and_a_minute),
        TEST(a_report_of_an_endless_hold_ends),
        TEST(evictions_of_a_reported_one_are_remembered_as_long_as_others),
        TEST(a_full_table_forgets_the_one_that_ends_first),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
