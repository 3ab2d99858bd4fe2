#include "lib/base/attributes.h"
#include "lib/base/error.h"
#include "services/ctl/core/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 16

static struct m4h_ctl_arguments arguments;
static char message[M4H_CTL_MESSAGE_MAX];

/* Parses words up to the first NULL. */
static int parse(const char *const words[WORDS_MAX])
{
    char *argv[WORDS_MAX + 1] = {(char *)(uintptr_t) "mas4hctl"};
    int argc = 1;

    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return m4h_ctl_arguments_parse(argc, argv, &arguments, message);
}

#define PARSE(...) parse((const char *const[WORDS_MAX]){__VA_ARGS__})

static void options_stand_before_or_after_the_command(void **state)
{
    (void)state;
    assert_int_equal(
        PARSE("--region", "eu", "tunnels", "-s", "slave-1", "--prefix=door", "-l", "site=b"), 0);
    assert_int_equal(arguments.command, M4H_CTL_TUNNELS);
    assert_string_equal(arguments.region, "eu");
    assert_string_equal(arguments.slave, "slave-1");
    assert_string_equal(arguments.prefix, "door");
    assert_string_equal(arguments.label, "site=b");
    assert_null(arguments.gateway);
}

static void a_command_of_two_words_and_one_with_an_operand(void **state)
{
    (void)state;
    assert_int_equal(PARSE("token", "new", "--name", "ops", "--scope", "read"), 0);
    assert_int_equal(arguments.command, M4H_CTL_TOKEN_NEW);
    assert_int_equal(PARSE("kick", "-y", "door 7"), 0);
    assert_int_equal(arguments.command, M4H_CTL_KICK);
    assert_string_equal(arguments.operand, "door 7");
    assert_true(arguments.has_consent);
}

static void what_is_imported_is_a_file_or_standard_input(void **state)
{
    (void)state;
    assert_int_equal(PARSE("device", "import"), 0);
    assert_int_equal(arguments.command, M4H_CTL_DEVICE_IMPORT);
    assert_null(arguments.operand);
    assert_int_equal(PARSE("device", "import", "keys", "--replace"), 0);
    assert_string_equal(arguments.operand, "keys");
    assert_true(arguments.replaces);
    assert_int_equal(PARSE("device", "import", "keys", "more"), M4H_EINVALID);
    assert_int_equal(PARSE("device", "import", ""), M4H_EINVALID);
    assert_int_equal(PARSE("device", "add", "keys", "--replace"), M4H_EINVALID);
}

static void behind_two_dashes_nothing_is_an_option(void **state)
{
    (void)state;
    assert_int_equal(PARSE("tunnel", "--", "--json"), 0);
    assert_string_equal(arguments.operand, "--json");
    assert_false(arguments.is_json);
}

static void what_follows_the_dashes_behind_ssh_is_for_ssh(void **state)
{
    (void)state;
    assert_int_equal(PARSE("ssh", "-u", "root", "Door", "--", "-v", "--json", "ls"), 0);
    assert_int_equal(arguments.command, M4H_CTL_SSH);
    assert_string_equal(arguments.operand, "Door");
    assert_string_equal(arguments.user, "root");
    assert_int_equal(arguments.word_count, 3);
    assert_string_equal(arguments.words[1], "--json");
    assert_int_equal(PARSE("ssh", "Door"), 0);
    assert_int_equal(arguments.word_count, 0);
    assert_int_equal(PARSE("ssh", "Door", "ls"), M4H_EINVALID);
    assert_int_equal(PARSE("ssh-config", "--write", "file"), 0);
    assert_string_equal(arguments.write, "file");
}

static void seconds_may_have_a_fraction(void **state)
{
    (void)state;
    assert_int_equal(PARSE("top", "-i", "0.25", "--timeout=3"), 0);
    assert_int_equal(arguments.interval_ms, 250);
    assert_int_equal(arguments.timeout_ms, 3000);
}

static void what_is_wrong_is_refused_and_named(void **state)
{
    static const struct {
        const char *words[WORDS_MAX];
        const char *names;
    } cases[] = {
        {{NULL}, "command is missing"},
        {{"frob"}, "\"frob\""},
        {{"token"}, "\"token\""},
        {{"tunnel"}, "KEY"},
        {{"tunnel", ""}, "KEY is empty"},
        {{"status", "more"}, "\"more\""},
        {{"tunnel", "a", "b"}, "\"b\""},
        {{"a", "b", "c", "d"}, "\"d\""},
        {{"status", "--frob"}, "--frob"},
        {{"status", "-x"}, "-x"},
        {{"status", "--gateway"}, "--gateway needs a value"},
        {{"status", "--gateway="}, "--gateway needs a value"},
        {{"status", "--json=yes"}, "--json takes no value"},
        {{"status", "--region", "eu"}, "status takes no --region"},
        {{"top", "--json"}, "top takes no --json"},
        {{"tunnels", "--limit", "many"}, "--limit"},
        {{"tunnels", "--limit", "0"}, "--limit"},
        {{"tunnels", "--limit", "1.5"}, "--limit"},
        {{"tunnels", "--limit", "99999999999999999999"}, "--limit"},
        {{"tunnels", "-j", "-q"}, "exclude"},
        {{"token", "new", "--name", "x"}, "--scope"},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].words), M4H_EINVALID);
        if (strstr(message, cases[i].names) == NULL)
            assert_string_equal(message, cases[i].names);
    }
}

static void help_needs_no_command_and_names_all(void **state)
{
    struct m4h_ctl_page page;

    (void)state;
    assert_int_equal(PARSE("--help"), 0);
    assert_int_equal(arguments.notice, M4H_CTL_HELP);
    m4h_ctl_page_begin(&page, false);
    m4h_ctl_arguments_help(&page);
    assert_int_equal(page.error, 0);
    assert_int_equal(m4h_buffer_add(&page.text, "", 1), 0);
    assert_non_null(strstr((char *)page.text.data, "  tunnel KEY "));
    assert_non_null(strstr((char *)page.text.data, "-g, --gateway URL"));
    m4h_ctl_page_end(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_or_after_the_command),
        cmocka_unit_test(a_command_of_two_words_and_one_with_an_operand),
        cmocka_unit_test(what_is_imported_is_a_file_or_standard_input),
        cmocka_unit_test(behind_two_dashes_nothing_is_an_option),
        cmocka_unit_test(what_follows_the_dashes_behind_ssh_is_for_ssh),
        cmocka_unit_test(seconds_may_have_a_fraction),
        cmocka_unit_test(what_is_wrong_is_refused_and_named),
        cmocka_unit_test(help_needs_no_command_and_names_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
