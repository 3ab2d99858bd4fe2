/* The command line: what it asks for, and the order of the sources. */
#include "tests/unit/config_fixture.h"

#include "lib/base/attributes.h"

#include <stdlib.h>
#include <string.h>

static void assert_wrong(const char *first, const char *second, const char *words)
{
    struct run run;

    run_with(&run, NULL, first, second, NULL);
    if (run.outcome != M4H_CONFIG_WRONG)
        fail_msg("%s was taken", first);
    assert_contains(run.err, words);
    assert_string_equal(run.out, "");
    run_free(&run);
}

static void default_gives_way_to_file_to_environment_to_set(void **state)
{
    static const char content[] = "[tunnel]\nport_max = 5001\nport_min = 2001\ntimeout_ms = 1\n";
    char *variables[] = {"MAS4H_SAMPLE_TUNNEL_PORT_MAX=5002", "MAS4H_SAMPLE_TUNNEL_PORT_MIN=2002",
                         NULL};
    char *path = write_file(content, sizeof(content) - 1);
    struct run run;

    (void)state;
    run_with(&run, variables, "--set", "tunnel.port_max=5003", "--config", path, NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_int_equal(run.config.port_max, 5003);
    assert_int_equal(run.config.port_min, 2002);
    assert_int_equal(run.config.timeout_ms, 1);
    assert_int_equal(run.config.keepalive_s, 15000);
    run_free(&run);
    remove_file(path);
}

static void the_last_set_of_an_option_wins(void **state)
{
    struct run run;

    (void)state;
    run_with(&run, NULL, "--set=general.name=a", "--set", "general.name=b=c.d", NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_string_equal(run.config.name, "b=c.d");
    run_free(&run);
}

static void unknown_arguments_are_named(void **state)
{
    (void)state;
    assert_wrong("--port", "1", "mas4h-sample: unknown argument \"--port\"");
    assert_wrong("--settle", NULL, "unknown argument \"--settle\"");
    assert_wrong("--check-configs", NULL, "unknown argument \"--check-configs\"");
    assert_wrong("file.conf", NULL, "unknown argument \"file.conf\"");
    assert_wrong("--version", "x", "unknown argument \"x\"");
}

static void options_that_lack_their_value_are_refused(void **state)
{
    (void)state;
    assert_wrong("--config", NULL, "--config: expected once, with the path of a file");
    assert_wrong("--config=", NULL, "--config: expected once");
    assert_wrong("--config=a", "--config=b", "--config: expected once");
    assert_wrong("--set", NULL, "--set: expected section.key=value");
    assert_wrong("--set", "tunnel.port_min", "--set: expected section.key=value");
    assert_wrong("--set", "port_min=1.5", "--set: expected section.key=value");
}

static void a_set_that_names_no_option_is_refused(void **state)
{
    (void)state;
    assert_wrong("--set", "tunnel.x=1", "--set: unknown key \"x\"; expected one of nodelay");
    assert_wrong("--set", "x.y=1", "--set: unknown section \"x\"; expected one of general, tunnel");
}

static void the_check_of_the_table_sees_all_sources(void **state)
{
    (void)state;
    assert_wrong("--set", "tunnel.port_min=4000",
                 "mas4h-sample: [tunnel] port_min is above port_max\n");
}

static void check_config_says_that_it_is_valid(void **state)
{
    struct run run;

    (void)state;
    run_with(&run, NULL, "--check-config", NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_DONE);
    assert_string_equal(run.out, "configuration is valid\n");
    assert_null(run.config.id);
    run_free(&run);
    assert_wrong("--check-config", "--set=tunnel.port_min=1", "expected a number");
}

static void version_is_printed_even_when_the_file_is_missing(void **state)
{
    struct run run;

    (void)state;
    run_with(&run, NULL, "--config", "/nonexistent", "--version", NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_DONE);
    assert_string_equal(run.out, "mas4h-sample " M4H_VERSION "\n");
    run_free(&run);
}

const struct CMUnitTest config_command_line_tests[] = {
    cmocka_unit_test(default_gives_way_to_file_to_environment_to_set),
    cmocka_unit_test(the_last_set_of_an_option_wins),
    cmocka_unit_test(unknown_arguments_are_named),
    cmocka_unit_test(options_that_lack_their_value_are_refused),
    cmocka_unit_test(a_set_that_names_no_option_is_refused),
    cmocka_unit_test(the_check_of_the_table_sees_all_sources),
    cmocka_unit_test(check_config_says_that_it_is_valid),
    cmocka_unit_test(version_is_printed_even_when_the_file_is_missing),
};
const size_t config_command_line_test_count = M4H_COUNT(config_command_line_tests);
