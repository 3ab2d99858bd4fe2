/* The table in words: the sample file and --help. */
#include "tests/unit/config_fixture.h"

#include "lib/base/attributes.h"

#include <stdlib.h>
#include <string.h>

/* Takes the # of "#key = value" lines away. */
static void uncomment(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        bool begins_line = from == text || from[-1] == '\n';

        if (!(begins_line && from[0] == '#' && from[1] != ' '))
            *to++ = *from;
    }
    *to = '\0';
}

static void the_sample_is_a_file_that_changes_nothing(void **state)
{
    struct run sample;
    struct run run;

    (void)state;
    run_with(&sample, NULL, "--print-config", NULL);
    assert_int_equal(sample.outcome, M4H_CONFIG_DONE);
    assert_contains(sample.out, "\n[tunnel]\n");
    assert_contains(sample.out,
                    "# Takes a number from 1024 to 65535. Reloadable.\n#port_min = 2000\n");
    run_file(&run, sample.out);
    assert_contains(sample.out, "# Takes yes or no.\n#nodelay = yes\n");
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    run_free(&run);
    run_free(&sample);
}

static void the_sample_without_its_comment_signs_is_the_defaults(void **state)
{
    struct run sample;
    struct run run;

    (void)state;
    run_with(&sample, NULL, "--print-config", NULL);
    uncomment(sample.out);
    run_file(&run, sample.out);
    assert_string_equal(run.err, "");
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_int_equal(run.config.keepalive_s, 15000);
    assert_string_equal(run.config.path, "/var/lib/x");
    run_free(&run);
    run_free(&sample);
}

static void help_names_every_argument_and_option(void **state)
{
    static const char *const parts[] = {"Usage: mas4h-sample ",
                                        "--config FILE",
                                        "--set section.key=value",
                                        "--check-config",
                                        "--print-config",
                                        "--version",
                                        "--help",
                                        "MAS4H_SAMPLE_GENERAL_NAME",
                                        "Shows how a table works."};
    struct run run;

    (void)state;
    run_with(&run, NULL, "--help", NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_DONE);
    for (size_t i = 0; i < M4H_COUNT(parts); i++)
        assert_contains(run.out, parts[i]);
    for (size_t i = 0; i < sample_table.option_count; i++)
        assert_contains(run.out, sample_table.options[i].key);
    run_free(&run);
}

static void lines_of_sample_and_help_fit_a_terminal(void **state)
{
    static const char *const arguments[] = {"--help", "--print-config"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(arguments); i++) {
        struct run run;

        run_with(&run, NULL, arguments[i], NULL);
        for (const char *line = run.out; *line != '\0'; line += strcspn(line, "\n") + 1)
            assert_true(strcspn(line, "\n") <= 80);
        run_free(&run);
    }
}

const struct CMUnitTest config_sample_tests[] = {
    cmocka_unit_test(the_sample_is_a_file_that_changes_nothing),
    cmocka_unit_test(the_sample_without_its_comment_signs_is_the_defaults),
    cmocka_unit_test(help_names_every_argument_and_option),
    cmocka_unit_test(lines_of_sample_and_help_fit_a_terminal),
};
const size_t config_sample_test_count = M4H_COUNT(config_sample_tests);
