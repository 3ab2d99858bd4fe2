/* Which masters are there, by their hellos. */
#include "services/master/core/masters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct m4h_masters masters;

static struct m4h_master_hello hello(const char *id, uint64_t instance)
{
    struct m4h_master_hello made = {.instance = instance, .started_wall_ms = instance};

    m4h_text_copy(made.master_id, sizeof(made.master_id), id);
    return made;
}

static enum m4h_masters_news hear(const char *id, uint64_t instance, uint64_t now_ms)
{
    struct m4h_master_hello said = hello(id, instance);

    return m4h_masters_heard(&masters, &said, now_ms, now_ms);
}

static int begin(void **state)
{
    struct m4h_master_hello self = hello("m-2", 2);

    (void)state;
    m4h_masters_init(&masters, &self);
    return 0;
}

static void all_that_are_heard_are_listed_by_id(void **state)
{
    struct m4h_cluster_status status;

    (void)state;
    assert_int_equal(hear("m-2", 2, 1000), M4H_MASTERS_NOTHING);
    assert_int_equal(hear("m-3", 3, 1000), M4H_MASTERS_CAME);
    assert_int_equal(hear("m-1", 1, 2000), M4H_MASTERS_CAME);
    assert_int_equal(hear("m-3", 3, 3000), M4H_MASTERS_NOTHING);
    m4h_masters_status(&masters, 4000, &status);
    assert_int_equal(status.master_count, 3);
    assert_string_equal(status.masters[0].master_id, "m-1");
    assert_string_equal(status.masters[1].master_id, "m-2");
    assert_true(status.masters[1].last_seen_wall_ms == 4000);
    assert_string_equal(status.masters[2].master_id, "m-3");
    assert_true(status.masters[2].last_seen_wall_ms == 3000);
}

static void one_that_stops_or_is_silent_is_gone(void **state)
{
    struct m4h_master_hello last = hello("m-1", 1), gone;

    (void)state;
    hear("m-1", 1, 1000);
    hear("m-3", 3, 1000);
    last.stopping = true;
    assert_int_equal(m4h_masters_heard(&masters, &last, 2000, 2000), M4H_MASTERS_WENT);
    assert_int_equal(m4h_masters_heard(&masters, &last, 2000, 2000), M4H_MASTERS_NOTHING);
    assert_false(m4h_masters_expire(&masters, 1000 + M4H_MASTERS_GONE_MS - 1, &gone));
    assert_true(m4h_masters_expire(&masters, 1000 + M4H_MASTERS_GONE_MS, &gone));
    assert_string_equal(gone.master_id, "m-3");
    assert_int_equal(masters.count, 0);
}

static void another_with_our_id_is_told(void **state)
{
    (void)state;
    assert_int_equal(hear("m-2", 7, 1000), M4H_MASTERS_SAME_ID);
    assert_int_equal(hear("m-2", 7, 2000), M4H_MASTERS_NOTHING);
    assert_int_equal(masters.count, 1);
}

static void more_than_fit_are_not_remembered(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < M4H_MASTERS_MAX - 1; i++)
        assert_int_equal(hear("m", 10 + i, 1000), M4H_MASTERS_CAME);
    assert_int_equal(hear("m", 9, 1000), M4H_MASTERS_FULL);
    assert_int_equal(hear("m", 10, 1000), M4H_MASTERS_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_that_are_heard_are_listed_by_id, begin),
        cmocka_unit_test_setup(one_that_stops_or_is_silent_is_gone, begin),
        cmocka_unit_test_setup(another_with_our_id_is_told, begin),
        cmocka_unit_test_setup(more_than_fit_are_not_remembered, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
