/* lib/crypto: digests, by their published examples. */
#include "lib/crypto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* FIPS 180-2, appendix B.1, and the empty text. */
static void a_sha256_is_the_published_one_in_hex(void **state)
{
    char hex[M4H_SHA256_HEX_MAX];

    (void)state;
    assert_int_equal(m4h_crypto_sha256_hex("abc", 3, hex), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(m4h_crypto_sha256_hex("", 0, hex), 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sha256_is_the_published_one_in_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
