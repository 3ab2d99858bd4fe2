#include "services/gateway/core/readiness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void each_lack_is_told_the_gravest_first(void **state)
{
    static const struct {
        struct m4h_gateway_readiness readiness;
        const char *lack; /* NULL: ready */
    } cases[] = {
        {{false, false, false, 0}, "not connected to NATS"},
        {{true, false, false, 0}, "no master answers"},
        {{true, false, true, 100000}, NULL},
        {{true, false, true, 94000}, NULL},
        {{true, false, true, 93999}, "no master answers"},
        {{false, false, true, 100000}, "not connected to NATS"},
        {{true, true, true, 100000}, "draining"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *lack = m4h_gateway_readiness_lack(&cases[i].readiness, 100000);

        if (cases[i].lack == NULL)
            assert_null(lack);
        else
            assert_string_equal(lack, cases[i].lack);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_lack_is_told_the_gravest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
