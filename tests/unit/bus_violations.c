/* What a user may not do is named once for each connection (lib/bus/violations.c). */
#include "lib/bus/violations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void each_is_named_once_for_each_connection(void **state)
{
    struct m4h_violations violations = {0};

    (void)state;
    assert_true(m4h_violations_note(&violations, "Publish to \"a\""));
    assert_false(m4h_violations_note(&violations, "Publish to \"a\""));
    assert_true(m4h_violations_note(&violations, "Publish to \"b\""));
    m4h_violations_begin(&violations);
    assert_true(m4h_violations_note(&violations, "Publish to \"a\""));
}

static void beyond_the_bound_none_is_named(void **state)
{
    struct m4h_violations violations = {0};
    size_t named = 0;
    char text[32];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "Publish to \"%d\"", i);
        named += m4h_violations_note(&violations, text);
    }
    assert_int_equal(named, M4H_VIOLATIONS_NAMED_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_named_once_for_each_connection),
        cmocka_unit_test(beyond_the_bound_none_is_named),
    };

    return cmocka_run_group_tests_name("bus: violations", tests, NULL, NULL);
}
