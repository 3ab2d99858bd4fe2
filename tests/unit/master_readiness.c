/* When a master answers for the cluster. */
#include "services/master/core/readiness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_master_readiness readiness;

static int begin(void **state)
{
    (void)state;
    readiness = (struct m4h_master_readiness){0};
    m4h_master_readiness_connected(&readiness, true, 1000);
    return 0;
}

/* Whether it is ready at that time. */
static bool at(uint64_t now_ms, bool is_synced)
{
    m4h_master_readiness_decide(&readiness, is_synced, now_ms);
    return readiness.is_ready;
}

static void it_listens_for_three_seconds(void **state)
{
    (void)state;
    assert_false(at(3999, true));
    assert_int_equal(m4h_master_readiness_next_ms(&readiness, 3999), 4000);
    assert_non_null(m4h_master_readiness_lack(&readiness));
    assert_true(at(4000, true));
    assert_null(m4h_master_readiness_lack(&readiness));
    assert_int_equal(m4h_master_readiness_next_ms(&readiness, 4000), UINT64_MAX);
}

static void it_waits_for_the_snapshots(void **state)
{
    (void)state;
    assert_false(at(5000, false));
    assert_true(at(6000, true));
}

static void a_slave_that_cannot_be_synced_does_not_hold_it_up_for_ever(void **state)
{
    (void)state;
    assert_false(at(20999, false));
    assert_true(at(21000, false));
}

static void a_gap_later_does_not_make_it_unready(void **state)
{
    (void)state;
    assert_true(at(4000, true));
    assert_true(at(5000, false));
}

static void without_the_bus_it_is_not_ready_and_with_it_again_at_once(void **state)
{
    (void)state;
    assert_true(at(4000, true));
    m4h_master_readiness_connected(&readiness, false, 5000);
    assert_false(at(5000, true));
    m4h_master_readiness_connected(&readiness, true, 9000);
    assert_true(at(9000, true));
}

static void a_connection_that_breaks_early_begins_the_time_anew(void **state)
{
    (void)state;
    m4h_master_readiness_connected(&readiness, false, 2000);
    m4h_master_readiness_connected(&readiness, true, 3000);
    assert_false(at(5000, true));
    assert_true(at(6000, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, begin)
        TEST(it_listens_for_three_seconds),
        TEST(it_waits_for_the_snapshots),
        TEST(a_slave_that_cannot_be_synced_does_not_hold_it_up_for_ever),
        TEST(a_gap_later_does_not_make_it_unready),
        TEST(without_the_bus_it_is_not_ready_and_with_it_again_at_once),
        TEST(a_connection_that_breaks_early_begins_the_time_anew),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
