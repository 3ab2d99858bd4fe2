/* libssh asks us for the padding of its packets, and gives up where we say so. */
#include "lib/base/attributes.h"
#include "lib/ssh/packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <libssh/libssh.h>

static bool is_random(void)
{
    static const unsigned char zero[16];
    unsigned char bytes[16] = {0};

    return ssh_get_random(bytes, sizeof(bytes), 0) == 1 && memcmp(bytes, zero, sizeof(bytes)) != 0;
}

static void randomness_is_libsshs_own_and_without_bound(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_true(is_random());
}

static void only_so_many_packets_are_padded_between_begin_and_end(void **state)
{
    (void)state;
    m4h_ssh_packets_begin(2);
    assert_true(is_random());
    assert_true(is_random());
    assert_true(m4h_ssh_packets_end());
    m4h_ssh_packets_begin(1);
    assert_true(is_random());
    assert_false(is_random());
    assert_false(is_random());
    assert_false(m4h_ssh_packets_end());
    assert_true(is_random());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(randomness_is_libsshs_own_and_without_bound),
        cmocka_unit_test(only_so_many_packets_are_padded_between_begin_and_end),
    };

    return cmocka_run_group_tests_name("ssh: packets", tests, NULL, NULL);
}
