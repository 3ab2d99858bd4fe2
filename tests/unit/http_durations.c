/* lib/http/durations: how long requests took, by route and class of status. */
#include "lib/http/durations.h"

#include "lib/base/latency.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct m4h_http_route first[] = {{"GET", "/a", NULL, false, 0},
                                              {"PUT", "/a", NULL, false, 0}};
static const struct m4h_http_route second[] = {{"GET", "/b/{id}", NULL, false, 0}};
static const struct m4h_http_routes tables[] = {{first, 2, NULL}, {second, 1, NULL}};

static struct m4h_http_durations *durations;
static struct m4h_buffer text;

static int start(void **state)
{
    (void)state;
    text = (struct m4h_buffer)M4H_BUFFER_INIT(65536);
    return m4h_http_durations_create(&durations, tables, M4H_COUNT(tables));
}

static int stop(void **state)
{
    (void)state;
    m4h_http_durations_destroy(durations);
    m4h_buffer_free(&text);
    return 0;
}

static void add(const struct m4h_http_route *route, unsigned status)
{
    m4h_http_durations_add(durations, route, status, m4h_latency_clock_us());
}

static const char *written(void)
{
    struct m4h_metrics metrics = {.out = &text};

    m4h_http_durations_write(durations, "took", &metrics);
    assert_int_equal(metrics.error, 0);
    assert_int_equal(m4h_buffer_add(&text, "", 1), 0);
    return (const char *)text.data;
}

static unsigned times(const char *all, const char *word)
{
    unsigned count = 0;

    while ((all = strstr(all, word)) != NULL) {
        all += strlen(word);
        count++;
    }
    return count;
}

static void what_never_came_is_not_written(void **state)
{
    (void)state;
    assert_string_equal(written(), "# HELP took How long requests took until their answer was "
                                   "there, by route and class of status.\n# TYPE took histogram\n");
}

static void each_route_and_class_has_its_own_series(void **state)
{
    const char *all;

    (void)state;
    add(&first[0], 200);
    add(&first[0], 204);
    add(&first[0], 404);
    add(&first[1], 304);
    add(&second[0], 503);
    add(&second[0], 101);
    all = written();
    assert_int_equal(times(all, "took_count{"), 5);
    assert_non_null(strstr(all, "took_count{route=\"/a\",method=\"GET\",class=\"2xx\"} 2\n"));
    assert_non_null(strstr(all, "took_count{route=\"/a\",method=\"GET\",class=\"4xx\"} 1\n"));
    assert_non_null(strstr(all, "took_count{route=\"/a\",method=\"PUT\",class=\"3xx\"} 1\n"));
    assert_non_null(strstr(all, "took_count{route=\"/b/{id}\",method=\"GET\",class=\"5xx\"} 1\n"));
    assert_non_null(strstr(all, "took_count{route=\"/b/{id}\",method=\"GET\",class=\"1xx\"} 1\n"));
}

static void what_has_no_route_is_one_series_whatever_was_asked_for(void **state)
{
    const char *all;

    (void)state;
    add(NULL, 404);
    add(NULL, 405);
    add(NULL, 999);
    all = written();
    assert_int_equal(times(all, "took_count{"), 1);
    assert_non_null(strstr(all, "took_count{route=\"none\",method=\"any\",class=\"4xx\"} 2\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_never_came_is_not_written, start, stop),
        cmocka_unit_test_setup_teardown(each_route_and_class_has_its_own_series, start, stop),
        cmocka_unit_test_setup_teardown(what_has_no_route_is_one_series_whatever_was_asked_for,
                                        start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
