/* services/master/core/label_sets: each set once, for as long as somebody holds it. */
#include "services/master/core/label_sets.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_label_sets sets;

static struct m4h_label_set *hold(const char *labels)
{
    struct m4h_label_set *set;

    assert_int_equal(m4h_label_set_hold(&sets, labels, &set), 0);
    return set;
}

static int begin(void **state)
{
    (void)state;
    return m4h_label_sets_init(&sets, 1);
}

static int end(void **state)
{
    (void)state;
    m4h_label_sets_free(&sets);
    return 0;
}

static void no_labels_are_no_set(void **state)
{
    (void)state;
    assert_null(hold(""));
    assert_string_equal(m4h_label_set_text(NULL), "");
    m4h_label_set_let_go(NULL);
}

static void equal_labels_are_one_set(void **state)
{
    struct m4h_label_set *first = hold("a=1"), *second = hold("a=1"), *other = hold("a=2");

    (void)state;
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, other);
    assert_string_equal(m4h_label_set_text(other), "a=2");
    assert_int_equal(sets.names.count, 2);
    m4h_label_set_let_go(first);
    assert_string_equal(m4h_label_set_text(second), "a=1");
    m4h_label_set_let_go(second);
    assert_int_equal(sets.names.count, 1);
    m4h_label_set_let_go(other);
    assert_int_equal(sets.names.count, 0);
}

static void very_many_sets_come_and_go(void **state)
{
    static struct m4h_label_set *held[5000];
    char text[32];

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(text, sizeof(text), "site=s%u", i);
        held[i] = hold(text);
    }
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(text, sizeof(text), "site=s%u", i);
        assert_string_equal(m4h_label_set_text(held[i]), text);
        m4h_label_set_let_go(held[i]);
    }
    assert_int_equal(sets.names.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_labels_are_no_set, begin, end),
        cmocka_unit_test_setup_teardown(equal_labels_are_one_set, begin, end),
        cmocka_unit_test_setup_teardown(very_many_sets_come_and_go, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
