#include "lib/base/attributes.h"
#include "lib/http/etag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_tag_is_found_in_any_list_that_holds_it(void **state)
{
    static const char *const lists[] = {
        "\"a1\"",   "W/\"a1\"",    "\"x\", \"a1\"",    "\"x\",W/\"a1\"",
        " \"a1\" ", "\"\",\"a1\"", "\"x\" , , \"a1\"", "\"x,y\",\"a1\"",
        "*",        " * "};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(lists); i++) {
        if (!m4h_http_etag_matches(lists[i], "\"a1\""))
            fail_msg("not found in: %s", lists[i]);
    }
}

static void what_is_no_list_with_the_tag_matches_nothing(void **state)
{
    static const char *const lists[] = {"",           "a1",        "\"a1",      "\"A1\"",
                                        "\"a1x\"",    "\"a\"",     "x\"a1\"",   "\"x\" \"a1\"",
                                        "\"x,\"a1\"", "**",        "*, \"a1\"", "w/\"a1\"",
                                        "W/ \"a1\"",  "W/W/\"a1\""};

    (void)state;
    assert_false(m4h_http_etag_matches(NULL, "\"a1\""));
    for (size_t i = 0; i < M4H_COUNT(lists); i++) {
        if (m4h_http_etag_matches(lists[i], "\"a1\""))
            fail_msg("found in: %s", lists[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_is_found_in_any_list_that_holds_it),
        cmocka_unit_test(what_is_no_list_with_the_tag_matches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
