/* Fallback regions as the configuration writes them. */
#include "services/master/core/fallback.h"

#include "lib/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_fallback fallback;
static char message[100];

static int parse(const char *text)
{
    return m4h_fallback_parse(&fallback, text, message, sizeof(message));
}

static void nothing_is_no_fallback(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_null(m4h_fallback_of(&fallback, "eu"));
}

static void chains_are_read_in_order(void **state)
{
    const struct m4h_fallback_chain *chain;

    (void)state;
    assert_int_equal(parse("eu>us>ap, us > eu"), 0);
    chain = m4h_fallback_of(&fallback, "eu");
    assert_non_null(chain);
    assert_int_equal(chain->count, 3);
    assert_string_equal(chain->regions[1], "us");
    assert_string_equal(chain->regions[2], "ap");
    chain = m4h_fallback_of(&fallback, "us");
    assert_non_null(chain);
    assert_string_equal(chain->regions[1], "eu");
    assert_null(m4h_fallback_of(&fallback, "ap"));
}

static void a_wrong_text_is_refused_with_a_reason(void **state)
{
    static const char *const wrong[] = {
        "eu",     ">",
        "eu>",    "eu>US",
        ",",      "eu>us,eu>ap",
        "eu>>us", "a>b>c>d>e>f>g>h>i",
        "e u>us", "eu>us,,us>eu",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        message[0] = '\0';
        assert_int_equal(parse(wrong[i]), M4H_EINVALID);
        assert_true(message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_fallback),
        cmocka_unit_test(chains_are_read_in_order),
        cmocka_unit_test(a_wrong_text_is_refused_with_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
