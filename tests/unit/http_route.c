#include "lib/base/error.h"
#include "lib/http/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void handler(void *context, struct m4h_http_request *request)
{
    (void)context;
    (void)request;
}

static const struct m4h_http_route table[] = {
    {"GET", "/", handler, false, 0},
    {"GET", "/v1/tunnels", handler, false, 0},
    {"GET", "/v1/tunnels/{client_key}", handler, false, 0},
    {"DELETE", "/v1/tunnels/{client_key}", handler, false, 0},
    {"POST", "/v1/slaves/{slave_id}/drain", handler, false, 0},
    {"GET", "/a/{one}/b/{two}", handler, false, 0},
};
static const struct m4h_http_route more[] = {{"POST", "/v1/tunnels", handler, false, 0}};
static const struct m4h_http_routes routes[] = {{table, M4H_COUNT(table), NULL},
                                                {more, M4H_COUNT(more), NULL}};

static int find(const char *method, const char *path, struct m4h_http_match *match)
{
    static char text[256];

    snprintf(text, sizeof(text), "%s", path);
    return m4h_http_route_find(routes, M4H_COUNT(routes), method, text, match);
}

static void a_path_finds_its_route_and_others_do_not(void **state)
{
    static const struct {
        const char *method, *path;
        int expected;
        const char *pattern;
    } cases[] = {
        {"GET", "/", 0, "/"},
        {"GET", "/v1/tunnels", 0, "/v1/tunnels"},
        {"HEAD", "/v1/tunnels", 0, "/v1/tunnels"},
        {"POST", "/v1/tunnels", 0, "/v1/tunnels"},
        {"DELETE", "/v1/tunnels/x", 0, "/v1/tunnels/{client_key}"},
        {"POST", "/v1/slaves/s1/drain", 0, "/v1/slaves/{slave_id}/drain"},
        {"GET", "/v1/tunnels/", M4H_EINVALID, NULL},
        {"GET", "/v1/tunnels/x/y", M4H_ENOTFOUND, NULL},
        {"GET", "/v1", M4H_ENOTFOUND, NULL},
        {"GET", "/v1/tunnelsx", M4H_ENOTFOUND, NULL},
        {"GET", "", M4H_ENOTFOUND, NULL},
        {"GET", "*", M4H_ENOTFOUND, NULL},
        {"GET", "//v1/tunnels", M4H_ENOTFOUND, NULL},
        {"PUT", "/v1/tunnels/x", M4H_EEXIST, NULL},
        {"HEAD", "/v1/slaves/s1/drain", M4H_EEXIST, NULL},
        {"get", "/", M4H_EEXIST, NULL},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_http_match match;

        assert_int_equal(find(cases[i].method, cases[i].path, &match), cases[i].expected);
        if (cases[i].pattern != NULL)
            assert_string_equal(match.route->pattern, cases[i].pattern);
    }
}

static void values_are_decoded_one_segment_each(void **state)
{
    struct m4h_http_match match;

    (void)state;
    assert_int_equal(find("GET", "/a/x%2Fy/b/%C3%A9", &match), 0);
    assert_int_equal(match.parameter_count, 2);
    assert_string_equal(match.parameters[0].value, "x/y");
    assert_string_equal(match.parameters[1].value, "\xc3\xa9");
    assert_int_equal(find("GET", "/a/one/b/two", &match), 0);
    assert_string_equal(match.parameters[0].value, "one");
    assert_string_equal(match.parameters[1].value, "two");
}

static void a_value_that_does_not_decode_is_refused(void **state)
{
    struct m4h_http_match match;

    (void)state;
    assert_int_equal(find("GET", "/v1/tunnels/%00", &match), M4H_EINVALID);
    assert_int_equal(find("GET", "/v1/tunnels/%ff", &match), M4H_EINVALID);
    assert_int_equal(find("GET", "/v1/tunnels/%f", &match), M4H_EINVALID);
}

static void the_methods_of_a_path_are_told(void **state)
{
    struct m4h_http_match match;

    (void)state;
    assert_int_equal(find("PUT", "/v1/tunnels/x", &match), M4H_EEXIST);
    assert_string_equal(match.allow, "GET, HEAD, DELETE");
    assert_int_equal(find("PUT", "/v1/tunnels", &match), M4H_EEXIST);
    assert_string_equal(match.allow, "GET, HEAD, POST");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_finds_its_route_and_others_do_not),
        cmocka_unit_test(values_are_decoded_one_segment_each),
        cmocka_unit_test(a_value_that_does_not_decode_is_refused),
        cmocka_unit_test(the_methods_of_a_path_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
