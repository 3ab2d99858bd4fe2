#include "services/ctl/core/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_ctl_target target;

static void a_name_in_a_path_is_encoded(void **state)
{
    (void)state;
    m4h_ctl_target_begin(&target, "/v1/slaves/*/drain", "a/b c?d#e%f");
    assert_string_equal(target.text, "/v1/slaves/a%2Fb%20c%3Fd%23e%25f/drain");
    m4h_ctl_target_begin(&target, "/v1/tunnels/*", "Tür-7~");
    assert_string_equal(target.text, "/v1/tunnels/T%C3%BCr-7~");
}

static void a_query_holds_what_is_given(void **state)
{
    (void)state;
    m4h_ctl_target_begin(&target, "/v1/tunnels", NULL);
    m4h_ctl_target_query(&target, "region", NULL);
    m4h_ctl_target_query(&target, "slave", "");
    assert_string_equal(target.text, "/v1/tunnels");
    m4h_ctl_target_query(&target, "region", "eu");
    m4h_ctl_target_query(&target, "client_key_prefix", "a&b=c");
    assert_string_equal(target.text, "/v1/tunnels?region=eu&client_key_prefix=a%26b%3Dc");
    assert_false(target.is_too_long);
}

static void what_does_not_fit_is_told(void **state)
{
    static char name[M4H_CTL_TARGET_MAX];

    (void)state;
    memset(name, ' ', sizeof(name) - 1);
    m4h_ctl_target_begin(&target, "/v1/tunnels/*", name);
    assert_true(target.is_too_long);
    m4h_ctl_target_begin(&target, "/v1/tunnels/*", "a");
    assert_false(target.is_too_long);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_in_a_path_is_encoded),
        cmocka_unit_test(a_query_holds_what_is_given),
        cmocka_unit_test(what_does_not_fit_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
