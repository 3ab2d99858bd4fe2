/* lib/base/base64: strict decoding, with the vectors of RFC 4648 section 10. */
#include "lib/base/base64.h"

#include "lib/base/error.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_vectors_of_the_rfc_decode(void **state)
{
    static const char *const texts[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(texts); i++) {
        uint8_t out[6];
        size_t len;

        assert_int_equal(m4h_base64_decode(texts[i], strlen(texts[i]), out, sizeof(out), &len), 0);
        assert_int_equal(len, i);
        assert_memory_equal(out, "foobar", i);
    }
}

static void every_byte_value_decodes(void **state)
{
    uint8_t out[3];
    size_t len;

    (void)state;
    assert_int_equal(m4h_base64_decode("+/+/", 4, out, sizeof(out), &len), 0);
    assert_memory_equal(out, "\xfb\xff\xbf", 3);
    assert_int_equal(m4h_base64_decode("AAAA", 4, out, sizeof(out), &len), 0);
    assert_memory_equal(out, "\0\0\0", 3);
}

static void what_is_not_strict_base64_is_refused(void **state)
{
    static const char *const wrong[] = {
        "Z",        "Zg",     "Zg=",  "=",    "====", "Z===", "Zh==",     "Zm9=",       "Z=g=",
        "Zg==Zm9v", "Zm9v\n", "Zm 9", "Zm9-", "Zm_v", "=m9v", "Zm9vY===", "Z\xc3\xb6v",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        uint8_t out[16];
        size_t len;

        if (m4h_base64_decode(wrong[i], strlen(wrong[i]), out, sizeof(out), &len) != M4H_EINVALID)
            fail_msg("%s was taken", wrong[i]);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    uint8_t out[4] = {0, 0, 0, 7};
    size_t len;

    (void)state;
    assert_int_equal(m4h_base64_decode("Zm9vYg==", 8, out, 3, &len), M4H_ETOOBIG);
    assert_int_equal(out[3], 7);
    assert_int_equal(m4h_base64_decode("Zm9vYg==", 8, out, 4, &len), 0);
}

static void what_is_encoded_is_as_the_rfc_has_it_and_decodes_to_itself(void **state)
{
    static const char *const texts[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    uint8_t data[256], back[256];
    char text[M4H_BASE64_SIZE(256)];
    size_t len;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(texts); i++)
        assert_string_equal(m4h_base64_encode((const uint8_t *)"foobar", i, text), texts[i]);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 37);
    for (size_t i = 0; i <= sizeof(data); i++) {
        m4h_base64_encode(data, i, text);
        assert_true(strlen(text) + 1 == M4H_BASE64_SIZE(i));
        assert_int_equal(m4h_base64_decode(text, strlen(text), back, sizeof(back), &len), 0);
        assert_int_equal(len, i);
        assert_memory_equal(back, data, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_decode),
        cmocka_unit_test(every_byte_value_decodes),
        cmocka_unit_test(what_is_not_strict_base64_is_refused),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(what_is_encoded_is_as_the_rfc_has_it_and_decodes_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
