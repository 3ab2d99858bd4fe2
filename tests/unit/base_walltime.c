/* lib/base/walltime: RFC 3339 texts. */
#include "lib/base/walltime.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void times_are_written_in_utc_with_milliseconds(void **state)
{
    char text[M4H_WALLTIME_TEXT_MAX];

    (void)state;
    assert_string_equal(m4h_walltime_format(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(m4h_walltime_format(951782400007u, text), "2000-02-29T00:00:00.007Z");
    assert_string_equal(m4h_walltime_format(1800000000123u, text), "2027-01-15T08:00:00.123Z");
    assert_string_equal(m4h_walltime_format(253402300799999u, text), "9999-12-31T23:59:59.999Z");
}

static void a_time_that_has_no_text_still_fits(void **state)
{
    char text[M4H_WALLTIME_TEXT_MAX];

    (void)state;
    assert_int_equal(strlen(m4h_walltime_format(UINT64_MAX, text)), 24);
}

static void now_is_after_this_was_written(void **state)
{
    (void)state;
    assert_true(m4h_walltime_now_ms() > 1700000000000u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_in_utc_with_milliseconds),
        cmocka_unit_test(a_time_that_has_no_text_still_fits),
        cmocka_unit_test(now_is_after_this_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
