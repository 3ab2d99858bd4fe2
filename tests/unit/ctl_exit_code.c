#include "services/ctl/core/exit_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void each_status_has_the_code_that_is_documented(void **state)
{
    (void)state;
    assert_int_equal(m4h_ctl_exit_of(200, ""), 0);
    assert_int_equal(m4h_ctl_exit_of(204, ""), 0);
    assert_int_equal(m4h_ctl_exit_of(404, "not_found"), 1);
    assert_int_equal(m4h_ctl_exit_of(400, "invalid"), 1);
    assert_int_equal(m4h_ctl_exit_of(429, "throttled"), 1);
    assert_int_equal(m4h_ctl_exit_of(301, ""), 1);
    assert_int_equal(m4h_ctl_exit_of(401, "unauthorized"), 4);
    assert_int_equal(m4h_ctl_exit_of(403, "forbidden"), 4);
    assert_int_equal(m4h_ctl_exit_of(502, ""), 3);
    assert_int_equal(m4h_ctl_exit_of(503, "unavailable"), 3);
}

static void a_full_cluster_refuses_and_is_not_unreachable(void **state)
{
    (void)state;
    assert_int_equal(m4h_ctl_exit_of(503, "no_capacity"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_the_code_that_is_documented),
        cmocka_unit_test(a_full_cluster_refuses_and_is_not_unreachable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
