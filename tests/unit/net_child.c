/* Programs that run beside a loop: what they get, what comes of them, and that nothing stays. */
#include "lib/net/child.h"

#include "lib/base/error.h"
#include "tests/unit/net_stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static struct m4h_child *child;
static unsigned ends;
static struct m4h_child_end end;
static char output[70000], errors[M4H_CHILD_ERRORS_MAX + 1];

static void on_end(void *context, const struct m4h_child_end *what)
{
    (void)context;
    ends++;
    child = NULL;
    end = *what;
    assert_true(what->output_len < sizeof(output));
    if (what->output_len > 0)
        memcpy(output, what->output, what->output_len);
    output[what->output_len] = '\0';
    snprintf(errors, sizeof(errors), "%s", what->errors);
}

static bool has_ended(void *context)
{
    (void)context;
    return ends > 0;
}

static int begin(void **state)
{
    ends = 0;
    return stage_begin(state);
}

/* Starts a script of sh: the shell is the program here. */
static void start_limited(void **state, const char *script, const char *input,
                          struct m4h_child_config limits)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const char *const environment[] = {"PATH=/usr/bin:/bin", "WORD=of ours", NULL};

    limits.argv = argv;
    limits.environment = environment;
    limits.input = (const uint8_t *)input;
    limits.input_len = strlen(input);
    limits.output_max = 65536;
    assert_int_equal(m4h_child_start(&child, *state, &limits, on_end, NULL), 0);
}

static void start(void **state, const char *script, const char *input)
{
    start_limited(state, script, input, (struct m4h_child_config){0});
}

static void run_to_end(void **state, const char *script, const char *input)
{
    start(state, script, input);
    run_until(*state, has_ended, NULL);
    assert_int_equal(ends, 1);
}

static void its_input_comes_and_its_output_goes(void **state)
{
    run_to_end(state, "cat; echo bad >&2; exit 3", "hello\n");
    assert_string_equal(output, "hello\n");
    assert_string_equal(errors, "bad?");
    assert_true(end.has_exited);
    assert_int_equal(end.code, 3);
}

static void it_has_nothing_of_ours(void **state)
{
    FILE *leak = fopen("/dev/null", "r"); /* without O_CLOEXEC */

    assert_non_null(leak);
    setenv("SECRET", "x", 1);
    run_to_end(state, "ls /proc/$$/fd | tr '\\n' ' '; pwd; env | grep -c SECRET; echo $WORD", "");
    /* The shell's own pipe end may be a fourth one, yet none of ours. */
    assert_null(strstr(output, " 3 4 5"));
    assert_non_null(strstr(output, "/\n0\nof ours\n"));
    fclose(leak);
}

static void a_signal_that_ends_it_is_told(void **state)
{
    run_to_end(state, "kill -TERM $$", "");
    assert_false(end.has_exited);
    assert_int_equal(end.code, SIGTERM);
}

static void who_writes_too_much_is_killed(void **state)
{
    run_to_end(state, "yes", "");
    assert_true(end.has_overflowed);
    assert_false(end.has_exited);
}

static void who_hangs_can_be_killed_with_all_that_it_has_started(void **state)
{
    pid_t grandchild;

    start(state, "trap '' TERM INT; (sleep 1000 & sleep 1000)& echo $!; wait; sleep 1000", "");
    run_for(*state, 100);
    assert_int_equal(ends, 0);
    m4h_child_kill(child);
    run_until(*state, has_ended, NULL);
    assert_int_equal(end.code, SIGKILL);
    grandchild = (pid_t)strtol(output, NULL, 10);
    assert_true(grandchild > 1);
    while (kill(grandchild, 0) == 0) /* until init has reaped it */
        run_for(*state, 5);
    assert_int_equal(errno, ESRCH);
}

static void a_grandchild_that_keeps_the_pipe_holds_nothing_up(void **state)
{
    run_to_end(state, "sleep 1000 & echo done", "");
    assert_string_equal(output, "done\n");
    assert_int_equal(end.code, 0);
}

static void memory_and_files_are_limited(void **state)
{
    start_limited(
        state, "sleep 0.2; ulimit -v; ulimit -n; ulimit -t; ulimit -c", "",
        (struct m4h_child_config){.memory_bytes = 64u << 20, .cpu_s = 7, .open_files = 20});
    run_until(*state, has_ended, NULL);
    assert_string_equal(output, "65536\n20\n7\n0\n");
}

static void what_is_no_program_is_told_at_once(void **state)
{
    const struct m4h_child_config config = {
        .argv = (const char *const[]){"/nonexistent/program", NULL},
        .environment = (const char *const[]){NULL},
        .output_max = 10,
    };

    assert_int_equal(m4h_child_start(&child, *state, &config, on_end, NULL), M4H_ESYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_null(child);
}

static void no_zombie_stays(void **state)
{
    for (int i = 0; i < 5; i++) {
        ends = 0;
        run_to_end(state, "exit 0", "");
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void its_end_is_seen_also_where_the_system_keeps_no_exit_code(void **state)
{
    start(state, "exec sleep 60", "");
    signal(SIGCHLD, SIG_IGN);
    m4h_child_kill(child);
    run_until(*state, has_ended, NULL);
    signal(SIGCHLD, SIG_DFL);
    assert_false(end.has_exited);
    assert_int_equal(end.code, 0);
}

static void one_that_is_closed_says_nothing_more(void **state)
{
    start(state, "sleep 1000", "");
    m4h_child_close(child);
    run_for(*state, 50);
    assert_int_equal(ends, 0);
    while (waitpid(-1, NULL, 0) > 0) {
    }
}

#define stage_test(test) cmocka_unit_test_setup_teardown(test, begin, stage_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(its_input_comes_and_its_output_goes),
        stage_test(it_has_nothing_of_ours),
        stage_test(a_signal_that_ends_it_is_told),
        stage_test(who_writes_too_much_is_killed),
        stage_test(who_hangs_can_be_killed_with_all_that_it_has_started),
        stage_test(a_grandchild_that_keeps_the_pipe_holds_nothing_up),
        stage_test(memory_and_files_are_limited),
        stage_test(what_is_no_program_is_told_at_once),
        stage_test(no_zombie_stays),
        stage_test(its_end_is_seen_also_where_the_system_keeps_no_exit_code),
        stage_test(one_that_is_closed_says_nothing_more),
    };

    return cmocka_run_group_tests_name("net: child", tests, NULL, NULL);
}
