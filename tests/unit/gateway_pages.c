#include "lib/base/log.h"
#include "tests/unit/gateway_fixture.h"

#include <stdio.h>
#include <string.h>

#define TEXT 262144

static struct gateway_fixture fixture;
static char text[TEXT];

static int start(void **state)
{
    (void)state;
    gateway_fixture_start(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gateway_fixture_stop(&fixture);
    return 0;
}

static int ask(const char *line)
{
    return gateway_fixture_ask(&fixture, line, "", text, TEXT);
}

static void expect(const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in: %.2000s", part, text);
}

static void the_dashboard_may_load_nothing_from_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(ask("GET / HTTP/1.1"), 200);
    expect("Content-Type: text/html; charset=utf-8\r\n");
    expect("Content-Security-Policy: default-src 'none'; script-src 'self'; ");
    expect("frame-ancestors 'none'\r\n");
    expect("X-Content-Type-Options: nosniff\r\n");
    expect("Referrer-Policy: no-referrer\r\n");
    expect("<!doctype html>");
    assert_null(strstr(text, "http://"));
    assert_null(strstr(text, "https://"));
    assert_null(strstr(text, "style="));
    assert_null(strstr(text, "<script>"));
}

static void its_files_have_their_types(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /web/dashboard.css HTTP/1.1"), 200);
    expect("Content-Type: text/css; charset=utf-8\r\n");
    expect("nosniff");
    assert_int_equal(ask("GET /web/dashboard.js HTTP/1.1"), 200);
    expect("Content-Type: text/javascript; charset=utf-8\r\n");
    assert_int_equal(ask("GET /web/icon.svg HTTP/1.1"), 200);
    expect("Content-Type: image/svg+xml\r\n");
}

static void the_description_of_rest_is_there_for_tools(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /openapi.json HTTP/1.1"), 200);
    expect("Content-Type: application/json\r\n");
    expect("ETag: \"");
    expect("\r\n\r\n{\n  \"openapi\": \"3.1.0\",");
}

static void a_browser_that_has_a_file_gets_no_second_one(void **state)
{
    char line[256], etag[128];
    const char *at;

    (void)state;
    assert_int_equal(ask("GET /web/dashboard.css HTTP/1.1"), 200);
    expect("Cache-Control: no-cache\r\n");
    at = strstr(text, "ETag: ");
    assert_non_null(at);
    snprintf(etag, sizeof(etag), "%.66s", at + strlen("ETag: "));
    snprintf(line, sizeof(line), "GET /web/dashboard.css HTTP/1.1\r\nIf-None-Match: %s", etag);
    assert_int_equal(ask(line), 304);
    expect(etag);
    assert_null(strstr(text, "\r\nContent-Type:"));
    assert_int_equal(ask("GET /web/dashboard.css HTTP/1.1\r\nIf-None-Match: \"other\""), 200);
}

static void what_is_no_file_of_it_is_not_found(void **state)
{
    static const char *const lines[] = {"GET /web/nothing.js HTTP/1.1", "GET /web/ HTTP/1.1",
                                        "GET /web/..%2fgateway.c HTTP/1.1",
                                        "GET /web/x/y HTTP/1.1"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(lines); i++) {
        int status = ask(lines[i]);

        if (status != 404 && status != 400)
            fail_msg("%s: %d", lines[i], status);
        expect("application/problem+json");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dashboard_may_load_nothing_from_elsewhere),
        cmocka_unit_test(its_files_have_their_types),
        cmocka_unit_test(the_description_of_rest_is_there_for_tools),
        cmocka_unit_test(a_browser_that_has_a_file_gets_no_second_one),
        cmocka_unit_test(what_is_no_file_of_it_is_not_found),
    };

    m4h_log_set_level(M4H_LOG_ERROR);
    return cmocka_run_group_tests(tests, start, stop);
}
