/* Tasks: done on another thread, told on the loop. */
#include "lib/net/task.h"
#include "tests/unit/net_stage.h"

#include <pthread.h>
#include <signal.h>

struct job {
    struct m4h_task *task;
    pthread_t ran_on;
    bool has_run, blocks_signals;
    unsigned done;
};

static void run(void *context)
{
    struct job *job = context;
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    job->blocks_signals = sigismember(&blocked, SIGTERM) == 1;
    job->ran_on = pthread_self();
    job->has_run = true;
}

static void on_done(void *context)
{
    struct job *job = context;

    assert_true(job->has_run);
    job->done++;
    m4h_task_close(job->task);
    job->task = NULL;
}

static bool is_done(void *context)
{
    return ((struct job *)context)->done > 0;
}

static void it_runs_on_a_thread_of_its_own_and_is_told_on_the_loop(void **state)
{
    struct job job = {0};

    assert_int_equal(m4h_task_start(&job.task, *state, run, on_done, &job), 0);
    run_until(*state, is_done, &job);
    assert_false(pthread_equal(job.ran_on, pthread_self()));
    assert_true(job.blocks_signals);
    assert_int_equal(job.done, 1);
}

static void one_that_is_closed_has_run_and_is_not_told(void **state)
{
    struct job job = {0};

    assert_int_equal(m4h_task_start(&job.task, *state, run, on_done, &job), 0);
    m4h_task_close(job.task);
    assert_true(job.has_run);
    run_for(*state, 20);
    assert_int_equal(job.done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_on_a_thread_of_its_own_and_is_told_on_the_loop),
        cmocka_unit_test(one_that_is_closed_has_run_and_is_not_told),
    };

    return cmocka_run_group_tests_name("net: task", tests, stage_begin, stage_end);
}
