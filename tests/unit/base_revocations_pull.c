/* lib/base/revocations_pull: of whom revocations are asked for, and when that ends. */
#include "lib/base/revocations_pull.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OURS   1u
#define THEIRS 2u

static void another_digest_is_asked_for_page_by_page_and_then_no_more(void **state)
{
    struct m4h_revocations_pull pull = {0};

    (void)state;
    assert_true(m4h_revocations_pull_heard(&pull, "master-1", THEIRS, OURS));
    assert_string_equal(pull.master, "master-1");
    assert_string_equal(pull.page_token, "");
    assert_false(m4h_revocations_pull_heard(&pull, "master-2", THEIRS, OURS)); /* one at a time */
    assert_true(m4h_revocations_pull_page(&pull, THEIRS, "key:a"));
    assert_string_equal(pull.page_token, "key:a");
    assert_false(m4h_revocations_pull_page(&pull, THEIRS, ""));
    /* We have more than they: it was all merged. */
    assert_false(m4h_revocations_pull_heard(&pull, "master-2", THEIRS, OURS + 7));
    assert_true(m4h_revocations_pull_heard(&pull, "master-2", THEIRS + 1, OURS));
}

static void who_has_the_same_or_nothing_is_not_asked(void **state)
{
    struct m4h_revocations_pull pull = {0};

    (void)state;
    assert_false(m4h_revocations_pull_heard(&pull, "master-1", OURS, OURS));
    assert_false(m4h_revocations_pull_heard(&pull, "master-1", 0, OURS));
    assert_string_equal(pull.master, "");
}

static void what_fails_is_asked_for_again_from_the_start(void **state)
{
    struct m4h_revocations_pull pull = {0};

    (void)state;
    assert_true(m4h_revocations_pull_heard(&pull, "master-1", THEIRS, OURS));
    assert_true(m4h_revocations_pull_page(&pull, THEIRS, "key:a"));
    m4h_revocations_pull_failed(&pull);
    assert_true(m4h_revocations_pull_heard(&pull, "master-2", THEIRS, OURS));
    assert_string_equal(pull.page_token, "");
}

static void a_set_that_changed_while_its_pages_came_is_asked_for_again(void **state)
{
    struct m4h_revocations_pull pull = {0};

    (void)state;
    assert_true(m4h_revocations_pull_heard(&pull, "master-1", THEIRS, OURS));
    assert_true(m4h_revocations_pull_page(&pull, THEIRS, "key:m"));
    /* "key:b" came meanwhile: we have not got it. */
    assert_false(m4h_revocations_pull_page(&pull, THEIRS + 1, ""));
    assert_true(m4h_revocations_pull_heard(&pull, "master-1", THEIRS + 1, OURS));
}

static void pages_that_do_not_go_on_end_it(void **state)
{
    struct m4h_revocations_pull pull = {0};

    (void)state;
    assert_true(m4h_revocations_pull_heard(&pull, "master-1", THEIRS, OURS));
    assert_true(m4h_revocations_pull_page(&pull, THEIRS, "key:m"));
    assert_false(m4h_revocations_pull_page(&pull, THEIRS, "key:m"));
    assert_true(m4h_revocations_pull_heard(&pull, "master-1", THEIRS, OURS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_digest_is_asked_for_page_by_page_and_then_no_more),
        cmocka_unit_test(who_has_the_same_or_nothing_is_not_asked),
        cmocka_unit_test(what_fails_is_asked_for_again_from_the_start),
        cmocka_unit_test(a_set_that_changed_while_its_pages_came_is_asked_for_again),
        cmocka_unit_test(pages_that_do_not_go_on_end_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
