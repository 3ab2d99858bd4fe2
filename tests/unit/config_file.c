/* The configuration file: its syntax, and what it is refused for. */
#include "tests/unit/config_fixture.h"

#include "lib/base/attributes.h"

#include <stdlib.h>
#include <string.h>

static void assert_file_refused(const char *content, const char *words)
{
    struct run run;

    run_file(&run, content);
    if (run.outcome != M4H_CONFIG_WRONG)
        fail_msg("taken: %s", content);
    assert_contains(run.err, words);
    run_free(&run);
}

static void a_file_sets_what_it_says_and_nothing_else(void **state)
{
    struct run run;

    (void)state;
    run_file(&run, "# a comment\n"
                   "; another\n"
                   "[tunnel]\n"
                   "port_min = 2100\n"
                   "  nodelay=no  \n"
                   "\n"
                   "[general] # the rest\n"
                   "name: a name\r\n"
                   "path =");
    assert_string_equal(run.err, "");
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_int_equal(run.config.port_min, 2100);
    assert_int_equal(run.config.port_max, 3000);
    assert_false(run.config.nodelay);
    assert_string_equal(run.config.name, "a name");
    assert_string_equal(run.config.path, "");
    run_free(&run);
}

static void a_value_goes_on_to_the_end_of_its_line(void **state)
{
    struct run run;

    (void)state;
    run_file(&run, "[general]\nname = pass ;word # = 1\n  id = s2\n");
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_string_equal(run.config.name, "pass ;word # = 1");
    assert_string_equal(run.config.id, "s2");
    run_free(&run);
}

static void a_long_line_is_whole_or_refused(void **state)
{
    char content[6000] = "[general]\nname = ";
    size_t start = strlen(content);
    struct run run;

    (void)state;
    memset(content + start, 'x', 3000);
    run_file(&run, content);
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_int_equal(strlen(run.config.name), 3000);
    run_free(&run);
    memset(content + start, 'x', 5000);
    assert_file_refused(content, "sample.conf:2: expected lines of less than 4 KiB");
}

static void a_wrong_value_is_reported_with_file_and_line(void **state)
{
    (void)state;
    assert_file_refused("[tunnel]\n\n# x\nport_min = x\n",
                        "sample.conf:4: [tunnel] port_min: expected a number from 1024 to 65535, "
                        "got \"x\"\n");
}

static void an_unknown_key_is_refused_with_those_that_are_known(void **state)
{
    (void)state;
    assert_file_refused("[tunnel]\nport = 1\n", "sample.conf:2: unknown key \"port\"; expected one "
                                                "of nodelay, port_min, port_max,");
    assert_file_refused("[tunnel]\n= 1\n", "unknown key \"\"");
}

static void an_unknown_section_is_refused_with_those_that_are_known(void **state)
{
    (void)state;
    assert_file_refused("[tunnels]\nport_min = 1\n",
                        "sample.conf:2: unknown section \"tunnels\"; expected one of general, "
                        "tunnel\n");
    assert_file_refused("port_min = 1\n", "unknown section \"\"");
}

static void a_key_set_twice_is_refused_with_both_lines(void **state)
{
    (void)state;
    assert_file_refused("[tunnel]\nport_min = 2000\n[general]\nid = x\n[tunnel]\nport_min = 2000\n",
                        "sample.conf:6: [tunnel] port_min: expected once, was set on line 2 too");
}

static void a_line_that_is_neither_section_nor_value_is_refused(void **state)
{
    (void)state;
    assert_file_refused("[tunnel]\nport_min\n", "sample.conf:2: expected [section] or key = value");
    assert_file_refused("[tunnel\nport_min = 2000\n", "sample.conf:1: expected [section]");
    assert_file_refused("[tunnel] x\n", "sample.conf:1: expected [section] and nothing more");
}

static void a_nul_byte_is_refused(void **state)
{
    static const char content[] = "[general]\nname = a\0b\nid = s2\n";
    char *path = write_file(content, sizeof(content) - 1);
    struct run run;

    (void)state;
    run_with(&run, NULL, "--config", path, NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_WRONG);
    assert_contains(run.err, "sample.conf:2: expected lines");
    run_free(&run);
    remove_file(path);
}

static void the_first_error_is_the_only_one_reported(void **state)
{
    struct run run;

    (void)state;
    run_file(&run, "[tunnel]\nport_min = x\nport_max = y\nzzz\n");
    assert_int_equal(run.outcome, M4H_CONFIG_WRONG);
    assert_ptr_equal(strchr(run.err, '\n'), run.err + strlen(run.err) - 1);
    run_free(&run);
}

static void a_missing_file_is_an_error(void **state)
{
    struct run run;

    (void)state;
    run_with(&run, NULL, "--config", "/nonexistent/sample.conf", NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_WRONG);
    assert_contains(run.err, "mas4h-sample: /nonexistent/sample.conf: cannot be opened: No such");
    run_free(&run);
}

static void a_folder_is_no_file(void **state)
{
    struct run run;

    (void)state;
    run_with(&run, NULL, "--config", "/tmp", NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_WRONG);
    run_free(&run);
}

const struct CMUnitTest config_file_tests[] = {
    cmocka_unit_test(a_file_sets_what_it_says_and_nothing_else),
    cmocka_unit_test(a_value_goes_on_to_the_end_of_its_line),
    cmocka_unit_test(a_long_line_is_whole_or_refused),
    cmocka_unit_test(a_wrong_value_is_reported_with_file_and_line),
    cmocka_unit_test(an_unknown_key_is_refused_with_those_that_are_known),
    cmocka_unit_test(an_unknown_section_is_refused_with_those_that_are_known),
    cmocka_unit_test(a_key_set_twice_is_refused_with_both_lines),
    cmocka_unit_test(a_line_that_is_neither_section_nor_value_is_refused),
    cmocka_unit_test(a_nul_byte_is_refused),
    cmocka_unit_test(the_first_error_is_the_only_one_reported),
    cmocka_unit_test(a_missing_file_is_an_error),
    cmocka_unit_test(a_folder_is_no_file),
};
const size_t config_file_test_count = M4H_COUNT(config_file_tests);
