/* When another slave may be called, and which connection takes one more operator. */
#include "services/slave/core/hop_pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_slave_that_was_never_called_may_be(void **state)
{
    const struct m4h_hop_pace pace = {0};

    (void)state;
    assert_true(m4h_hop_pace_allows(&pace, 0));
}

static void each_failure_doubles_the_wait_up_to_the_longest(void **state)
{
    struct m4h_hop_pace pace = {0};
    uint64_t now_ms = 1000, wait_ms = M4H_HOP_WAIT_MIN_MS;

    (void)state;
    for (int i = 0; i < 100; i++) {
        m4h_hop_pace_failed(&pace, now_ms);
        assert_false(m4h_hop_pace_allows(&pace, now_ms + wait_ms - 1));
        assert_true(m4h_hop_pace_allows(&pace, now_ms + wait_ms));
        now_ms += wait_ms;
        wait_ms = 2 * wait_ms < M4H_HOP_WAIT_MAX_MS ? 2 * wait_ms : M4H_HOP_WAIT_MAX_MS;
    }
    assert_int_equal(wait_ms, M4H_HOP_WAIT_MAX_MS);
}

static void one_that_works_is_forgiven(void **state)
{
    struct m4h_hop_pace pace = {0};

    (void)state;
    for (int i = 0; i < 5; i++)
        m4h_hop_pace_failed(&pace, 1000);
    m4h_hop_pace_worked(&pace);
    assert_true(m4h_hop_pace_allows(&pace, 1000));
    m4h_hop_pace_failed(&pace, 1000);
    assert_true(m4h_hop_pace_allows(&pace, 1000 + M4H_HOP_WAIT_MIN_MS));
}

static void the_fullest_that_has_room_takes_one_more(void **state)
{
    (void)state;
    assert_int_equal(m4h_hop_choose(NULL, 0, 64), -1);
    assert_int_equal(m4h_hop_choose((const uint32_t[]){64, 64}, 2, 64), -1);
    assert_int_equal(m4h_hop_choose((const uint32_t[]){0, 63, 64, 5}, 4, 64), 1);
    assert_int_equal(m4h_hop_choose((const uint32_t[]){0}, 1, 64), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slave_that_was_never_called_may_be),
        cmocka_unit_test(each_failure_doubles_the_wait_up_to_the_longest),
        cmocka_unit_test(one_that_works_is_forgiven),
        cmocka_unit_test(the_fullest_that_has_room_takes_one_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
