/* Environment variables as a source. */
#include "tests/unit/config_fixture.h"

#include "lib/base/attributes.h"

#include <stdlib.h>
#include <string.h>

static void a_variable_sets_its_option(void **state)
{
    char *variables[] = {"PATH=/bin", "MAS4H_SAMPLE_TUNNEL_TIMEOUT_MS=0",
                         "MAS4H_SAMPLE_GENERAL_NAME=a=b", NULL};
    struct run run;

    (void)state;
    run_with(&run, variables, NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_int_equal(run.config.timeout_ms, 0);
    assert_string_equal(run.config.name, "a=b");
    assert_string_equal(run.err, "");
    run_free(&run);
}

static void a_wrong_value_is_reported_with_the_variable(void **state)
{
    char *variables[] = {"MAS4H_SAMPLE_TUNNEL_PORT_MIN=x", NULL};
    struct run run;

    (void)state;
    run_with(&run, variables, NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_WRONG);
    assert_string_equal(run.err, "mas4h-sample: MAS4H_SAMPLE_TUNNEL_PORT_MIN: [tunnel] port_min: "
                                 "expected a number from 1024 to 65535, got \"x\"\n");
    run_free(&run);
}

static void a_variable_without_an_option_is_warned_of_and_ignored(void **state)
{
    char *variables[] = {"MAS4H_SAMPLE_TUNNEL_PORT=x", "MAS4H_SAMPLER=x", "MAS4H_OTHER_A_B=x",
                         NULL};
    struct run run;

    (void)state;
    run_with(&run, variables, NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_string_equal(run.err, "mas4h-sample: warning: MAS4H_SAMPLE_TUNNEL_PORT: no option has "
                                 "this name, ignored\n");
    run_free(&run);
}

static void the_name_of_a_variable_may_be_of_any_length(void **state)
{
    char variable[4000];
    char *variables[] = {variable, NULL};
    struct run run;

    (void)state;
    memset(variable, 'X', sizeof(variable));
    memcpy(variable, "MAS4H_SAMPLE_", 13);
    memcpy(variable + sizeof(variable) - 3, "=1", 3);
    run_with(&run, variables, NULL);
    assert_int_equal(run.outcome, M4H_CONFIG_RUN);
    assert_contains(run.err, "warning: MAS4H_SAMPLE_XXX");
    run_free(&run);
}

const struct CMUnitTest config_environment_tests[] = {
    cmocka_unit_test(a_variable_sets_its_option),
    cmocka_unit_test(a_wrong_value_is_reported_with_the_variable),
    cmocka_unit_test(a_variable_without_an_option_is_warned_of_and_ignored),
    cmocka_unit_test(the_name_of_a_variable_may_be_of_any_length),
};
const size_t config_environment_test_count = M4H_COUNT(config_environment_tests);
