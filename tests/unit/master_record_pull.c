/* Whose records are asked for, and when. */
#include "services/master/core/record_pull.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void who_has_others_twice_in_a_row_is_asked(void **state)
{
    struct m4h_record_pull pull = {0};

    (void)state;
    assert_false(m4h_record_pull_heard(&pull, "master-2", 7, 5, false));
    assert_true(m4h_record_pull_heard(&pull, "master-2", 7, 5, false));
    assert_string_equal(pull.master_id, "master-2");
    assert_string_equal(pull.page_token, "");
}

static void who_has_the_same_or_none_is_not(void **state)
{
    struct m4h_record_pull pull = {0};

    (void)state;
    for (int i = 0; i < 30; i++) {
        assert_false(m4h_record_pull_heard(&pull, "master-2", 5, 5, true));
        assert_false(m4h_record_pull_heard(&pull, "master-3", 0, 5, true));
    }
}

static void a_change_on_its_way_asks_nobody(void **state)
{
    struct m4h_record_pull pull = {0};

    (void)state;
    assert_false(m4h_record_pull_heard(&pull, "master-2", 7, 5, false));
    assert_false(m4h_record_pull_heard(&pull, "master-2", 7, 7, false)); /* it has come */
    assert_false(m4h_record_pull_heard(&pull, "master-2", 8, 7, false));
}

static void changes_without_end_do_not_hide_that_some_are_missing(void **state)
{
    struct m4h_record_pull pull = {0};

    (void)state;
    for (uint64_t i = 1; i < M4H_RECORD_PULL_TIMES; i++)
        assert_false(m4h_record_pull_heard(&pull, "master-2", 100 + i, 5, false));
    assert_true(m4h_record_pull_heard(&pull, "master-2", 200, 5, false));
}

static void who_has_just_started_asks_at_once(void **state)
{
    struct m4h_record_pull pull = {0};

    (void)state;
    assert_true(m4h_record_pull_heard(&pull, "master-2", 7, 5, true));
    assert_false(m4h_record_pull_heard(&pull, "master-3", 9, 5, true)); /* one at a time */
}

static void pages_are_asked_for_until_the_last(void **state)
{
    struct m4h_record_pull pull = {0};

    (void)state;
    assert_true(m4h_record_pull_heard(&pull, "master-2", 7, 5, true));
    assert_true(m4h_record_pull_page(&pull, "b"));
    assert_string_equal(pull.page_token, "b");
    assert_true(m4h_record_pull_page(&pull, "c"));
    assert_false(m4h_record_pull_page(&pull, ""));
    assert_string_equal(pull.master_id, "");
}

static void what_was_merged_is_not_asked_for_again(void **state)
{
    struct m4h_record_pull pull = {0};

    (void)state;
    assert_true(m4h_record_pull_heard(&pull, "master-2", 7, 5, true));
    assert_false(m4h_record_pull_page(&pull, ""));
    for (int i = 0; i < 30; i++)
        assert_false(m4h_record_pull_heard(&pull, "master-2", 7, 6, false));
    assert_false(m4h_record_pull_heard(&pull, "master-2", 8, 6, false));
    assert_true(m4h_record_pull_heard(&pull, "master-2", 8, 6, false));
}

static void a_master_that_goes_round_in_circles_is_left(void **state)
{
    struct m4h_record_pull pull = {0};

    (void)state;
    assert_true(m4h_record_pull_heard(&pull, "master-2", 7, 5, true));
    assert_true(m4h_record_pull_page(&pull, "b"));
    assert_false(m4h_record_pull_page(&pull, "b"));
    assert_true(m4h_record_pull_heard(&pull, "master-2", 7, 5, true)); /* it was not merged */
}

static void what_fails_is_asked_for_again(void **state)
{
    struct m4h_record_pull pull = {0};

    (void)state;
    assert_true(m4h_record_pull_heard(&pull, "master-2", 7, 5, true));
    m4h_record_pull_failed(&pull);
    assert_true(m4h_record_pull_heard(&pull, "master-2", 7, 5, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_others_twice_in_a_row_is_asked),
        cmocka_unit_test(who_has_the_same_or_none_is_not),
        cmocka_unit_test(a_change_on_its_way_asks_nobody),
        cmocka_unit_test(changes_without_end_do_not_hide_that_some_are_missing),
        cmocka_unit_test(who_has_just_started_asks_at_once),
        cmocka_unit_test(pages_are_asked_for_until_the_last),
        cmocka_unit_test(what_was_merged_is_not_asked_for_again),
        cmocka_unit_test(a_master_that_goes_round_in_circles_is_left),
        cmocka_unit_test(what_fails_is_asked_for_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
