/* How long the turns of a loop are, as its metric tells. */
#include "lib/base/metrics.h"
#include "lib/net/mailbox.h"
#include "lib/net/timer.h"
#include "tests/unit/net_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUSY_MS 30

/* The value of `mas4h_loop_lag_seconds` with that ending. */
static double lag(const struct m4h_loop *loop, const char *ending)
{
    struct m4h_buffer out = M4H_BUFFER_INIT(16384);
    struct m4h_metrics metrics = {&out, 0};
    char name[128];
    const char *at;
    double value;

    m4h_loop_write_lag(loop, "x", true, &metrics);
    assert_int_equal(metrics.error, 0);
    assert_int_equal(m4h_buffer_add(&out, "", 1), 0);
    snprintf(name, sizeof(name), "\nmas4h_loop_lag_seconds_%s ", ending);
    at = strstr((const char *)out.data, name);
    if (at == NULL)
        fail_msg("no %s", name);
    value = strtod(at + strlen(name), NULL);
    m4h_buffer_free(&out);
    return value;
}

static uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void keep_busy(void *context)
{
    uint64_t until_ms = clock_ms() + BUSY_MS;

    while (clock_ms() < until_ms)
        ;
    ++*(unsigned *)context;
}

static bool was_called(void *context)
{
    return *(unsigned *)context > 0;
}

static void a_turn_that_takes_long_is_counted_as_long(void **state)
{
    struct m4h_timer *timer;
    unsigned calls = 0;

    assert_int_equal(m4h_timer_create(&timer, *state, keep_busy, &calls), 0);
    m4h_timer_start(timer, 1, 0);
    run_until(*state, was_called, &calls);
    run_for(*state, 20);
    assert_true(lag(*state, "bucket{loop=\"x\",le=\"+Inf\"}") -
                    lag(*state, "bucket{loop=\"x\",le=\"0.025\"}") >=
                1);
    assert_true(lag(*state, "sum{loop=\"x\"}") >= (BUSY_MS - 2) / 1000.0);
    assert_true(lag(*state, "count{loop=\"x\"}") == lag(*state, "bucket{loop=\"x\",le=\"+Inf\"}"));
    m4h_timer_close(timer);
}

static void on_letter(void *context, struct m4h_letter *letter)
{
    (void)letter;
    keep_busy(context);
}

static void what_comes_from_other_threads_counts_as_well(void **state)
{
    struct m4h_mailbox *mailbox;
    struct m4h_letter letter;
    unsigned calls = 0;
    double before = lag(*state, "sum{loop=\"x\"}");

    assert_int_equal(m4h_mailbox_create(&mailbox, *state, on_letter, &calls), 0);
    m4h_mailbox_send(mailbox, &letter);
    run_until(*state, was_called, &calls);
    run_for(*state, 20);
    assert_true(lag(*state, "sum{loop=\"x\"}") - before >= (BUSY_MS - 2) / 1000.0);
    m4h_mailbox_close(mailbox);
}

static void waiting_is_not_counted(void **state)
{
    double before = lag(*state, "sum{loop=\"x\"}");

    run_for(*state, 300);
    assert_true(lag(*state, "sum{loop=\"x\"}") - before < 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_that_takes_long_is_counted_as_long),
        cmocka_unit_test(what_comes_from_other_threads_counts_as_well),
        cmocka_unit_test(waiting_is_not_counted),
    };

    return cmocka_run_group_tests_name("net: lag", tests, stage_begin, stage_end);
}
