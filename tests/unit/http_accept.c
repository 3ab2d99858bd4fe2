#include "lib/http/accept.h"

#include "lib/base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define JSON "application/json"

static void json_passes_where_a_range_lets_it(void **state)
{
    static const char *const headers[] = {
        NULL,
        "",
        " , ",
        "*/*",
        "application/*",
        JSON,
        "Application/JSON",
        "text/html, application/json",
        "text/html,*/*;q=0.1",
        "application/json;charset=utf-8",
        "application/json ; q=0.001",
        "text/html;q=0, */*",
        "*/*;q=0, application/json",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(headers); i++) {
        if (!m4h_http_accept_allows(headers[i], JSON))
            fail_msg("refused by %s", headers[i]);
    }
}

static void json_does_not_pass_where_none_does_or_the_closest_says_no(void **state)
{
    static const char *const headers[] = {
        "text/html",
        "text/*, image/png",
        "application/xml",
        "application/json;q=0",
        "application/json; charset=utf-8; q=0.0",
        "*/*, application/json;q=0",
        "application/*;q=0, */*",
        "application",
        "application/jso",
        "application/json5",
        "applications/*",
        "*",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(headers); i++) {
        if (m4h_http_accept_allows(headers[i], JSON))
            fail_msg("let through by %s", headers[i]);
    }
}

static void a_body_has_a_type_whatever_its_parameters(void **state)
{
    (void)state;
    assert_true(m4h_http_type_is(JSON, JSON));
    assert_true(m4h_http_type_is(" application/JSON ; charset=utf-8", JSON));
    assert_false(m4h_http_type_is("application/jsonl", JSON));
    assert_false(m4h_http_type_is("text/plain; application/json", JSON));
    assert_false(m4h_http_type_is("*/*", JSON));
    assert_false(m4h_http_type_is("", JSON));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_passes_where_a_range_lets_it),
        cmocka_unit_test(json_does_not_pass_where_none_does_or_the_closest_says_no),
        cmocka_unit_test(a_body_has_a_type_whatever_its_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
