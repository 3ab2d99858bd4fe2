/* lib/base/ident: what may name a thing. */
#include "lib/base/ident.h"

#include "lib/base/attributes.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* So many 'a's; valid until the next call. */
static const char *a_times(size_t count)
{
    static char text[512];

    memset(text, 'a', count);
    text[count] = '\0';
    return text;
}

static void ids_are_one_token_of_a_subject(void **state)
{
    static const char *const wrong[] = {"",    "A",   "a.b",      "a*",  "a>",
                                        "a b", "a_b", "\xc3\xa4", "a\n", " a"};

    (void)state;
    assert_true(m4h_ident_id_is_valid("eu-1"));
    assert_true(m4h_ident_id_is_valid("-"));
    assert_true(m4h_ident_id_is_valid(a_times(M4H_ID_MAX)));
    assert_false(m4h_ident_id_is_valid(a_times(M4H_ID_MAX + 1)));
    assert_false(m4h_ident_id_is_valid(NULL));
    for (size_t i = 0; i < M4H_COUNT(wrong); i++)
        assert_false(m4h_ident_id_is_valid(wrong[i]));
}

static void client_keys_are_printable_text(void **state)
{
    (void)state;
    assert_true(m4h_ident_client_key_is_valid("SHA256:abc+/def"));
    assert_true(m4h_ident_client_key_is_valid("caf\xc3\xa9 no. 3"));
    assert_true(m4h_ident_client_key_is_valid(a_times(M4H_CLIENT_KEY_MAX)));
    assert_false(m4h_ident_client_key_is_valid(a_times(M4H_CLIENT_KEY_MAX + 1)));
    assert_false(m4h_ident_client_key_is_valid(""));
    assert_false(m4h_ident_client_key_is_valid(" a"));
    assert_false(m4h_ident_client_key_is_valid("a "));
    assert_false(m4h_ident_client_key_is_valid("a\tb"));
    assert_false(m4h_ident_client_key_is_valid("a\xff"));
    assert_false(m4h_ident_client_key_is_valid(NULL));
}

static void hosts_are_names_and_literal_addresses(void **state)
{
    static const char *const wrong[] = {"",    "-oProxyCommand=x", "a b",  "[::1]", "a/b", "a@b",
                                        "a\n", "\xc3\xa4",         "$(id)"};

    (void)state;
    assert_true(m4h_ident_host_is_valid("bouncer-1.example.net"));
    assert_true(m4h_ident_host_is_valid("192.0.2.1"));
    assert_true(m4h_ident_host_is_valid("fe80::1%eth0"));
    assert_true(m4h_ident_host_is_valid(a_times(M4H_HOST_MAX)));
    assert_false(m4h_ident_host_is_valid(a_times(M4H_HOST_MAX + 1)));
    assert_false(m4h_ident_host_is_valid(NULL));
    for (size_t i = 0; i < M4H_COUNT(wrong); i++)
        assert_false(m4h_ident_host_is_valid(wrong[i]));
}

/* Edges of RFC 3629's ranges, from Markus Kuhn's stress test. */
static void text_is_utf8_without_controls(void **state)
{
    static const char *const right[] = {"",
                                        " ",
                                        "~",
                                        "\xc2\xa0",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    static const char *const wrong[] = {"\x01",
                                        "\x1f",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xc2\x9f",
                                        "\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xfe",
                                        "\xff",
                                        "\xc3",
                                        "\xe2\x82",
                                        "\xf0\x9f\x98",
                                        "a\xc3(",
                                        "\n"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(right); i++)
        assert_true(m4h_ident_text_is_valid(right[i], strlen(right[i])));
    for (size_t i = 0; i < M4H_COUNT(wrong); i++)
        assert_false(m4h_ident_text_is_valid(wrong[i], strlen(wrong[i])));
    assert_false(m4h_ident_text_is_valid("a\0b", 3));
}

static void cleaned_text_is_valid_and_fits(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *cleaned;
    } cases[] = {
        {"plain", 16, "plain"},
        {"plain", 6, "plain"},
        {"plain", 5, "plai"},
        {"plain", 1, ""},
        {"a\nb\x7f", 16, "a?b?"},
        {"\xff\xfe", 16, "??"},
        {"caf\xc3\xa9", 6, "caf\xc3\xa9"},
        {"caf\xc3\xa9", 5, "caf"},
        {"caf\xc3", 16, "caf?"},
        {"\xc2\x85x", 16, "?x"},
        {"\xed\xa0\x80", 16, "???"},
        {"", 4, ""},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        char out[16];

        assert_ptr_equal(m4h_ident_text_clean(out, cases[i].size, cases[i].text), out);
        assert_string_equal(out, cases[i].cleaned);
        assert_true(m4h_ident_text_is_valid(out, strlen(out)));
    }
}

static void hashes_are_the_same_in_every_process(void **state)
{
    (void)state;
    assert_true(m4h_ident_hash("") == m4h_ident_hash(""));
    assert_true(m4h_ident_hash("slave-1") != m4h_ident_hash("slave-2"));
    assert_true(m4h_ident_hash("ab") != m4h_ident_hash("ba"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_one_token_of_a_subject),
        cmocka_unit_test(client_keys_are_printable_text),
        cmocka_unit_test(hosts_are_names_and_literal_addresses),
        cmocka_unit_test(text_is_utf8_without_controls),
        cmocka_unit_test(cleaned_text_is_valid_and_fits),
        cmocka_unit_test(hashes_are_the_same_in_every_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
