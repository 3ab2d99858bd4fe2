/* Forwards: answered now, later or not at all, given up; and all that a bouncer
 * does not give. */
#include "tests/contract/ssh_stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static bool something_was_refused(void *context)
{
    return ((struct stage *)context)->refusals > 0;
}

static bool a_forward_was_cancelled(void *context)
{
    return ((struct stage *)context)->cancels > 0;
}

static void the_device_learns_its_port(void **state)
{
    struct stage *stage = *state;

    stage_device(stage, "0:127.0.0.1:9");
    assert_int_equal(stage->forwards, 1);
    assert_int_equal(stage->port_asked, 0);
    assert_string_equal(stage->address, "localhost");
    assert_int_equal(stage->ends, 0);
}

static void a_forward_may_be_answered_later(void **state)
{
    struct stage *stage = *state;
    uint64_t allocated_ms;

    stage->forward_held_ms = 300;
    stage_device(stage, "0:127.0.0.1:9");
    allocated_ms = m4h_loop_now_ms(stage->loop);
    assert_true(allocated_ms >= stage->forward_at_ms + 300);
}

static void a_refused_forward_ends_a_client_that_needs_it(void **state)
{
    struct stage *stage = *state;

    stage->forward_answer = 0;
    stage_ssh(stage, stage_key(stage, "ed25519"),
              (const char *[]){"-N", "-R", "4243:127.0.0.1:9", NULL});
    run_until(stage->loop, stage_client_ended, stage);
    assert_non_null(strstr(stage->client.output, "remote port forwarding failed"));
    assert_int_equal(stage->port_asked, 4243);
    run_until(stage->loop, stage_ended, stage);
    assert_int_not_equal(stage->end, M4H_SSH_END_PROTOCOL);
}

static void several_forwards_are_asked_for_one_after_the_other(void **state)
{
    struct stage *stage = *state;

    stage->forward_held_ms = 50;
    stage_ssh(stage, stage_key(stage, "ed25519"),
              (const char *[]){"-N", "-R", "4240:127.0.0.1:9", "-R", "4241:127.0.0.1:9", "-R",
                               "0:127.0.0.1:9", NULL});
    run_until(stage->loop, stage_forwarded, stage);
    assert_int_equal(stage->forwards, 3);
    assert_int_equal(stage->port_asked, 0);
}

static void a_forward_may_be_given_up(void **state)
{
    struct stage *stage = *state;
    char control[128];

    snprintf(control, sizeof(control), "%s/control", stage->dir);
    stage_ssh(stage, stage_key(stage, "ed25519"),
              (const char *[]){"-M", "-S", control, "-N", "-R", "4242:127.0.0.1:9", NULL});
    while (stage->forwards == 0)
        run_for(stage->loop, 1);
    for (int i = 0; i < 1000 && stage->cancels == 0; i++) {
        program_start(&stage->tool, stage->loop,
                      (const char *[]){"ssh", "-F", "/dev/null", "-S", control, "-O", "cancel",
                                       "-R", "4242:127.0.0.1:9", "device@127.0.0.1", NULL});
        run_until(stage->loop, program_has_ended, &stage->tool);
    }
    run_until(stage->loop, a_forward_was_cancelled, stage);
    assert_int_equal(stage->ends, 0);
}

/* ---- what a bouncer does not give --------------------------------------------------- */

static void a_shell_is_refused_and_told(void **state)
{
    struct stage *stage = *state;

    stage_ssh(stage, stage_key(stage, "ed25519"), (const char *[]){NULL});
    run_until(stage->loop, something_was_refused, stage);
    assert_non_null(strstr(stage->refused, "session channel"));
    run_until(stage->loop, stage_client_ended, stage);
    assert_int_not_equal(stage->client.status, 0);
}

static void a_command_and_a_subsystem_are_refused(void **state)
{
    struct stage *stage = *state;

    stage_ssh(stage, stage_key(stage, "ed25519"), (const char *[]){"-s", "sftp", NULL});
    run_until(stage->loop, something_was_refused, stage);
    run_until(stage->loop, stage_client_ended, stage);
    run_until(stage->loop, stage_ended, stage);
    stage->refusals = 0;
    stage_dbclient(stage, stage_dropbear_key(stage, "ed25519"), (const char *[]){NULL});
    run_until(stage->loop, something_was_refused, stage);
    run_until(stage->loop, stage_client_ended, stage);
}

static void expect_words(struct stage *stage)
{
    run_until(stage->loop, stage_client_ended, stage);
    assert_non_null(strstr(stage->client.output, "no shell here: do that\r\n"));
    assert_true(WIFEXITED(stage->client.status));
    assert_int_equal(WEXITSTATUS(stage->client.status), 1);
    assert_non_null(strstr(stage->refused, "session channel"));
    run_until(stage->loop, stage_ended, stage);
    assert_int_not_equal(stage->end, M4H_SSH_END_PROTOCOL);
}

static void one_who_asks_for_a_shell_may_be_told_what_to_do_instead(void **state)
{
    struct stage *stage = *state;

    stage->shell_text = "no shell here: do that\r\n";
    stage_ssh(stage, stage_key(stage, "ed25519"), (const char *[]){NULL});
    expect_words(stage);
}

static void one_who_asks_for_a_command_on_a_terminal_is_told_too(void **state)
{
    struct stage *stage = *state;

    stage->shell_text = "no shell here: do that\r\n";
    stage_ssh(stage, stage_key(stage, "ed25519"), (const char *[]){"-tt", "id", NULL});
    expect_words(stage);
}

static void dropbear_is_told_too(void **state)
{
    struct stage *stage = *state;

    stage->shell_text = "no shell here: do that\r\n";
    stage_dbclient(stage, stage_dropbear_key(stage, "ed25519"), (const char *[]){NULL});
    expect_words(stage);
}

static void a_connection_through_the_server_is_refused_with_its_target(void **state)
{
    struct stage *stage = *state;

    stage_ssh(stage, stage_key(stage, "ed25519"), (const char *[]){"-W", "10.0.0.1:80", NULL});
    run_until(stage->loop, something_was_refused, stage);
    assert_string_equal(stage->refused, "direct-tcpip to 10.0.0.1:80");
    run_until(stage->loop, stage_client_ended, stage);
}

static void a_refusal_leaves_the_tunnel_alone(void **state)
{
    struct stage *stage = *state;
    char control[128];

    snprintf(control, sizeof(control), "%s/control", stage->dir);
    stage_ssh(stage, stage_key(stage, "ed25519"),
              (const char *[]){"-M", "-S", control, "-N", "-R", "0:127.0.0.1:9", NULL});
    run_until(stage->loop, stage_forwarded, stage);
    for (int i = 0; i < 1000 && stage->refusals == 0; i++) {
        program_start(&stage->tool, stage->loop,
                      (const char *[]){"ssh", "-F", "/dev/null", "-T", "-S", control, "-W",
                                       "10.0.0.1:80", "device@127.0.0.1", NULL});
        run_until(stage->loop, program_has_ended, &stage->tool);
    }
    assert_int_equal(stage->refusals, 1);
    assert_int_equal(stage->ends, 0);
    assert_false(stage->client.ended);
}

#define stage_test(test) cmocka_unit_test_setup_teardown(test, ssh_stage_begin, ssh_stage_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(the_device_learns_its_port),
        stage_test(a_forward_may_be_answered_later),
        stage_test(a_refused_forward_ends_a_client_that_needs_it),
        stage_test(several_forwards_are_asked_for_one_after_the_other),
        stage_test(a_forward_may_be_given_up),
        stage_test(a_shell_is_refused_and_told),
        stage_test(a_command_and_a_subsystem_are_refused),
        stage_test(one_who_asks_for_a_shell_may_be_told_what_to_do_instead),
        stage_test(one_who_asks_for_a_command_on_a_terminal_is_told_too),
        stage_test(dropbear_is_told_too),
        stage_test(a_connection_through_the_server_is_refused_with_its_target),
        stage_test(a_refusal_leaves_the_tunnel_alone),
    };

    return cmocka_run_group_tests_name("ssh: forwards", tests, NULL, NULL);
}
