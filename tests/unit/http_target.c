#include "lib/base/error.h"
#include "lib/http/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void percent_escapes_are_decoded_and_bad_ones_refused(void **state)
{
    static const struct {
        const char *in;
        const char *out; /* NULL: refused */
    } cases[] = {
        {"plain", "plain"},
        {"a%20b", "a b"},
        {"%C3%A9", "\xc3\xa9"},
        {"%c3%a9", "\xc3\xa9"},
        {"a+b", "a+b"},
        {"%2F%2f", "//"},
        {"", ""},
        {"%", NULL},
        {"%4", NULL},
        {"%zz", NULL},
        {"%00", NULL},
        {"a%0ab", NULL},
        {"%ff", NULL},
        {"%c3", NULL},
        {"%C2%85", NULL},
        {"\x01", NULL},
        {"%25", "%"},
        {"%2541", "%41"},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        char text[32];

        snprintf(text, sizeof(text), "%s", cases[i].in);
        if (cases[i].out == NULL) {
            assert_int_equal(m4h_http_percent_decode(text), M4H_EINVALID);
            continue;
        }
        assert_int_equal(m4h_http_percent_decode(text), 0);
        assert_string_equal(text, cases[i].out);
    }
}

static void a_query_is_split_and_decoded(void **state)
{
    char query[] = "region=eu&&name=a+b%26c&empty=&bare";
    struct m4h_http_parameter parameters[M4H_HTTP_QUERY_MAX];
    size_t count;

    (void)state;
    assert_int_equal(m4h_http_query_parse(query, parameters, &count), 0);
    assert_int_equal(count, 4);
    assert_string_equal(parameters[0].name, "region");
    assert_string_equal(parameters[0].value, "eu");
    assert_string_equal(parameters[1].value, "a b&c");
    assert_string_equal(parameters[2].value, "");
    assert_string_equal(parameters[3].name, "bare");
    assert_string_equal(parameters[3].value, "");
}

static void a_query_with_too_many_parameters_is_refused(void **state)
{
    struct m4h_http_parameter parameters[M4H_HTTP_QUERY_MAX];
    char query[4 * M4H_HTTP_QUERY_MAX + 8] = "";
    size_t count;

    (void)state;
    for (int i = 0; i < M4H_HTTP_QUERY_MAX; i++)
        memcpy(query + 4 * i, "a=1&", 5);
    assert_int_equal(m4h_http_query_parse(query, parameters, &count), 0);
    for (int i = 0; i < M4H_HTTP_QUERY_MAX; i++)
        memcpy(query + 4 * i, "a=1&", 5);
    memcpy(query + 4 * M4H_HTTP_QUERY_MAX, "a=1", 4);
    assert_int_equal(m4h_http_query_parse(query, parameters, &count), M4H_EINVALID);
}

static void a_query_that_does_not_decode_is_refused(void **state)
{
    struct m4h_http_parameter parameters[M4H_HTTP_QUERY_MAX];
    char query[] = "region=%ff";
    size_t count;

    (void)state;
    assert_int_equal(m4h_http_query_parse(query, parameters, &count), M4H_EINVALID);
}

static void the_path_of_an_absolute_target_is_found(void **state)
{
    (void)state;
    assert_string_equal(m4h_http_target_path("/a?b"), "/a?b");
    assert_string_equal(m4h_http_target_path("http://host:80/a?b"), "/a?b");
    assert_string_equal(m4h_http_target_path("HTTPS://host/"), "/");
    assert_string_equal(m4h_http_target_path("http://host"), "/");
    assert_string_equal(m4h_http_target_path("*"), "*");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_escapes_are_decoded_and_bad_ones_refused),
        cmocka_unit_test(a_query_is_split_and_decoded),
        cmocka_unit_test(a_query_with_too_many_parameters_is_refused),
        cmocka_unit_test(a_query_that_does_not_decode_is_refused),
        cmocka_unit_test(the_path_of_an_absolute_target_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
