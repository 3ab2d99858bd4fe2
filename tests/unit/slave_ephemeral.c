/* How many ports of devices the kernel may hand out to others. */
#include "services/slave/core/ephemeral.h"

#include "lib/base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void ports_that_the_kernel_hands_out_are_counted_but_for_the_reserved(void **state)
{
    static const struct {
        const char *range, *reserved;
        uint16_t min, max;
        uint32_t expected;
    } cases[] = {
        {"32768\t60999\n", "\n", 20000, 29999, 0},
        {"32768\t60999\n", "\n", 30000, 32768, 1},
        {"32768\t60999\n", "\n", 30000, 32767, 0},
        {"32768\t60999\n", "\n", 60999, 65535, 1},
        {"32768\t60999\n", "\n", 61000, 65535, 0},
        {"32768\t60999\n", "", 40000, 40009, 10},
        {"1024 65535", "", 20000, 29999, 10000},
        {"1024 65535", "20000-29999\n", 20000, 29999, 0},
        {"1024 65535", "8080,20000-20009,29999,50000-60000\n", 20000, 29999, 9989},
        {"25000 27000", "20000-29999", 20000, 29999, 0},
        {"25000 27000", "20000-25999", 20000, 29999, 1001},
        {"", "", 20000, 29999, 0},
        {"none", "x", 20000, 29999, 0},
        {"1024", "", 20000, 29999, 0},
        {"1024 65535", "20000-,x", 20000, 29999, 10000},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        uint32_t count =
            m4h_ephemeral_count(cases[i].range, cases[i].reserved, cases[i].min, cases[i].max);

        if (count != cases[i].expected)
            fail_msg("%s, %s, %u to %u: %u", cases[i].range, cases[i].reserved, cases[i].min,
                     cases[i].max, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_that_the_kernel_hands_out_are_counted_but_for_the_reserved),
    };

    return cmocka_run_group_tests_name("slave: ephemeral", tests, NULL, NULL);
}
