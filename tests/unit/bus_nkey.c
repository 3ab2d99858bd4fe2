/* From a user's seed to the public key. */
#include "lib/base/attributes.h"
#include "lib/base/error.h"
#include "lib/bus/nkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A pair made by nkeys.js. */
static const char seed[] = "SUAOS6BQLJU2VLIBSSQJR5GRNRXVZASJPLBNCUBY7INB2SOSYV7Y5Z75KA";
static const char public[] = "UCW4B7HZDAJ4XCUX4IFPM2DHMY4TCDYDTEFNVJDHFXJKD2FJLIYKRGNZ";

static void a_seed_gives_its_public_key(void **state)
{
    char found[M4H_NKEY_PUBLIC_CHARS + 1];

    (void)state;
    assert_int_equal(m4h_nkey_public(seed, strlen(seed), found), 0);
    assert_string_equal(found, public);
}

static void a_seed_with_one_wrong_character_is_refused(void **state)
{
    char found[M4H_NKEY_PUBLIC_CHARS + 1];
    char wrong[sizeof(seed)];

    (void)state;
    for (size_t i = 0; i < strlen(seed); i++) {
        memcpy(wrong, seed, sizeof(seed));
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        assert_int_equal(m4h_nkey_public(wrong, strlen(wrong), found), M4H_EINVALID);
    }
}

static void what_is_no_seed_of_a_user_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", "SU", "su", public, "SAAOS6BQLJU2VLIBSSQJR5GRNRXVZASJPLBNCUBY7INB2SOSYV7Y5Z75KA"};
    char found[M4H_NKEY_PUBLIC_CHARS + 1];

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++)
        assert_int_equal(m4h_nkey_public(wrong[i], strlen(wrong[i]), found), M4H_EINVALID);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_its_public_key),
        cmocka_unit_test(a_seed_with_one_wrong_character_is_refused),
        cmocka_unit_test(what_is_no_seed_of_a_user_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
