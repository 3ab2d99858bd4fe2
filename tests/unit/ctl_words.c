#include "services/ctl/core/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char out[M4H_CTL_WORD_MAX];

static void durations_have_two_units_at_most(void **state)
{
    (void)state;
    assert_string_equal(m4h_ctl_duration(0, out), "0ms");
    assert_string_equal(m4h_ctl_duration(999, out), "999ms");
    assert_string_equal(m4h_ctl_duration(59999, out), "59s");
    assert_string_equal(m4h_ctl_duration(61000, out), "1m01s");
    assert_string_equal(m4h_ctl_duration(3600000, out), "1h00m");
    assert_string_equal(m4h_ctl_duration(90000000, out), "1d1h");
}

static void an_age_is_never_in_the_future(void **state)
{
    (void)state;
    assert_string_equal(m4h_ctl_age(0, 5000, out), "-");
    assert_string_equal(m4h_ctl_age(5000, 5000, out), "0s");
    assert_string_equal(m4h_ctl_age(9000, 5000, out), "0s");
    assert_string_equal(m4h_ctl_age(1000, 5000, out), "4s");
}

static void bytes_have_the_unit_that_fits(void **state)
{
    (void)state;
    assert_string_equal(m4h_ctl_bytes(0, out), "0 B");
    assert_string_equal(m4h_ctl_bytes(1023, out), "1023 B");
    assert_string_equal(m4h_ctl_bytes(1536, out), "1.5 KiB");
    assert_string_equal(m4h_ctl_bytes(20u << 20, out), "20 MiB");
    assert_string_equal(m4h_ctl_bytes(UINT64_MAX, out), "15 EiB");
}

static void counts_are_grouped(void **state)
{
    (void)state;
    assert_string_equal(m4h_ctl_count(0, out), "0");
    assert_string_equal(m4h_ctl_count(999, out), "999");
    assert_string_equal(m4h_ctl_count(1000, out), "1,000");
    assert_string_equal(m4h_ctl_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}

static void a_share_is_neither_nothing_nor_all_before_it_is(void **state)
{
    (void)state;
    assert_string_equal(m4h_ctl_percent(1, 0, out), "-");
    assert_string_equal(m4h_ctl_percent(0, 9500, out), "0%");
    assert_string_equal(m4h_ctl_percent(1, 9500, out), "<1%");
    assert_string_equal(m4h_ctl_percent(4750, 9500, out), "50%");
    assert_string_equal(m4h_ctl_percent(9499, 9500, out), "99%");
    assert_string_equal(m4h_ctl_percent(9500, 9500, out), "100%");
    assert_string_equal(m4h_ctl_percent(19000, 9500, out), "200%");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_two_units_at_most),
        cmocka_unit_test(an_age_is_never_in_the_future),
        cmocka_unit_test(bytes_have_the_unit_that_fits),
        cmocka_unit_test(counts_are_grouped),
        cmocka_unit_test(a_share_is_neither_nothing_nor_all_before_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
