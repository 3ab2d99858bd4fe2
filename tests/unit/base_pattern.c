/* lib/base/pattern: what fits, and what a hostile pattern costs. */
#include "lib/base/pattern.h"

#include "lib/base/attributes.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void patterns_fit_the_whole_text(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything at all", true},
        {"**", "x", true},
        {"?", "", false},
        {"?", "x", true},
        {"?", "xy", false},
        {"berlin-*", "berlin-7", true},
        {"berlin-*", "berlin-", true},
        {"berlin-*", "xberlin-7", false},
        {"berlin-*", "berlin", false},
        {"*-7", "berlin-7", true},
        {"*-7", "berlin-77", false},
        {"*-7", "berlin-7-7", true},
        {"b*n-?", "berlin-7", true},
        {"b*n-?", "bn-77", false},
        {"*a*b*", "xxaxxbxx", true},
        {"*a*b*", "xxbxxaxx", false},
        {"a\\*", "a*", false},
        {"[a]", "a", false},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        if (m4h_pattern_matches(cases[i].pattern, cases[i].text) != cases[i].fits)
            fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].text);
    }
}

/* With a recursion for each star this one would not end. */
static void many_stars_end_soon(void **state)
{
    char pattern[128], text[129];

    (void)state;
    for (size_t i = 0; i < sizeof(pattern) - 2; i += 2)
        memcpy(pattern + i, "*a", 2);
    memcpy(pattern + sizeof(pattern) - 2, "b", 2);
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(m4h_pattern_matches(pattern, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_fit_the_whole_text),
        cmocka_unit_test(many_stars_end_soon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
