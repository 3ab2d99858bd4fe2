/* A pump runs when it is woken, and when the time has come that it named. */
#include "lib/net/pump.h"
#include "tests/unit/net_stage.h"

#include <pthread.h>
#include <stdatomic.h>

#define WAKERS     4
#define WAKES      1000
#define NEVER      UINT64_MAX
#define EVERY_MS   10u
#define TIMED_RUNS 3u

struct work {
    struct m4h_pump *pump;
    unsigned runs;
    uint64_t first_ms, last_ms;
    unsigned timed_runs; /* after so many runs it wants no more */
    bool close_itself;
    atomic_uint asked; /* by the wakers */
    unsigned seen;     /* of these, in the last run */
};

static uint64_t run(void *context, uint64_t now_ms)
{
    struct work *work = context;

    if (work->runs++ == 0)
        work->first_ms = now_ms;
    work->last_ms = now_ms;
    work->seen = atomic_load(&work->asked);
    if (work->close_itself) {
        m4h_pump_close(work->pump);
        return now_ms;
    }
    return work->runs < work->timed_runs ? now_ms + EVERY_MS : NEVER;
}

static struct m4h_pump *make(struct m4h_loop *loop, struct work *work)
{
    assert_int_equal(m4h_pump_create(&work->pump, loop, run, work), 0);
    return work->pump;
}

static bool has_run(void *context)
{
    return ((struct work *)context)->runs > 0;
}

static bool has_run_as_often_as_it_wants(void *context)
{
    return ((struct work *)context)->runs == TIMED_RUNS;
}

static bool has_seen_every_ask(void *context)
{
    return ((struct work *)context)->seen == WAKERS * WAKES;
}

static void a_pump_that_is_asked_to_run_soon_runs_once(void **state)
{
    struct work work = {0};

    make(*state, &work);
    m4h_pump_run_soon(work.pump);
    m4h_pump_run_soon(work.pump);
    assert_int_equal(work.runs, 0);
    run_until(*state, has_run, &work);
    run_for(*state, 10);
    assert_int_equal(work.runs, 1);
    m4h_pump_close(work.pump);
}

static void a_pump_that_nobody_woke_does_not_run(void **state)
{
    struct work work = {0};

    make(*state, &work);
    run_for(*state, 10);
    assert_int_equal(work.runs, 0);
    m4h_pump_wake(work.pump);
    run_until(*state, has_run, &work);
    run_for(*state, 10);
    assert_int_equal(work.runs, 1);
    m4h_pump_close(work.pump);
}

static void it_runs_again_at_the_time_that_it_named(void **state)
{
    struct work work = {.timed_runs = TIMED_RUNS};

    make(*state, &work);
    m4h_pump_wake(work.pump);
    run_until(*state, has_run_as_often_as_it_wants, &work);
    assert_true(work.last_ms >= work.first_ms + (TIMED_RUNS - 1) * EVERY_MS);
    run_for(*state, 3 * EVERY_MS);
    assert_int_equal(work.runs, TIMED_RUNS);
    m4h_pump_close(work.pump);
}

static void *wake_often(void *context)
{
    struct work *work = context;

    for (int i = 0; i < WAKES; i++) {
        atomic_fetch_add(&work->asked, 1);
        m4h_pump_wake(work->pump);
    }
    return NULL;
}

static void no_ask_of_any_thread_goes_unseen(void **state)
{
    struct work work = {0};
    pthread_t threads[WAKERS];

    make(*state, &work);
    for (int i = 0; i < WAKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wake_often, &work), 0);
    run_until(*state, has_seen_every_ask, &work);
    for (int i = 0; i < WAKERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(work.runs <= WAKERS * WAKES);
    m4h_pump_close(work.pump);
}

static void a_pump_may_close_itself_as_it_runs(void **state)
{
    struct work work = {.close_itself = true};

    make(*state, &work);
    m4h_pump_wake(work.pump);
    run_for(*state, 20);
    assert_int_equal(work.runs, 1);
}

static void a_wake_before_the_close_runs_nothing_after_it(void **state)
{
    struct work work = {0};

    make(*state, &work);
    m4h_pump_wake(work.pump);
    m4h_pump_close(work.pump);
    run_for(*state, 10);
    assert_int_equal(work.runs, 0);
}

static void closing_nothing_is_harmless(void **state)
{
    (void)state;
    m4h_pump_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pump_that_is_asked_to_run_soon_runs_once),
        cmocka_unit_test(a_pump_that_nobody_woke_does_not_run),
        cmocka_unit_test(it_runs_again_at_the_time_that_it_named),
        cmocka_unit_test(no_ask_of_any_thread_goes_unseen),
        cmocka_unit_test(a_pump_may_close_itself_as_it_runs),
        cmocka_unit_test(a_wake_before_the_close_runs_nothing_after_it),
        cmocka_unit_test(closing_nothing_is_harmless),
    };

    return cmocka_run_group_tests_name("net: pump", tests, stage_begin, stage_end);
}
