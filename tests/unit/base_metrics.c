/* lib/base/metrics: Prometheus' text format. */
#include "lib/base/metrics.h"

#include "lib/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_text(struct m4h_buffer *buffer, const char *text)
{
    assert_int_equal(m4h_buffer_add(buffer, "", 1), 0);
    assert_string_equal((const char *)buffer->data, text);
}

static void a_single_metric_has_help_type_and_value(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(1024);
    struct m4h_metrics metrics = {.out = &buffer};

    (void)state;
    m4h_metrics_single(&metrics, "mas4h_tunnels", "gauge", "Tunnels.", 12);
    assert_int_equal(metrics.error, 0);
    assert_text(&buffer, "# HELP mas4h_tunnels Tunnels.\n"
                         "# TYPE mas4h_tunnels gauge\n"
                         "mas4h_tunnels 12\n");
    m4h_buffer_free(&buffer);
}

static void labels_are_escaped(void **state)
{
    const struct m4h_metric_label labels[] = {{"a", "q\"b\\s\nn"}, {"b", "caf\xc3\xa9"}};
    struct m4h_buffer buffer = M4H_BUFFER_INIT(1024);
    struct m4h_metrics metrics = {.out = &buffer};

    (void)state;
    m4h_metrics_value(&metrics, "x", labels, 2, 0.5);
    assert_text(&buffer, "x{a=\"q\\\"b\\\\s\\nn\",b=\"caf\xc3\xa9\"} 0.5\n");
    m4h_buffer_free(&buffer);
}

static void large_counters_keep_every_digit(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(1024);
    struct m4h_metrics metrics = {.out = &buffer};

    (void)state;
    m4h_metrics_value(&metrics, "x", NULL, 0, 9007199254740991.0);
    assert_text(&buffer, "x 9007199254740991\n");
    m4h_buffer_free(&buffer);
}

static void a_histogram_is_written_in_buckets_that_hold_those_before(void **state)
{
    static const uint64_t bounds_us[] = {1000, 50000};
    const struct m4h_metric_label label = {"loop", "main"};
    struct m4h_buffer buffer = M4H_BUFFER_INIT(1024);
    struct m4h_metrics metrics = {.out = &buffer};
    struct m4h_histogram histogram;

    (void)state;
    m4h_histogram_init(&histogram, bounds_us, 2);
    m4h_histogram_add(&histogram, 0);
    m4h_histogram_add(&histogram, 1000);
    m4h_histogram_add(&histogram, 1001);
    m4h_histogram_add(&histogram, 2000000);
    m4h_metrics_histogram(&metrics, "lag_seconds", &label, 1, &histogram, 1e-6);
    assert_text(&buffer, "lag_seconds_bucket{loop=\"main\",le=\"0.001\"} 2\n"
                         "lag_seconds_bucket{loop=\"main\",le=\"0.05\"} 3\n"
                         "lag_seconds_bucket{loop=\"main\",le=\"+Inf\"} 4\n"
                         "lag_seconds_sum{loop=\"main\"} 2.0020009999999999\n"
                         "lag_seconds_count{loop=\"main\"} 4\n");
    m4h_buffer_free(&buffer);
}

static void the_first_error_is_kept(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(40);
    struct m4h_metrics metrics = {.out = &buffer};

    (void)state;
    m4h_metrics_single(&metrics, "mas4h_tunnels", "gauge", "Tunnels.", 12);
    assert_int_equal(metrics.error, M4H_ETOOBIG);
    m4h_metrics_value(&metrics, "x", NULL, 0, 1);
    assert_int_equal(metrics.error, M4H_ETOOBIG);
    m4h_buffer_free(&buffer);
}

/* The value of a metric without labels. */
static double value_of(const char *text, const char *name)
{
    char start[64];
    const char *at;

    snprintf(start, sizeof(start), "\n%s ", name);
    at = strstr(text, start);
    if (at == NULL)
        fail_msg("%s is missing", name);
    return strtod(at + strlen(start), NULL);
}

static void a_process_tells_of_itself(void **state)
{
    struct m4h_buffer buffer = M4H_BUFFER_INIT(8192);
    struct m4h_metrics metrics = {.out = &buffer};
    const char *text;

    (void)state;
    m4h_metrics_process(&metrics, "slave");
    assert_int_equal(metrics.error, 0);
    assert_int_equal(m4h_buffer_add(&buffer, "", 1), 0);
    text = (const char *)buffer.data;
    assert_non_null(
        strstr(text, "mas4h_build_info{service=\"slave\",version=\"" M4H_VERSION "\"} 1"));
    assert_true(value_of(text, "process_resident_memory_bytes") > 100000);
    assert_true(value_of(text, "process_open_fds") >= 1);
    assert_true(value_of(text, "process_max_fds") >= value_of(text, "process_open_fds"));
    assert_true(value_of(text, "process_start_time_seconds") > 1600000000);
    m4h_buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_metric_has_help_type_and_value),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(large_counters_keep_every_digit),
        cmocka_unit_test(a_histogram_is_written_in_buckets_that_hold_those_before),
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(a_process_tells_of_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
