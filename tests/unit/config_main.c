/* Runs the tests of lib/config, file by file. */
#include "tests/unit/config_fixture.h"

#define run_group(name) _cmocka_run_group_tests(#name, name##_tests, name##_test_count, NULL, NULL)

int main(void)
{
    return run_group(config_option) + run_group(config_file) + run_group(config_environment) +
           run_group(config_command_line) + run_group(config_sample) + run_group(config_reload);
}
