/* Live devices with one key: from when on they flap, how long the next eviction
 * has to wait, how often it is said, how much is remembered. */
#include "services/slave/core/flaps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const struct m4h_flaps_limits limits = {
    .evictions = 3, .window_ms = 60000, .hold_ms = 10000};
static const struct m4h_flaps_seen unseen;

static struct m4h_flaps *flaps_with(const uint64_t *evicted_ms, size_t count)
{
    struct m4h_flaps *flaps;

    assert_int_equal(m4h_flaps_create(&flaps), 0);
    for (size_t i = 0; i < count; i++)
        m4h_flaps_evicted(flaps, &limits, "pump-1", evicted_ms[i]);
    return flaps;
}

static void expect(struct m4h_flaps *flaps, const struct m4h_flaps_seen *seen, uint64_t now_ms,
                   uint32_t evictions, bool flapping, bool held)
{
    struct m4h_flaps_verdict verdict = m4h_flaps_judge(flaps, &limits, "pump-1", seen, now_ms);

    if (verdict.evictions != evictions || verdict.flapping != flapping || verdict.held != held)
        fail_msg("at %llu: %u evictions%s%s", (unsigned long long)now_ms, verdict.evictions,
                 verdict.flapping ? ", flapping" : "", verdict.held ? ", held" : "");
}

static void a_key_flaps_from_the_third_eviction_in_a_window_on(void **state)
{
    static const uint64_t times[] = {100000, 130000, 159999};
    struct m4h_flaps *none = flaps_with(times, 0);
    struct m4h_flaps *two = flaps_with(times, 2);
    struct m4h_flaps *three = flaps_with(times, 3);

    (void)state;
    expect(none, &unseen, 160000, 0, false, false);
    expect(two, &unseen, 130001, 2, false, false);
    expect(three, &unseen, 159999, 3, true, true);
    expect(three, &unseen, 160000, 2, false, false); /* the first is a window ago */
    m4h_flaps_destroy(none);
    m4h_flaps_destroy(two);
    m4h_flaps_destroy(three);
}

/* The steady state of two loops: one eviction for each hold, for ever. */
static void while_it_flaps_the_next_eviction_waits_for_the_hold(void **state)
{
    static const uint64_t times[] = {100000, 101000, 102000};
    struct m4h_flaps *flaps = flaps_with(times, 3);
    unsigned evictions = 0;

    (void)state;
    expect(flaps, &unseen, 102001, 3, true, true);
    expect(flaps, &unseen, 111999, 3, true, true);
    expect(flaps, &unseen, 112000, 3, true, false);
    for (uint64_t now_ms = 112000; now_ms < 712000; now_ms += 100) {
        if (m4h_flaps_judge(flaps, &limits, "pump-1", &unseen, now_ms).held)
            continue;
        m4h_flaps_evicted(flaps, &limits, "pump-1", now_ms);
        evictions++;
    }
    assert_int_equal(evictions, 60);
    m4h_flaps_destroy(flaps);
}

static void one_eviction_before_it_flaps_it_is_close(void **state)
{
    static const uint64_t times[] = {100000, 101000, 102000};

    (void)state;
    for (size_t count = 0; count <= 3; count++) {
        struct m4h_flaps *flaps = flaps_with(times, count);

        assert_int_equal(m4h_flaps_judge(flaps, &limits, "pump-1", &unseen, 102000).close,
                         count >= 2);
        m4h_flaps_destroy(flaps);
    }
}

static void what_a_master_saw_elsewhere_counts_too(void **state)
{
    static const uint64_t times[] = {100000};
    struct m4h_flaps *flaps = flaps_with(times, 1);

    (void)state;
    expect(flaps, &(struct m4h_flaps_seen){2, 101000}, 102000, 2, false, false);
    expect(flaps, &(struct m4h_flaps_seen){3, 101000}, 102000, 3, true, true);
    expect(flaps, &(struct m4h_flaps_seen){3, 99000}, 109999, 3, true, true);
    expect(flaps, &(struct m4h_flaps_seen){3, 99000}, 110000, 3, true, false);
    expect(flaps, &(struct m4h_flaps_seen){0, 101000}, 102000, 1, false, false);
    m4h_flaps_destroy(flaps);
}

static void it_is_said_once_in_a_window(void **state)
{
    static const uint64_t times[] = {100000, 101000, 102000};
    struct m4h_flaps *flaps = flaps_with(times, 3);
    unsigned reports = 0;

    (void)state;
    for (uint64_t now_ms = 103000; now_ms < 103000 + 3 * limits.window_ms; now_ms += 1000) {
        if (m4h_flaps_judge(flaps, &limits, "pump-1", &unseen, now_ms).report) {
            m4h_flaps_reported(flaps, &limits, "pump-1", now_ms);
            reports++;
        }
        m4h_flaps_evicted(flaps, &limits, "pump-1", now_ms);
    }
    assert_int_equal(reports, 3);
    m4h_flaps_destroy(flaps);
}

/* Seen by the master alone, it is remembered here that it was said. */
static void it_is_said_once_also_where_it_happens_elsewhere(void **state)
{
    const struct m4h_flaps_seen seen = {5, 100000};
    struct m4h_flaps *flaps = flaps_with(NULL, 0);

    (void)state;
    assert_true(m4h_flaps_judge(flaps, &limits, "pump-1", &seen, 100500).report);
    m4h_flaps_reported(flaps, &limits, "pump-1", 100500);
    assert_false(m4h_flaps_judge(flaps, &limits, "pump-1", &seen, 101000).report);
    assert_true(m4h_flaps_judge(flaps, &limits, "pump-2", &seen, 101000).report);
    m4h_flaps_destroy(flaps);
}

static void a_limit_of_none_lets_everybody_throw_out_everybody(void **state)
{
    static const uint64_t times[] = {100000, 100001, 100002, 100003};
    const struct m4h_flaps_limits never = {.window_ms = 60000, .hold_ms = 10000};
    struct m4h_flaps *flaps = flaps_with(times, 4);
    struct m4h_flaps_verdict verdict =
        m4h_flaps_judge(flaps, &never, "pump-1", &(struct m4h_flaps_seen){9, 100003}, 100004);

    (void)state;
    assert_false(verdict.flapping || verdict.close || verdict.held || verdict.report);
    m4h_flaps_destroy(flaps);
}

static void one_device_is_not_taken_for_another(void **state)
{
    static const uint64_t times[] = {100000, 101000, 102000};
    struct m4h_flaps *flaps = flaps_with(times, 3);

    (void)state;
    assert_false(m4h_flaps_judge(flaps, &limits, "pump-2", &unseen, 102000).flapping);
    m4h_flaps_destroy(flaps);
}

static void ever_more_evictions_are_counted_up_to_a_bound(void **state)
{
    struct m4h_flaps *flaps = flaps_with(NULL, 0);

    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        m4h_flaps_evicted(flaps, &limits, "pump-1", 100000 + i);
    expect(flaps, &unseen, 101000, M4H_FLAPS_EVICTIONS_MAX, true, true);
    expect(flaps, &unseen, 100999 + limits.hold_ms, M4H_FLAPS_EVICTIONS_MAX, true, false);
    m4h_flaps_destroy(flaps);
}

static void the_bound_holds_for_any_number_of_keys_and_the_oldest_go(void **state)
{
    struct m4h_flaps *flaps = flaps_with(NULL, 0);
    char key[24];

    (void)state;
    for (unsigned i = 0; i < 3 * M4H_FLAPS_KEYS_MAX; i++) {
        snprintf(key, sizeof(key), "pump-%u", i);
        for (int n = 0; n < 3; n++)
            m4h_flaps_evicted(flaps, &limits, key, 100000);
        assert_in_range(m4h_flaps_count(flaps), 1, M4H_FLAPS_KEYS_MAX);
    }
    assert_true(m4h_flaps_judge(flaps, &limits, key, &unseen, 100001).flapping);
    assert_false(m4h_flaps_judge(flaps, &limits, "pump-0", &unseen, 100001).flapping);
    m4h_flaps_destroy(flaps);
}

static void what_is_over_is_forgotten(void **state)
{
    struct m4h_flaps *flaps = flaps_with(NULL, 0);
    char key[24];

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "pump-%u", i);
        m4h_flaps_evicted(flaps, &limits, key, 100000);
    }
    m4h_flaps_evicted(flaps, &limits, "late", 100000 + limits.window_ms);
    assert_int_equal(m4h_flaps_count(flaps), 1);
    m4h_flaps_destroy(flaps);
}

static void nothing_is_destroyed_harmlessly(void **state)
{
    (void)state;
    m4h_flaps_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_flaps_from_the_third_eviction_in_a_window_on),
        cmocka_unit_test(while_it_flaps_the_next_eviction_waits_for_the_hold),
        cmocka_unit_test(one_eviction_before_it_flaps_it_is_close),
        cmocka_unit_test(what_a_master_saw_elsewhere_counts_too),
        cmocka_unit_test(it_is_said_once_in_a_window),
        cmocka_unit_test(it_is_said_once_also_where_it_happens_elsewhere),
        cmocka_unit_test(a_limit_of_none_lets_everybody_throw_out_everybody),
        cmocka_unit_test(one_device_is_not_taken_for_another),
        cmocka_unit_test(ever_more_evictions_are_counted_up_to_a_bound),
        cmocka_unit_test(the_bound_holds_for_any_number_of_keys_and_the_oldest_go),
        cmocka_unit_test(what_is_over_is_forgotten),
        cmocka_unit_test(nothing_is_destroyed_harmlessly),
    };

    return cmocka_run_group_tests_name("slave: flaps", tests, NULL, NULL);
}
