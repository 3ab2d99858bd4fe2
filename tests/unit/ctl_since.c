/* services/ctl/core/since: a moment in the past, as people say it. */
#include "lib/base/error.h"
#include "services/ctl/core/since.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW_MS 1700000000000u

static uint64_t since(const char *text)
{
    uint64_t wall_ms = 0;

    assert_int_equal(m4h_ctl_since_parse(text, NOW_MS, &wall_ms), 0);
    return wall_ms;
}

static void so_long_ago_is_counted_back_from_now(void **state)
{
    (void)state;
    assert_int_equal(since("90s"), NOW_MS - 90000);
    assert_int_equal(since("15m"), NOW_MS - 900000);
    assert_int_equal(since("1h"), NOW_MS - 3600000);
    assert_int_equal(since("7d"), NOW_MS - 604800000);
    assert_int_equal(since("999999999d"), 0);
}

static void a_time_is_itself(void **state)
{
    (void)state;
    assert_int_equal(since("1970-01-01T00:00:01Z"), 1000);
}

static void anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {"", "h", "1", "1w", "1hh", "-1h", "1000000000s", "today"};
    uint64_t wall_ms;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(m4h_ctl_since_parse(wrong[i], NOW_MS, &wall_ms), M4H_EINVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_long_ago_is_counted_back_from_now),
        cmocka_unit_test(a_time_is_itself),
        cmocka_unit_test(anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
