/* The program may start anew to copy faster, once, with what it was started with. */
#include "lib/base/memory_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char **arguments;

/* What ps and top show, which is not "exe". */
static bool keeps_its_name(void)
{
    char name[32] = "";
    FILE *file = fopen("/proc/self/comm", "r");

    assert_non_null(file);
    assert_non_null(fgets(name, sizeof(name), file));
    fclose(file);
    return strncmp(name, "unit_base_memor", 15) == 0;
}

static void what_is_set_already_stays(void **state)
{
    (void)state;
    setenv("GLIBC_TUNABLES", "glibc.malloc.check=0", 1);
    m4h_memory_copy_tune(arguments);
    assert_string_equal(getenv("GLIBC_TUNABLES"), "glibc.malloc.check=0");
}

/* Whether or not this machine needs it: the child ends with the code that says that it
 * was given its argument, and does not start itself for ever. */
static void a_program_that_is_started_anew_gets_its_arguments(void **state)
{
    char argument[] = "child";
    char *argv[] = {arguments[0], argument, NULL};
    int status;
    pid_t pid;

    (void)state;
    unsetenv("GLIBC_TUNABLES");
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execv(arguments[0], argv);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_already_stays),
        cmocka_unit_test(a_program_that_is_started_anew_gets_its_arguments),
    };

    m4h_memory_copy_tune(argv);
    if (argc == 2 && strcmp(argv[1], "child") == 0)
        return keeps_its_name() ? 42 : 43;
    arguments = argv;
    return cmocka_run_group_tests_name("base: memory copy", tests, NULL, NULL);
}
