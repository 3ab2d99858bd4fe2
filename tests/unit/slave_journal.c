/* Events on their way to the stream (core/journal.c), with the bus played by the test. */
#include "services/slave/core/journal.h"

#include "lib/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WAIT_MS 1000u

static struct m4h_journal *journal;
static struct m4h_journal_stats stats;

static void begin(enum m4h_journal_mode mode, uint32_t messages, uint64_t bytes, uint32_t window)
{
    const struct m4h_journal_limits limits = {mode, messages, bytes, window, WAIT_MS};

    assert_int_equal(m4h_journal_create(&journal, &limits), 0);
    m4h_journal_set_connected(journal, true);
}

static void push(uint64_t from, uint64_t to)
{
    static const uint8_t data[10] = "event";

    for (uint64_t seq = from; seq <= to; seq++)
        assert_int_equal(m4h_journal_push(journal, seq, M4H_EVENT_CONNECT, data, sizeof(data)), 0);
}

/* Sends all that is named; they must be these. */
static void sends(uint64_t now_ms, uint64_t from, uint64_t to)
{
    const struct m4h_journal_entry *entry;

    for (uint64_t seq = from; seq <= to; seq++) {
        entry = m4h_journal_next(journal, now_ms);
        assert_non_null(entry);
        assert_int_equal(entry->seq, seq);
        assert_int_equal(entry->len, 10);
        m4h_journal_sent(journal, now_ms);
    }
}

static void sends_nothing(uint64_t now_ms)
{
    assert_null(m4h_journal_next(journal, now_ms));
}

static void look(uint32_t messages)
{
    m4h_journal_stats(journal, &stats);
    assert_int_equal(stats.messages, messages);
    assert_int_equal(stats.bytes > 0, messages > 0);
}

static int end(void **state)
{
    (void)state;
    m4h_journal_destroy(journal);
    journal = NULL;
    return 0;
}

static void in_order_and_gone_when_acknowledged(void **state)
{
    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 100);
    push(1, 3);
    sends(0, 1, 3);
    sends_nothing(0);
    look(3);
    assert_int_equal(m4h_journal_due_ms(journal), WAIT_MS);
    for (uint64_t seq = 1; seq <= 3; seq++)
        m4h_journal_acknowledged(journal, seq);
    look(0);
    assert_int_equal(stats.acknowledged, 3);
    assert_true(m4h_journal_is_settled(journal));
    assert_true(m4h_journal_due_ms(journal) == UINT64_MAX);
}

static void the_window_counts_what_is_not_acknowledged(void **state)
{
    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 3);
    push(1, 10);
    sends(0, 1, 3);
    sends_nothing(0);
    m4h_journal_acknowledged(journal, 2); /* in the middle */
    m4h_journal_acknowledged(journal, 3);
    sends(0, 4, 5);
    sends_nothing(0);
    m4h_journal_acknowledged(journal, 1);
    sends(0, 6, 6);
    sends_nothing(0);
    look(7);
}

static void what_is_late_goes_again_from_the_oldest(void **state)
{
    uint64_t due_ms;

    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 10);
    push(1, 4);
    sends(0, 1, 4);
    m4h_journal_acknowledged(journal, 3);
    sends_nothing(WAIT_MS);
    push(5, 5);
    sends(WAIT_MS, 5, 5); /* nobody waits for a stream that is silent */
    due_ms = m4h_journal_due_ms(journal);
    assert_in_range(due_ms, WAIT_MS + 1, 2 * WAIT_MS);
    sends(due_ms, 1, 1);
    sends_nothing(due_ms);
    assert_true(m4h_journal_due_ms(journal) > due_ms);
    m4h_journal_acknowledged(journal, 1);
    sends(due_ms, 2, 2);
    sends(due_ms, 4, 5);
    sends_nothing(due_ms);
    look(4); /* 3 holds no bytes any more, only its place behind 2 */
    assert_int_equal(stats.resent, 4);
    assert_int_equal(stats.bytes, 30);
}

static void how_long_an_event_has_waited_counts_from_its_last_sending(void **state)
{
    uint64_t due_ms;

    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 100);
    push(1, 2);
    sends(100, 1, 2);
    assert_int_equal(m4h_journal_sent_ms(journal, 1), 100);
    sends_nothing(100 + WAIT_MS);
    due_ms = m4h_journal_due_ms(journal);
    sends(due_ms, 1, 1);
    assert_int_equal(m4h_journal_sent_ms(journal, 1), due_ms);
    m4h_journal_acknowledged(journal, 2);
    assert_int_equal(m4h_journal_sent_ms(journal, 2), 0);
    assert_int_equal(m4h_journal_sent_ms(journal, 3), 0);
}

static void a_no_is_as_no_answer(void **state)
{
    uint64_t due_ms;

    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 10);
    push(1, 2);
    sends(0, 1, 2);
    m4h_journal_failed(journal, 1, 5);
    m4h_journal_failed(journal, 2, 5);
    sends_nothing(5);
    due_ms = m4h_journal_due_ms(journal);
    assert_in_range(due_ms, 6, WAIT_MS);
    sends(due_ms, 1, 1);
    m4h_journal_failed(journal, 1, due_ms);
    assert_true(m4h_journal_due_ms(journal) - due_ms > due_ms - 5);
    look(2);
}

static void a_reconnect_sends_all_again(void **state)
{
    (void)state;
    begin(M4H_JOURNAL_AUTO, 100, 10000, 10);
    push(1, 3);
    sends(0, 1, 3);
    m4h_journal_acknowledged(journal, 2);
    m4h_journal_set_connected(journal, false);
    push(4, 4);
    sends_nothing(50000);
    m4h_journal_set_connected(journal, true);
    sends(50000, 1, 1);
    sends(50000, 3, 4);
    sends_nothing(50000);
}

static void what_does_not_fit_is_counted_by_what_became_of_it(void **state)
{
    static const uint8_t large[100];

    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 4, 45, 2);
    push(1, 4);
    sends(0, 1, 2);
    push(5, 7);
    look(4);
    assert_int_equal(stats.dropped_sent, 2);
    assert_int_equal(stats.lost, 1);
    sends(0, 4, 5);
    sends_nothing(0);
    assert_int_equal(m4h_journal_push(journal, 8, M4H_EVENT_CONNECT, large, 40), 0);
    look(1); /* by bytes */
    assert_int_equal(m4h_journal_push(journal, 9, M4H_EVENT_CONNECT, large, 46), M4H_ETOOBIG);
    m4h_journal_stats(journal, &stats);
    assert_int_equal(stats.lost, 4);
    assert_int_equal(stats.dropped_sent, 4);
}

static void auto_waits_once_until_there_is_a_stream(void **state)
{
    (void)state;
    begin(M4H_JOURNAL_AUTO, 100, 10000, 2);
    push(1, 5);
    sends(0, 1, 5); /* no window: nobody may ever answer */
    assert_true(m4h_journal_is_settled(journal));
    m4h_journal_failed(journal, 1, 0);
    sends_nothing(WAIT_MS - 1);
    look(5);
    sends_nothing(WAIT_MS);
    look(0);
    assert_int_equal(stats.unacknowledged, 5);
    push(6, 6);
    sends(WAIT_MS, 6, 6);
    m4h_journal_acknowledged(journal, 6);
    push(7, 7);
    sends(WAIT_MS, 7, 7);
    sends_nothing(9 * WAIT_MS);
    look(1);
    assert_false(m4h_journal_is_settled(journal));
}

static void never_is_done_when_it_is_sent(void **state)
{
    (void)state;
    begin(M4H_JOURNAL_NEVER, 100, 10000, 1);
    push(1, 3);
    sends(0, 1, 3);
    look(0);
    assert_true(m4h_journal_is_settled(journal));
}

static void what_can_never_be_sent_stops_nothing(void **state)
{
    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 10);
    push(1, 3);
    sends(0, 1, 1);
    assert_int_equal(m4h_journal_next(journal, 0)->seq, 2);
    m4h_journal_skip(journal);
    sends(0, 3, 3);
    m4h_journal_acknowledged(journal, 1);
    m4h_journal_acknowledged(journal, 3);
    look(0);
    assert_int_equal(stats.lost, 1);
}

static void what_the_stream_says_no_to_for_ever_is_let_go(void **state)
{
    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 10);
    push(1, 3);
    sends(0, 1, 3);
    m4h_journal_refused(journal, 1);
    m4h_journal_acknowledged(journal, 2);
    look(1);
    m4h_journal_acknowledged(journal, 3);
    m4h_journal_refused(journal, 3);
    look(0);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(stats.acknowledged, 2);
}

/* Asks about the oldest when it is time to, while a later one is taken. */
static uint64_t pass_over(uint64_t oldest, uint64_t other, bool others_are_taken)
{
    uint64_t due_ms = m4h_journal_due_ms(journal);

    sends(due_ms, oldest, oldest);
    push(other, other);
    sends(due_ms, other, other);
    if (others_are_taken)
        m4h_journal_acknowledged(journal, other);
    return due_ms;
}

static void what_is_passed_over_again_and_again_is_let_go_with_its_like(void **state)
{
    static const uint8_t data[10] = "refuse";
    uint64_t now_ms = 0;

    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 10);
    for (uint64_t seq = 1; seq <= 2; seq++)
        assert_int_equal(m4h_journal_push(journal, seq, M4H_EVENT_REFUSE, data, sizeof(data)), 0);
    push(3, 3);
    sends(0, 1, 3);
    sends_nothing(WAIT_MS); /* held now */
    for (uint64_t other = 10; other < 17; other++)
        now_ms = pass_over(1, other, true);
    look(10);
    sends(now_ms = m4h_journal_due_ms(journal), 3, 3); /* 1 and 2 are gone */
    m4h_journal_stats(journal, &stats);
    assert_int_equal(stats.refused, 2);
    m4h_journal_acknowledged(journal, 3);
    look(0);
    sends_nothing(now_ms + WAIT_MS);
}

static void while_the_stream_takes_nothing_nothing_is_let_go(void **state)
{
    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 10);
    push(1, 1);
    sends(0, 1, 1);
    sends_nothing(WAIT_MS);
    for (uint64_t other = 10; other < 30; other++)
        pass_over(1, other, false);
    look(21);
    assert_int_equal(stats.refused, 0);
}

static void it_is_behind_while_something_waits_for_its_turn(void **state)
{
    (void)state;
    begin(M4H_JOURNAL_REQUIRED, 100, 10000, 2);
    assert_false(m4h_journal_is_behind(journal));
    push(1, 3);
    sends(0, 1, 2);
    assert_true(m4h_journal_is_behind(journal));
    m4h_journal_acknowledged(journal, 1);
    sends(0, 3, 3);
    assert_false(m4h_journal_is_behind(journal));
    sends_nothing(WAIT_MS); /* a silent stream is nobody's turn */
    assert_false(m4h_journal_is_behind(journal));
    m4h_journal_set_connected(journal, false);
    m4h_journal_set_connected(journal, true);
    assert_true(m4h_journal_is_behind(journal));
    sends(WAIT_MS, 2, 3);
    assert_false(m4h_journal_is_behind(journal));
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_order_and_gone_when_acknowledged),
        TEST(the_window_counts_what_is_not_acknowledged),
        TEST(what_is_late_goes_again_from_the_oldest),
        TEST(how_long_an_event_has_waited_counts_from_its_last_sending),
        TEST(a_no_is_as_no_answer),
        TEST(a_reconnect_sends_all_again),
        TEST(what_does_not_fit_is_counted_by_what_became_of_it),
        TEST(auto_waits_once_until_there_is_a_stream),
        TEST(never_is_done_when_it_is_sent),
        TEST(what_can_never_be_sent_stops_nothing),
        TEST(what_the_stream_says_no_to_for_ever_is_let_go),
        TEST(what_is_passed_over_again_and_again_is_let_go_with_its_like),
        TEST(while_the_stream_takes_nothing_nothing_is_let_go),
        TEST(it_is_behind_while_something_waits_for_its_turn),
    };

    return cmocka_run_group_tests_name("slave: journal", tests, NULL, NULL);
}
