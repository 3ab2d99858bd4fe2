/* lib/base/walltime: RFC 3339 texts. */
#include "lib/base/walltime.h"

#include "lib/base/attributes.h"
#include "lib/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static void what_was_written_is_read_again(void **state)
{
    static const uint64_t times[] = {0, 951782400007u, 1800000000123u, 253402300799999u};
    char text[M4H_WALLTIME_TEXT_MAX];
    uint64_t wall_ms;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(times); i++) {
        assert_int_equal(m4h_walltime_parse(m4h_walltime_format(times[i], text), &wall_ms), 0);
        assert_int_equal(wall_ms, times[i]);
    }
}

static void every_day_of_two_centuries_is_read(void **state)
{
    char text[M4H_WALLTIME_TEXT_MAX];
    uint64_t wall_ms;

    (void)state;
    for (uint64_t day = 0; day < 365u * 200; day++) {
        assert_int_equal(m4h_walltime_parse(m4h_walltime_format(day * 86400000, text), &wall_ms),
                         0);
        assert_int_equal(wall_ms, day * 86400000);
    }
}

static void offsets_and_any_precision_are_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t wall_ms;
    } cases[] = {
        {"2027-01-15T08:00:00Z", 1800000000000u},
        {"2027-01-15t09:30:00+01:30", 1800000000000u},
        {"2027-01-14T20:00:00.5-12:00", 1800000000500u},
        {"2027-01-15T08:00:00.123456789z", 1800000000123u},
        {"2016-12-31T23:59:60Z", 1483228800000u},
    };
    uint64_t wall_ms;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        assert_int_equal(m4h_walltime_parse(cases[i].text, &wall_ms), 0);
        assert_int_equal(wall_ms, cases[i].wall_ms);
    }
}

static void what_is_no_time_is_refused_and_changes_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "2027-01-15",
        "2027-01-15T08:00:00",
        "2027-01-15 08:00:00Z",
        "2027-1-15T08:00:00Z",
        "2027-13-01T00:00:00Z",
        "2027-00-01T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2027-04-31T00:00:00Z",
        "2027-01-15T24:00:00Z",
        "2027-01-15T08:60:00Z",
        "2027-01-15T08:00:61Z",
        "2027-01-15T08:00:00.Z",
        "2027-01-15T08:00:00+0100",
        "2027-01-15T08:00:00Zx",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+01:00",
    };
    uint64_t wall_ms = 7;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(texts); i++)
        assert_int_equal(m4h_walltime_parse(texts[i], &wall_ms), M4H_EINVALID);
    assert_int_equal(wall_ms, 7);
}

static void times_of_openssh_are_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t wall_s;
    } cases[] = {
        {"20270115Z", 1799971200}, {"202701150800Z", 1800000000}, {"20270115080001Z", 1800000001},
        {"20240229Z", 1709164800}, {"19700102Z", 86400},
    };
    static const char *const wrong[] = {
        "",          "2027",          "20270115 ", "2027011508",       "20270115z",
        "20271301Z", "20270230Z",     "20230229Z", "202701152460Z",    "20270115080060Z",
        "19700101Z", "-20270115",     "2027-1-1Z", "202701150800001Z", "20270115ZZ",
        "00000101Z", "202701150800+",
    };
    uint64_t wall_ms = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (m4h_walltime_parse_compact(wrong[i], &wall_ms) != M4H_EINVALID || wall_ms != 1)
            fail_msg("%s was taken", wrong[i]);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(m4h_walltime_parse_compact(cases[i].text, &wall_ms), 0);
        assert_true(wall_ms == cases[i].wall_s * 1000);
    }
}

static void without_a_zone_they_are_of_this_process(void **state)
{
    uint64_t wall_ms;

    (void)state;
    assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    assert_int_equal(m4h_walltime_parse_compact("202701150900", &wall_ms), 0);
    assert_true(wall_ms == 1800000000000u);
    assert_int_equal(m4h_walltime_parse_compact("202707150900", &wall_ms), 0);
    assert_true(wall_ms == 1815634800000u);
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_in_utc_with_milliseconds),
        cmocka_unit_test(a_time_that_has_no_text_still_fits),
        cmocka_unit_test(now_is_after_this_was_written),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(every_day_of_two_centuries_is_read),
        cmocka_unit_test(offsets_and_any_precision_are_read),
        cmocka_unit_test(what_is_no_time_is_refused_and_changes_nothing),
        cmocka_unit_test(times_of_openssh_are_read),
        cmocka_unit_test(without_a_zone_they_are_of_this_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
