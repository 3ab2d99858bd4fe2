/* lib/audit/outbox: nothing is forgotten before the stream has it, and all is bounded. */
#include "lib/audit/outbox.h"
#include "lib/base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 4u

static struct m4h_audit_outbox outbox;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(m4h_audit_outbox_init(&outbox, SIZE), 0);
    m4h_audit_outbox_connected(&outbox, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    m4h_audit_outbox_free(&outbox);
    return 0;
}

static void push(unsigned count)
{
    while (count-- > 0)
        assert_int_equal(m4h_audit_outbox_push(&outbox, (const uint8_t *)"r", 1), 0);
}

/* Sends the next one and returns its number; 0: there is none. */
static uint64_t send_at(uint64_t now_ms)
{
    uint64_t number;

    if (m4h_audit_outbox_next(&outbox, now_ms, &number) == NULL)
        return 0;
    m4h_audit_outbox_sent(&outbox, now_ms);
    return number;
}

static void records_go_at_once_and_in_order(void **state)
{
    (void)state;
    push(2);
    assert_int_equal(send_at(0), 1);
    assert_int_equal(send_at(0), 2);
    assert_int_equal(send_at(0), 0);
    push(1);
    assert_int_equal(send_at(0), 3);
}

static void an_acknowledged_record_is_done(void **state)
{
    (void)state;
    push(1);
    (void)send_at(0);
    m4h_audit_outbox_acknowledged(&outbox, 1);
    m4h_audit_outbox_acknowledged(&outbox, 1);
    assert_int_equal(outbox.acknowledged, 1);
    assert_int_equal(m4h_audit_outbox_count(&outbox), 0);
    assert_int_equal(m4h_audit_outbox_due_ms(&outbox), UINT64_MAX);
}

static void the_oldest_is_sent_again_less_and_less_often(void **state)
{
    uint64_t now_ms = 0, rest_ms = M4H_AUDIT_REST_MIN_MS;

    (void)state;
    push(2);
    (void)send_at(0);
    (void)send_at(0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(m4h_audit_outbox_due_ms(&outbox), now_ms + rest_ms);
        now_ms += rest_ms;
        assert_int_equal(send_at(now_ms - 1), 0);
        assert_int_equal(send_at(now_ms), 1);
        rest_ms = 2 * rest_ms < M4H_AUDIT_REST_MAX_MS ? 2 * rest_ms : M4H_AUDIT_REST_MAX_MS;
    }
}

static void all_go_again_when_the_oldest_is_acknowledged(void **state)
{
    (void)state;
    push(3);
    while (send_at(0) != 0)
        ;
    assert_int_equal(send_at(M4H_AUDIT_REST_MIN_MS), 1);
    m4h_audit_outbox_acknowledged(&outbox, 1);
    assert_int_equal(send_at(M4H_AUDIT_REST_MIN_MS), 2);
    assert_int_equal(send_at(M4H_AUDIT_REST_MIN_MS), 3);
    assert_int_equal(send_at(M4H_AUDIT_REST_MIN_MS), 0);
}

static void while_nats_is_away_records_wait_and_a_reconnect_sends_them_again(void **state)
{
    (void)state;
    push(1);
    (void)send_at(0);
    m4h_audit_outbox_connected(&outbox, false);
    push(1);
    assert_int_equal(send_at(1000000), 0);
    assert_int_equal(m4h_audit_outbox_due_ms(&outbox), UINT64_MAX);
    m4h_audit_outbox_connected(&outbox, true);
    assert_int_equal(send_at(1000000), 1);
    assert_int_equal(send_at(1000000), 2);
}

static void without_room_the_oldest_is_lost_and_counted(void **state)
{
    (void)state;
    m4h_audit_outbox_connected(&outbox, false);
    push(SIZE + 2);
    assert_int_equal(outbox.lost, 2);
    assert_int_equal(m4h_audit_outbox_count(&outbox), SIZE);
    m4h_audit_outbox_acknowledged(&outbox, 1);
    assert_int_equal(outbox.acknowledged, 0);
    m4h_audit_outbox_connected(&outbox, true);
    assert_int_equal(send_at(0), 3);
}

static void what_the_stream_never_takes_holds_up_nothing(void **state)
{
    (void)state;
    push(2);
    (void)send_at(0);
    m4h_audit_outbox_give_up(&outbox, 1);
    assert_int_equal(outbox.lost, 1);
    assert_int_equal(send_at(0), 2);
    m4h_audit_outbox_acknowledged(&outbox, 2);
    assert_int_equal(m4h_audit_outbox_count(&outbox), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_go_at_once_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_acknowledged_record_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_is_sent_again_less_and_less_often, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(all_go_again_when_the_oldest_is_acknowledged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            while_nats_is_away_records_wait_and_a_reconnect_sends_them_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_room_the_oldest_is_lost_and_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_the_stream_never_takes_holds_up_nothing, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
