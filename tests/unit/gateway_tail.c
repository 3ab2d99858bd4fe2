#include "services/gateway/core/tail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_gateway_tail tail;
static uint64_t now_ms, next_ms;

static int start(void **state)
{
    (void)state;
    memset(&tail, 0, sizeof(tail));
    now_ms = 1000;
    return 0;
}

static void expect(enum m4h_gateway_tail_action action)
{
    assert_int_equal(m4h_gateway_tail_turn(&tail, now_ms, &next_ms), action);
}

static const char *look(bool found, uint64_t first_seq, uint64_t last_seq)
{
    expect(M4H_GATEWAY_TAIL_LOOK);
    expect(M4H_GATEWAY_TAIL_NOTHING);
    return m4h_gateway_tail_looked(&tail, found, first_seq, last_seq, now_ms);
}

static void create(bool made)
{
    expect(M4H_GATEWAY_TAIL_CREATE);
    expect(M4H_GATEWAY_TAIL_NOTHING);
    m4h_gateway_tail_created(&tail, tail.generation, made, now_ms);
}

/* Live behind number 10. */
static void go_live(void)
{
    m4h_gateway_tail_connected(&tail, true, now_ms);
    m4h_gateway_tail_want(&tail, true);
    assert_null(look(true, 1, 10));
    create(true);
    assert_int_equal(tail.state, M4H_GATEWAY_TAIL_LIVE);
}

static bool deliver(uint64_t consumer_seq, uint64_t stream_seq)
{
    return m4h_gateway_tail_delivered(&tail, tail.generation, consumer_seq, stream_seq, now_ms);
}

static void it_looks_once_and_follows_when_somebody_wants_it(void **state)
{
    (void)state;
    expect(M4H_GATEWAY_TAIL_NOTHING);
    m4h_gateway_tail_connected(&tail, true, now_ms);
    assert_null(look(true, 1, 10));
    assert_true(tail.has_stream);
    expect(M4H_GATEWAY_TAIL_NOTHING);
    assert_int_equal(next_ms, UINT64_MAX);
    m4h_gateway_tail_want(&tail, true);
    assert_false(tail.is_anchored);
    assert_null(look(true, 1, 12));
    create(true);
    assert_true(tail.is_anchored);
    assert_int_equal(tail.last_seq, 12);
    assert_true(deliver(1, 13));
    assert_true(deliver(2, 15)); /* one in between was deleted */
    assert_int_equal(tail.last_seq, 15);
}

static void a_missing_message_makes_a_new_consumer_behind_the_last_event(void **state)
{
    (void)state;
    go_live();
    assert_true(deliver(1, 11));
    assert_false(deliver(3, 13));
    assert_false(deliver(4, 14)); /* of a consumer that is given up */
    assert_true(tail.is_anchored);
    assert_null(look(true, 1, 14));
    create(true);
    assert_int_equal(tail.generation, 2);
    assert_int_equal(tail.last_seq, 11);
    assert_false(m4h_gateway_tail_delivered(&tail, 1, 5, 15, now_ms));
    assert_true(deliver(1, 12));
}

static void a_message_may_overtake_the_answer_that_its_consumer_is_made(void **state)
{
    (void)state;
    m4h_gateway_tail_connected(&tail, true, now_ms);
    m4h_gateway_tail_want(&tail, true);
    look(true, 1, 10);
    expect(M4H_GATEWAY_TAIL_CREATE);
    assert_true(deliver(1, 11));
    m4h_gateway_tail_created(&tail, 1, true, now_ms);
    assert_true(deliver(2, 12));
    assert_int_equal(tail.state, M4H_GATEWAY_TAIL_LIVE);
}

static void a_silent_consumer_is_replaced_and_a_heard_one_is_not(void **state)
{
    (void)state;
    go_live();
    now_ms += 3 * M4H_GATEWAY_TAIL_HEARTBEAT_MS - 1;
    expect(M4H_GATEWAY_TAIL_NOTHING);
    assert_int_equal(next_ms, now_ms + 1);
    m4h_gateway_tail_heard(&tail, 1, now_ms);
    now_ms += 1;
    expect(M4H_GATEWAY_TAIL_NOTHING);
    now_ms = next_ms;
    assert_null(look(true, 1, 10));
    create(true);
    assert_int_equal(tail.generation, 2);
}

static void a_new_connection_goes_on_behind_the_last_event(void **state)
{
    (void)state;
    go_live();
    assert_true(deliver(1, 11));
    m4h_gateway_tail_connected(&tail, false, now_ms);
    expect(M4H_GATEWAY_TAIL_NOTHING);
    assert_int_equal(next_ms, UINT64_MAX);
    now_ms += 3600000;
    expect(M4H_GATEWAY_TAIL_NOTHING);
    m4h_gateway_tail_connected(&tail, true, now_ms);
    assert_null(look(false, 0, 0)); /* JetStream is not up yet */
    expect(M4H_GATEWAY_TAIL_NOTHING);
    now_ms = next_ms;
    assert_null(look(true, 1, 50));
    create(true);
    assert_true(deliver(1, 12));
}

static void a_stream_that_does_not_come_back_is_given_up_once(void **state)
{
    uint64_t begin_ms;

    (void)state;
    go_live();
    m4h_gateway_tail_connected(&tail, true, now_ms);
    begin_ms = now_ms;
    while (tail.is_anchored) {
        enum m4h_gateway_tail_action action = m4h_gateway_tail_turn(&tail, now_ms, &next_ms);

        if (action == M4H_GATEWAY_TAIL_LOOK)
            m4h_gateway_tail_looked(&tail, false, 0, 0, now_ms);
        else if (action == M4H_GATEWAY_TAIL_NOTHING)
            now_ms = next_ms;
        else
            assert_int_equal(action, M4H_GATEWAY_TAIL_GIVE_UP);
    }
    assert_int_equal(now_ms - begin_ms, 10000);
    assert_false(tail.has_stream);
    now_ms += 5000;
    assert_null(look(true, 1, 60)); /* there again, but not for those who were told of a gap */
    create(true);
    assert_int_equal(tail.last_seq, 60);
}

static void a_stream_that_hangs_is_given_up_too(void **state)
{
    (void)state;
    go_live();
    m4h_gateway_tail_connected(&tail, true, now_ms);
    expect(M4H_GATEWAY_TAIL_LOOK);
    expect(M4H_GATEWAY_TAIL_NOTHING);
    now_ms = next_ms;
    expect(M4H_GATEWAY_TAIL_GIVE_UP);
    expect(M4H_GATEWAY_TAIL_NOTHING);
}

static void what_the_stream_has_lost_meanwhile_is_a_gap(void **state)
{
    (void)state;
    go_live();
    m4h_gateway_tail_connected(&tail, true, now_ms);
    assert_string_equal(look(true, 20, 30), "too_old");
    create(true);
    assert_int_equal(tail.last_seq, 19);
    m4h_gateway_tail_connected(&tail, true, now_ms);
    assert_string_equal(look(true, 1, 3), "no_stream"); /* made anew */
    create(true);
    assert_int_equal(tail.last_seq, 3);
    m4h_gateway_tail_connected(&tail, true, now_ms);
    assert_null(look(true, 4, 3)); /* empty, and nothing missed */
}

static void when_nobody_wants_it_any_more_it_lets_go(void **state)
{
    (void)state;
    go_live();
    m4h_gateway_tail_want(&tail, false);
    expect(M4H_GATEWAY_TAIL_NOTHING);
    assert_int_equal(next_ms, UINT64_MAX);
    assert_false(deliver(1, 11));
    assert_false(tail.is_anchored);
    m4h_gateway_tail_want(&tail, true);
    assert_null(look(true, 1, 11));
    create(true);
    assert_int_equal(tail.last_seq, 11);
}

static void it_settles_for_a_moment_where_it_begins_and_not_where_it_goes_on(void **state)
{
    (void)state;
    assert_false(m4h_gateway_tail_settles(&tail, now_ms));
    go_live();
    assert_true(m4h_gateway_tail_settles(&tail, now_ms + 4999));
    assert_false(m4h_gateway_tail_settles(&tail, now_ms + 5000));
    now_ms += 5000;
    m4h_gateway_tail_connected(&tail, true, now_ms);
    assert_null(look(true, 1, 14));
    create(true);
    assert_false(m4h_gateway_tail_settles(&tail, now_ms));
    m4h_gateway_tail_want(&tail, false);
    m4h_gateway_tail_want(&tail, true);
    assert_null(look(true, 1, 14));
    assert_false(m4h_gateway_tail_settles(&tail, now_ms)); /* all is given by the bus */
    create(true);
    assert_true(m4h_gateway_tail_settles(&tail, now_ms));
    m4h_gateway_tail_want(&tail, false);
    assert_false(m4h_gateway_tail_settles(&tail, now_ms));
}

static void a_consumer_that_is_refused_is_asked_for_again_later(void **state)
{
    (void)state;
    m4h_gateway_tail_connected(&tail, true, now_ms);
    m4h_gateway_tail_want(&tail, true);
    look(true, 1, 10);
    create(false);
    assert_int_equal(tail.state, M4H_GATEWAY_TAIL_RESTING);
    assert_false(tail.has_stream);
    expect(M4H_GATEWAY_TAIL_NOTHING);
    assert_int_equal(next_ms, now_ms + 5000);
}

static void the_numbers_of_a_message_are_in_its_reply_subject(void **state)
{
    static const char *const wrong[] = {NULL,
                                        "",
                                        "$JS.FC.S.c.x",
                                        "$JS.ACK.S.feed-0a-17.1.7.3.1700",
                                        "$JS.ACK.S.feed-0a-17.1.x.3.1700.0",
                                        "$JS.ACK.S.feed-0a-17.1.7.0.1700.0",
                                        "$JS.ACK.S.feed-0a-17.1.7.3.1700.0.1"};
    uint64_t stream_seq, consumer_seq;
    uint32_t generation;

    (void)state;
    assert_true(m4h_gateway_tail_parse("$JS.ACK.S.feed-0a-17.1.7.3.1700.0", &generation,
                                       &stream_seq, &consumer_seq));
    assert_int_equal(stream_seq, 7);
    assert_int_equal(generation, 17);
    assert_int_equal(consumer_seq, 3);
    assert_true(m4h_gateway_tail_parse("$JS.ACK.eu.ACC.S.feed-0a-17.1.8.4.1700.0", &generation,
                                       &stream_seq, &consumer_seq));
    assert_int_equal(stream_seq, 8);
    assert_true(m4h_gateway_tail_parse("$JS.ACK.eu.ACC.S.feed-0a-17.1.9.5.1700.0.rnd", &generation,
                                       &stream_seq, &consumer_seq));
    assert_int_equal(consumer_seq, 5);
    assert_int_equal(generation, 17);
    assert_true(m4h_gateway_tail_parse("$JS.ACK.S.other.1.7.3.1700.0", &generation, &stream_seq,
                                       &consumer_seq));
    assert_int_equal(generation, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(m4h_gateway_tail_parse(wrong[i], &generation, &stream_seq, &consumer_seq));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_looks_once_and_follows_when_somebody_wants_it, start),
        cmocka_unit_test_setup(a_missing_message_makes_a_new_consumer_behind_the_last_event, start),
        cmocka_unit_test_setup(a_message_may_overtake_the_answer_that_its_consumer_is_made, start),
        cmocka_unit_test_setup(a_silent_consumer_is_replaced_and_a_heard_one_is_not, start),
        cmocka_unit_test_setup(a_new_connection_goes_on_behind_the_last_event, start),
        cmocka_unit_test_setup(a_stream_that_does_not_come_back_is_given_up_once, start),
        cmocka_unit_test_setup(a_stream_that_hangs_is_given_up_too, start),
        cmocka_unit_test_setup(what_the_stream_has_lost_meanwhile_is_a_gap, start),
        cmocka_unit_test_setup(when_nobody_wants_it_any_more_it_lets_go, start),
        cmocka_unit_test_setup(it_settles_for_a_moment_where_it_begins_and_not_where_it_goes_on,
                               start),
        cmocka_unit_test_setup(a_consumer_that_is_refused_is_asked_for_again_later, start),
        cmocka_unit_test_setup(the_numbers_of_a_message_are_in_its_reply_subject, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
