/* The command line: words, tokens, and that what a device gives stays in its word. */
#include "services/master/core/command_line.h"

#include "lib/base/error.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_command_line line;
static struct m4h_command_arguments arguments;
static struct m4h_authorize_request request;

static int begin(void **state)
{
    static const uint8_t key[] = {0,   0,   0,   11,  's', 's', 'h', '-', 'e', 'd',
                                  '2', '5', '5', '1', '9', 0,   0,   0,   0};

    (void)state;
    memset(&request, 0, sizeof(request));
    memcpy(request.public_key, key, sizeof(key));
    request.public_key_len = sizeof(key);
    strncpy(request.key_fingerprint, "SHA256:abc", sizeof(request.key_fingerprint) - 1);
    strncpy(request.username, "a b\"; rm -rf / %f", sizeof(request.username) - 1);
    strncpy(request.remote_address, "[2001:db8::1]:50022", sizeof(request.remote_address) - 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    m4h_command_line_free(&line);
    return 0;
}

static void expand(const char *text)
{
    char wrong[128];

    m4h_command_line_free(&line);
    assert_int_equal(m4h_command_line_parse(&line, text, wrong, sizeof(wrong)), 0);
    assert_int_equal(m4h_command_line_expand(&line, &request, &arguments), 0);
    assert_null(arguments.list[line.count]);
}

static void blanks_and_quotes_make_words(void **state)
{
    (void)state;
    expand("  /bin/x  one \"two words\"\t\"a \\\"b\\\" \\\\\" \"\" mid\"dle of\"one ");
    assert_int_equal(line.count, 6);
    assert_string_equal(arguments.list[0], "/bin/x");
    assert_string_equal(arguments.list[2], "two words");
    assert_string_equal(arguments.list[3], "a \"b\" \\");
    assert_string_equal(arguments.list[4], "");
    assert_string_equal(arguments.list[5], "middle ofone");
}

static void tokens_stand_for_what_is_asked_about(void **state)
{
    (void)state;
    expand("/bin/x %f %t %k -u%u %a 100%% %%f");
    assert_string_equal(arguments.list[1], "SHA256:abc");
    assert_string_equal(arguments.list[2], "ssh-ed25519");
    assert_string_equal(arguments.list[3], "AAAAC3NzaC1lZDI1NTE5AAAAAA==");
    assert_string_equal(arguments.list[4], "-ua b\"; rm -rf / %f");
    assert_string_equal(arguments.list[5], "2001:db8::1");
    assert_string_equal(arguments.list[6], "100%");
    assert_string_equal(arguments.list[7], "%f");
}

static void what_is_no_command_line_is_refused(void **state)
{
    static const char *const wrongs[] = {
        "", "  ", "x", "./x", "/bin/%f", "/bin/x %", "/bin/x %z", "/bin/x \"open", "\"\" /bin/x"};
    char wrong[128];

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrongs); i++)
        assert_int_equal(m4h_command_line_parse(&line, wrongs[i], wrong, sizeof(wrong)),
                         M4H_EINVALID);
}

static void more_than_fits_is_refused_and_not_cut(void **state)
{
    char wrong[128];

    (void)state;
    request.public_key_len = M4H_PUBLIC_KEY_BLOB_MAX;
    assert_int_equal(m4h_command_line_parse(&line, "/bin/x %k%k%k%k%k%k", wrong, sizeof(wrong)), 0);
    assert_int_equal(m4h_command_line_expand(&line, &request, &arguments), M4H_ETOOBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blanks_and_quotes_make_words, begin, end),
        cmocka_unit_test_setup_teardown(tokens_stand_for_what_is_asked_about, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_command_line_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(more_than_fits_is_refused_and_not_cut, begin, end),
    };

    return cmocka_run_group_tests_name("master: command line", tests, NULL, NULL);
}
