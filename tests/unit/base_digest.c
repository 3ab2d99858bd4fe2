/* lib/base/digest: the numbers that proto/README.md gives as its example. */
#include "lib/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_numbers_are_those_of_the_documentation(void **state)
{
    (void)state;
    /* The output of splitmix64: its first for seed 0 is well known. */
    assert_true(m4h_digest_of(0) == 0xe220a8397b1dcdafu);
    assert_true(m4h_digest_of(1) == 0x910a2dec89025cc1u);
    assert_true(m4h_digest_of(0x8f3a60b1c2d4e5f7u) == 0xe558c9ff667d3eacu);
}

static void order_does_not_matter_and_removal_undoes(void **state)
{
    uint64_t forward = 0, backward = 0;

    (void)state;
    for (uint64_t id = 1; id <= 1000; id++)
        forward ^= m4h_digest_of(id);
    for (uint64_t id = 1000; id >= 1; id--)
        backward ^= m4h_digest_of(id);
    assert_true(forward == backward && forward != 0);
    for (uint64_t id = 1; id <= 1000; id++)
        forward ^= m4h_digest_of(id);
    assert_true(forward == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_are_those_of_the_documentation),
        cmocka_unit_test(order_does_not_matter_and_removal_undoes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
