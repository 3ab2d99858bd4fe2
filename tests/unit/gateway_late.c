#include "lib/base/error.h"
#include "services/gateway/core/late.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_gateway_late late;

static int stop(void **state)
{
    (void)state;
    m4h_gateway_late_free(&late);
    return 0;
}

static int add(unsigned number)
{
    struct m4h_event event = {0};

    snprintf(event.event_id, sizeof(event.event_id), "s1:1:%u", number);
    event.seq = number;
    return m4h_gateway_late_add(&late, &event);
}

static uint64_t take(void)
{
    struct m4h_event *event = m4h_gateway_late_take(&late);
    uint64_t seq = event != NULL ? event->seq : 0;

    free(event);
    return seq;
}

static void what_the_stream_does_not_bring_is_given_in_order(void **state)
{
    (void)state;
    for (unsigned number = 1; number <= 4; number++)
        assert_int_equal(add(number), 0);
    m4h_gateway_late_drop(&late, "s1:1:2");
    m4h_gateway_late_drop(&late, "s1:1:9");
    assert_int_equal(take(), 1);
    assert_int_equal(take(), 3);
    assert_int_equal(take(), 4);
    assert_int_equal(take(), 0);
}

static void more_than_there_is_room_for_is_an_error(void **state)
{
    (void)state;
    for (unsigned number = 1; number <= M4H_GATEWAY_LATE_MAX; number++)
        assert_int_equal(add(number), 0);
    assert_int_equal(add(M4H_GATEWAY_LATE_MAX + 1), M4H_EFULL);
    assert_int_equal(take(), 1);
    assert_int_equal(add(M4H_GATEWAY_LATE_MAX + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_the_stream_does_not_bring_is_given_in_order, stop),
        cmocka_unit_test_teardown(more_than_there_is_room_for_is_an_error, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
