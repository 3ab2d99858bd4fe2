/* The parts of the bus that need no server: its queues and the table of requests. */
#include "lib/base/error.h"
#include "lib/bus/inbox.h"
#include "lib/bus/monotonic.h"
#include "lib/bus/outbox.h"
#include "lib/bus/pending.h"
#include "lib/bus/spent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int destroyed;
static int woken;

static void destroy_message(void *message)
{
    (void)message;
    destroyed++;
}

static void wake(void *context)
{
    (void)context;
    woken++;
}

/* A message is any address: it is never looked at. */
static void *message(int number)
{
    static char messages[256];

    return &messages[number];
}

/* ---- requests ------------------------------------------------------------- */

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    (void)context;
    (void)error;
    (void)data;
    (void)len;
}

static uint64_t add(struct m4h_pending *pending, int number, uint64_t deadline_ms)
{
    const struct m4h_pending_request request = {on_reply, message(number)};
    uint64_t id = 0;

    assert_int_equal(m4h_pending_add(pending, &request, deadline_ms, &id), 0);
    assert_true(id != 0);
    return id;
}

static void requests_come_due_in_order_of_their_deadlines(void **state)
{
    struct m4h_pending_request request;
    struct m4h_pending pending;

    (void)state;
    assert_int_equal(m4h_pending_init(&pending, 8), 0);
    assert_int_equal(m4h_pending_next_ms(&pending), UINT64_MAX);
    add(&pending, 3, 300);
    add(&pending, 1, 100);
    add(&pending, 2, 200);
    assert_int_equal(m4h_pending_next_ms(&pending), 100);
    assert_false(m4h_pending_take_due(&pending, 99, &request));
    for (int i = 1; i <= 3; i++) {
        assert_true(m4h_pending_take_due(&pending, 300, &request));
        assert_ptr_equal(request.context, message(i));
    }
    assert_false(m4h_pending_take_due(&pending, UINT64_MAX, &request));
    m4h_pending_free(&pending);
}

static void an_id_is_good_for_one_request_only(void **state)
{
    struct m4h_pending_request request;
    struct m4h_pending pending;
    uint64_t old;
    uint64_t later;

    (void)state;
    assert_int_equal(m4h_pending_init(&pending, 1), 0);
    old = add(&pending, 1, 100);
    assert_true(m4h_pending_take(&pending, old, &request));
    assert_false(m4h_pending_take(&pending, old, &request));
    later = add(&pending, 2, 100);
    assert_false(m4h_pending_take(&pending, old, &request));
    assert_false(m4h_pending_take(&pending, 0, &request));
    assert_false(m4h_pending_take(&pending, UINT64_MAX, &request));
    assert_true(m4h_pending_take(&pending, later, &request));
    assert_ptr_equal(request.context, message(2));
    m4h_pending_free(&pending);
}

static void open_requests_have_a_bound_and_slots_come_back(void **state)
{
    const struct m4h_pending_request request = {on_reply, NULL};
    struct m4h_pending_request taken;
    struct m4h_pending pending;
    uint64_t ids[4];
    uint64_t id;

    (void)state;
    assert_int_equal(m4h_pending_init(&pending, 4), 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            ids[i] = add(&pending, i, 10);
        assert_int_equal(m4h_pending_add(&pending, &request, 10, &id), M4H_EFULL);
        assert_int_equal(m4h_pending_count(&pending), 4);
        for (int i = 0; i < 4; i++)
            assert_true(m4h_pending_take(&pending, ids[i], &taken));
    }
    m4h_pending_free(&pending);
}

/* ---- outbound -------------------------------------------------------------- */

static int push_out(struct m4h_outbox *outbox, int number, uint32_t bytes, bool keep)
{
    const struct m4h_outbox_item item = {message(number), bytes, keep};

    return m4h_outbox_push(outbox, &item);
}

static void an_item_stays_first_until_it_is_taken_off(void **state)
{
    struct m4h_outbox_item items[8];
    struct m4h_outbox outbox;

    (void)state;
    destroyed = 0;
    assert_int_equal(m4h_outbox_init(&outbox, 3, 100, destroy_message), 0);
    for (int turn = 0; turn < 5; turn++) {
        assert_int_equal(push_out(&outbox, 1, 10, true), 0);
        assert_int_equal(push_out(&outbox, 2, 10, true), 0);
        assert_int_equal(m4h_outbox_peek(&outbox, items, 8), 2);
        assert_ptr_equal(items[0].message, message(1));
        m4h_outbox_take_off(&outbox, 1, 0);
        assert_int_equal(m4h_outbox_peek(&outbox, items, 8), 1);
        assert_ptr_equal(items[0].message, message(2));
        m4h_outbox_take_off(&outbox, 1, 0);
    }
    m4h_outbox_free(&outbox);
    assert_int_equal(destroyed, 0);
}

static void both_bounds_of_the_outbox_hold(void **state)
{
    struct m4h_outbox outbox;

    (void)state;
    assert_int_equal(m4h_outbox_init(&outbox, 2, 100, destroy_message), 0);
    assert_int_equal(push_out(&outbox, 1, 101, true), M4H_EFULL);
    assert_int_equal(push_out(&outbox, 1, 60, true), 0);
    assert_int_equal(push_out(&outbox, 1, 41, true), M4H_EFULL);
    assert_int_equal(push_out(&outbox, 1, 40, true), 0);
    assert_int_equal(push_out(&outbox, 1, 0, true), M4H_EFULL);
    m4h_outbox_free(&outbox);
}

static void only_what_may_wait_is_left_after_a_loss(void **state)
{
    struct m4h_outbox_item items[8];
    struct m4h_outbox outbox;
    uint64_t sent;
    uint64_t dropped;
    uint32_t queued;

    (void)state;
    destroyed = 0;
    assert_int_equal(m4h_outbox_init(&outbox, 8, 100, destroy_message), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(push_out(&outbox, i, 1, i % 2 == 0), 0);
    m4h_outbox_drop_fresh(&outbox);
    assert_int_equal(destroyed, 4);
    assert_int_equal(m4h_outbox_peek(&outbox, items, 8), 4);
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(items[i].message, message(2 * i));
    m4h_outbox_stats(&outbox, &sent, &dropped, &queued);
    assert_int_equal(sent, 0);
    assert_int_equal(dropped, 4);
    assert_int_equal(queued, 4);
    m4h_outbox_free(&outbox);
    assert_int_equal(destroyed, 8);
}

static void a_closed_outbox_that_is_empty_does_not_wait(void **state)
{
    struct m4h_outbox_view view;
    struct m4h_outbox outbox;

    (void)state;
    assert_int_equal(m4h_outbox_init(&outbox, 2, 100, destroy_message), 0);
    m4h_outbox_close(&outbox, UINT64_MAX);
    view = m4h_outbox_rest(&outbox, UINT64_MAX);
    assert_true(view.closing);
    assert_int_equal(view.count, 0);
    m4h_outbox_free(&outbox);
}

static void a_rest_ends_when_the_time_to_close_is_over(void **state)
{
    uint64_t now_ms = m4h_monotonic_now_ms();
    struct m4h_outbox outbox;

    (void)state;
    assert_int_equal(m4h_outbox_init(&outbox, 2, 100, destroy_message), 0);
    assert_int_equal(push_out(&outbox, 1, 1, true), 0);
    m4h_outbox_close(&outbox, now_ms + 20);
    (void)m4h_outbox_rest(&outbox, UINT64_MAX);
    assert_true(m4h_monotonic_now_ms() >= now_ms + 20);
    m4h_outbox_free(&outbox);
}

/* ---- what was delivered or sent ------------------------------------------------ */

static void what_is_spent_is_freed_together_where_it_is_much(void **state)
{
    struct m4h_spent spent = {.destroy_message = destroy_message};

    (void)state;
    destroyed = 0;
    for (int i = 0; i < M4H_SPENT_MAX - 1; i++)
        m4h_spent_add(&spent, message(i), 1);
    assert_int_equal(destroyed, 0);
    m4h_spent_add(&spent, message(0), 1);
    assert_int_equal(destroyed, M4H_SPENT_MAX);
    m4h_spent_add(&spent, message(0), M4H_SPENT_BYTES_MAX - 1);
    assert_int_equal(destroyed, M4H_SPENT_MAX);
    m4h_spent_add(&spent, message(1), 1);
    assert_int_equal(destroyed, M4H_SPENT_MAX + 2);
    m4h_spent_add(&spent, message(1), 1);
    m4h_spent_free(&spent);
    assert_int_equal(destroyed, M4H_SPENT_MAX + 3);
}

/* ---- inbound ----------------------------------------------------------------- */

static void make_inbox(struct m4h_inbox *inbox, uint32_t max_messages)
{
    const struct m4h_inbox_config config = {.max_messages = max_messages,
                                            .max_bytes = 100,
                                            .destroy_message = destroy_message,
                                            .wake = wake};

    destroyed = 0;
    woken = 0;
    assert_int_equal(m4h_inbox_init(inbox, &config), 0);
}

static void what_comes_before_the_announcement_is_shown_after_it(void **state)
{
    struct m4h_inbox_item items[8];
    struct m4h_inbox inbox;

    (void)state;
    make_inbox(&inbox, 8);
    assert_int_equal(m4h_inbox_begin(&inbox), 0);
    m4h_inbox_push(&inbox, 0, message(1), 1);
    assert_int_equal(m4h_inbox_take(&inbox, items, 8), 0);
    assert_int_equal(woken, 0);
    m4h_inbox_announce(&inbox);
    assert_int_equal(woken, 1);
    m4h_inbox_push(&inbox, 0, message(2), 1);
    assert_int_equal(woken, 1);
    m4h_inbox_end(&inbox);
    m4h_inbox_push(&inbox, 0, message(3), 1);
    assert_int_equal(m4h_inbox_take(&inbox, items, 8), 4);
    assert_int_equal(items[0].kind, M4H_INBOX_CONNECTED);
    assert_ptr_equal(items[1].message, message(1));
    assert_ptr_equal(items[2].message, message(2));
    assert_int_equal(items[3].kind, M4H_INBOX_DISCONNECTED);
    assert_int_equal(destroyed, 1);
    m4h_inbox_free(&inbox);
}

static void a_connection_that_was_never_announced_leaves_nothing(void **state)
{
    struct m4h_inbox_item items[8];
    struct m4h_inbox inbox;

    (void)state;
    make_inbox(&inbox, 8);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(m4h_inbox_begin(&inbox), 0);
        m4h_inbox_push(&inbox, 0, message(1), 1);
        m4h_inbox_end(&inbox);
    }
    assert_int_equal(m4h_inbox_take(&inbox, items, 8), 0);
    assert_int_equal(destroyed, 100);
    assert_int_equal(woken, 0);
    m4h_inbox_free(&inbox);
}

static void an_owner_that_sleeps_stops_new_connections(void **state)
{
    struct m4h_inbox_item items[64];
    struct m4h_inbox inbox;
    int connections = 0;

    (void)state;
    make_inbox(&inbox, 8);
    while (m4h_inbox_begin(&inbox) == 0) {
        m4h_inbox_announce(&inbox);
        m4h_inbox_end(&inbox);
        connections++;
        assert_true(connections < 100);
    }
    assert_int_equal(m4h_inbox_take(&inbox, items, 64), 2 * connections);
    assert_int_equal(m4h_inbox_begin(&inbox), 0);
    m4h_inbox_free(&inbox);
}

static void the_owner_is_woken_again_for_what_it_left(void **state)
{
    struct m4h_inbox_item items[8];
    struct m4h_inbox inbox;

    (void)state;
    make_inbox(&inbox, 8);
    assert_int_equal(m4h_inbox_begin(&inbox), 0);
    m4h_inbox_announce(&inbox);
    m4h_inbox_push(&inbox, 0, message(1), 1);
    m4h_inbox_push(&inbox, 0, message(2), 1);
    assert_int_equal(m4h_inbox_take(&inbox, items, 2), 2);
    assert_int_equal(woken, 2);
    assert_int_equal(m4h_inbox_take(&inbox, items, 2), 1);
    assert_int_equal(woken, 2);
    m4h_inbox_push(&inbox, 0, message(3), 1);
    assert_int_equal(woken, 3);
    m4h_inbox_free(&inbox);
}

static void both_bounds_of_the_inbox_hold(void **state)
{
    struct m4h_inbox_item items[8];
    struct m4h_inbox inbox;
    uint64_t received;
    uint64_t dropped;

    (void)state;
    make_inbox(&inbox, 2);
    assert_int_equal(m4h_inbox_begin(&inbox), 0);
    m4h_inbox_announce(&inbox);
    m4h_inbox_push(&inbox, 0, message(1), 101);
    m4h_inbox_push(&inbox, 0, message(2), 1);
    m4h_inbox_push(&inbox, 0, message(3), 1);
    m4h_inbox_push(&inbox, 0, message(4), 1);
    m4h_inbox_stats(&inbox, &received, &dropped);
    assert_int_equal(received, 4);
    assert_int_equal(dropped, 2);
    assert_int_equal(m4h_inbox_take(&inbox, items, 8), 3);
    assert_ptr_equal(items[1].message, message(2));
    m4h_inbox_free(&inbox);
}

static void a_closed_inbox_neither_takes_nor_wakes(void **state)
{
    struct m4h_inbox inbox;

    (void)state;
    make_inbox(&inbox, 8);
    assert_int_equal(m4h_inbox_begin(&inbox), 0);
    m4h_inbox_push(&inbox, 0, message(1), 1);
    m4h_inbox_close(&inbox);
    m4h_inbox_announce(&inbox);
    m4h_inbox_push(&inbox, 0, message(2), 1);
    m4h_inbox_end(&inbox);
    assert_int_equal(woken, 0);
    assert_int_equal(destroyed, 2);
    m4h_inbox_free(&inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_due_in_order_of_their_deadlines),
        cmocka_unit_test(an_id_is_good_for_one_request_only),
        cmocka_unit_test(open_requests_have_a_bound_and_slots_come_back),
        cmocka_unit_test(an_item_stays_first_until_it_is_taken_off),
        cmocka_unit_test(both_bounds_of_the_outbox_hold),
        cmocka_unit_test(only_what_may_wait_is_left_after_a_loss),
        cmocka_unit_test(a_closed_outbox_that_is_empty_does_not_wait),
        cmocka_unit_test(a_rest_ends_when_the_time_to_close_is_over),
        cmocka_unit_test(what_is_spent_is_freed_together_where_it_is_much),
        cmocka_unit_test(what_comes_before_the_announcement_is_shown_after_it),
        cmocka_unit_test(a_connection_that_was_never_announced_leaves_nothing),
        cmocka_unit_test(an_owner_that_sleeps_stops_new_connections),
        cmocka_unit_test(the_owner_is_woken_again_for_what_it_left),
        cmocka_unit_test(both_bounds_of_the_inbox_hold),
        cmocka_unit_test(a_closed_inbox_neither_takes_nor_wakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
