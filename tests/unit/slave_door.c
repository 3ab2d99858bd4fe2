/* The door of a worker: who is let in, who waits, and who has to go. */
#include "services/slave/core/door.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GUESTS 16

/* A door with room for 2 active guests, 100 in all, 3 waiting of one source, and
 * guests that have not come yet. */
struct stage {
    struct m4h_networks trusted;
    struct m4h_door_limits limits;
    struct m4h_door *door;
    struct m4h_guest guests[GUESTS];
};

static int set_stage(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    assert_non_null(stage);
    assert_int_equal(m4h_networks_parse("192.0.2.0/24", &stage->trusted), 0);
    stage->limits = (struct m4h_door_limits){
        .active_max = 2,
        .guests_max = 100,
        .source_max = 3,
        .prefix_v4 = 32,
        .prefix_v6 = 64,
        .trusted = &stage->trusted,
    };
    assert_int_equal(m4h_door_create(&stage->door, &stage->limits), 0);
    *state = stage;
    return 0;
}

static int strike_stage(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < GUESTS; i++)
        m4h_door_leave(stage->door, &stage->guests[i]);
    assert_int_equal(m4h_door_guest_count(stage->door), 0);
    assert_int_equal(m4h_door_active_count(stage->door), 0);
    m4h_door_destroy(stage->door);
    m4h_networks_free(&stage->trusted);
    free(stage);
    return 0;
}

static void name(struct stage *stage, size_t i, const char *text, uint64_t now_ms)
{
    struct m4h_ip ip;

    assert_int_equal(m4h_ip_parse(text, &ip), 0);
    m4h_door_name(stage->door, &stage->guests[i], &ip, now_ms);
}

static void come(struct stage *stage, size_t i, const char *text, uint64_t now_ms)
{
    m4h_door_enter(stage->door, &stage->guests[i], now_ms);
    name(stage, i, text, now_ms);
}

static void hear(struct stage *stage, size_t i, uint64_t now_ms)
{
    m4h_door_heard(stage->door, &stage->guests[i], now_ms);
}

/* The index of who has to go for guest `i`; -1: nobody. */
static int excess(struct stage *stage, size_t i, uint64_t now_ms)
{
    struct m4h_guest *guest = m4h_door_excess(stage->door, &stage->guests[i], now_ms);

    return guest != NULL ? (int)(guest - stage->guests) : -1;
}

static int longest_waiting(struct stage *stage)
{
    struct m4h_guest *guest = m4h_door_longest_waiting(stage->door);

    return guest != NULL ? (int)(guest - stage->guests) : -1;
}

static void set_limits(struct stage *stage)
{
    m4h_door_set_limits(stage->door, &stage->limits);
}

/* It has come and has said nothing for so long that it waits. */
static void come_silent(struct stage *stage, size_t i, const char *text, uint64_t now_ms)
{
    come(stage, i, text, now_ms - M4H_DOOR_PATIENCE_MS);
    (void)m4h_door_is_open(stage->door, now_ms);
    assert_int_equal(stage->guests[i].state, M4H_GUEST_WAITING);
}

/* ---- handshakes in flight ------------------------------------------------------------ */

static void the_door_closes_when_enough_handshakes_are_in_flight(void **state)
{
    struct stage *stage = *state;

    assert_true(m4h_door_is_open(stage->door, 0));
    come(stage, 0, "10.0.0.1", 0);
    assert_true(m4h_door_is_open(stage->door, 0));
    come(stage, 1, "10.0.0.2", 0);
    assert_false(m4h_door_is_open(stage->door, 0));
    hear(stage, 0, 0);
    hear(stage, 1, 0);
    assert_false(m4h_door_is_open(stage->door, 0));
    assert_int_equal(m4h_door_active_count(stage->door), 2);
}

static void a_handshake_that_is_done_opens_the_door(void **state)
{
    struct stage *stage = *state;

    come(stage, 0, "10.0.0.1", 0);
    come(stage, 1, "10.0.0.2", 0);
    m4h_door_known(stage->door, &stage->guests[1]);
    assert_true(m4h_door_is_open(stage->door, 0));
    assert_int_equal(m4h_door_guest_count(stage->door), 1);
}

static void a_handshake_that_stalls_opens_the_door_in_its_time(void **state)
{
    struct stage *stage = *state;

    come(stage, 0, "10.0.0.1", 500);
    hear(stage, 0, 1000);
    come(stage, 1, "10.0.0.2", 1100);
    assert_int_equal(m4h_door_next_ms(stage->door), 1000 + M4H_DOOR_PATIENCE_MS);
    assert_false(m4h_door_is_open(stage->door, 999 + M4H_DOOR_PATIENCE_MS));
    assert_true(m4h_door_is_open(stage->door, 1000 + M4H_DOOR_PATIENCE_MS));
    assert_int_equal(stage->guests[0].state, M4H_GUEST_WAITING);
    assert_int_equal(stage->guests[1].state, M4H_GUEST_ACTIVE);
    assert_int_equal(m4h_door_next_ms(stage->door), 1100 + M4H_DOOR_PATIENCE_MS);
}

static void every_word_keeps_a_handshake_in_flight(void **state)
{
    struct stage *stage = *state;

    come(stage, 0, "10.0.0.1", 0);
    come(stage, 1, "10.0.0.2", 0);
    for (uint64_t now_ms = 1000; now_ms < M4H_DOOR_STAY_MS; now_ms += 1000) {
        hear(stage, 0, now_ms);
        hear(stage, 1, now_ms);
        assert_false(m4h_door_is_open(stage->door, now_ms));
    }
    assert_int_equal(m4h_door_active_count(stage->door), 2);
}

/* Guest `i` says a word each second, from `now_ms` until `end_ms`. */
static void say_words(struct stage *stage, size_t i, uint64_t now_ms, uint64_t end_ms)
{
    for (; now_ms < end_ms; now_ms += 1000) {
        hear(stage, i, now_ms);
        (void)m4h_door_is_open(stage->door, now_ms);
    }
}

static void who_stays_too_long_at_a_closed_door_waits_whatever_it_says(void **state)
{
    struct stage *stage = *state;
    uint64_t late_ms = M4H_DOOR_STAY_MS;

    come(stage, 0, "10.0.0.1", 0);
    come(stage, 1, "10.0.0.2", 100);
    say_words(stage, 0, 0, late_ms);
    say_words(stage, 1, 100, late_ms);
    hear(stage, 1, late_ms);
    assert_false(m4h_door_is_open(stage->door, late_ms));
    hear(stage, 0, late_ms);
    assert_true(m4h_door_is_open(stage->door, late_ms));
    assert_int_equal(stage->guests[0].state, M4H_GUEST_WAITING);
    assert_int_equal(stage->guests[1].state, M4H_GUEST_ACTIVE);
}

static void all_who_stay_too_long_give_way_at_once(void **state)
{
    struct stage *stage = *state;
    uint64_t late_ms = M4H_DOOR_STAY_MS;

    for (size_t i = 0; i < 2; i++) {
        come(stage, i, "10.0.0.1", 0);
        say_words(stage, i, 0, late_ms);
    }
    hear(stage, 0, late_ms);
    hear(stage, 1, late_ms);
    assert_int_equal(m4h_door_active_count(stage->door), 0);
    hear(stage, 0, late_ms + 1); /* and is not in flight again */
    assert_int_equal(m4h_door_active_count(stage->door), 0);
}

static void a_slow_handshake_may_stay_while_the_door_is_open(void **state)
{
    struct stage *stage = *state;

    come(stage, 0, "10.0.0.1", 0);
    say_words(stage, 0, 0, 10 * M4H_DOOR_STAY_MS);
    assert_int_equal(stage->guests[0].state, M4H_GUEST_ACTIVE);
}

static void who_stayed_too_long_is_the_last_to_go_after_a_word(void **state)
{
    struct stage *stage = *state;
    uint64_t late_ms = M4H_DOOR_STAY_MS;

    for (size_t i = 0; i < 2; i++) {
        come(stage, i, "10.0.0.1", 0);
        say_words(stage, i, 0, late_ms);
    }
    hear(stage, 0, late_ms);
    hear(stage, 1, late_ms);
    assert_int_equal(longest_waiting(stage), 0);
    hear(stage, 0, late_ms + 1);
    assert_int_equal(longest_waiting(stage), 1);
}

static void a_key_that_is_refused_begins_a_new_stay(void **state)
{
    struct stage *stage = *state;
    uint64_t late_ms = M4H_DOOR_STAY_MS;

    come(stage, 0, "10.0.0.1", 0);
    m4h_door_asks(stage->door, &stage->guests[0]);
    m4h_door_answered(stage->door, &stage->guests[0], late_ms);
    come(stage, 1, "10.0.0.2", late_ms);
    assert_false(m4h_door_is_open(stage->door, late_ms));
    hear(stage, 0, late_ms);
    assert_int_equal(stage->guests[0].state, M4H_GUEST_ACTIVE);
}

static void a_trusted_guest_may_stay(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < 2; i++) {
        come(stage, i, "192.0.2.1", 0);
        say_words(stage, i, 0, M4H_DOOR_STAY_MS + 1000);
    }
    assert_int_equal(m4h_door_active_count(stage->door), 2);
}

static void one_that_stalled_and_speaks_again_is_in_flight_again(void **state)
{
    struct stage *stage = *state;

    come(stage, 0, "10.0.0.1", 0);
    assert_true(m4h_door_is_open(stage->door, 5000));
    assert_int_equal(m4h_door_active_count(stage->door), 0);
    assert_int_equal(m4h_door_next_ms(stage->door), UINT64_MAX);
    hear(stage, 0, 5000);
    assert_int_equal(m4h_door_active_count(stage->door), 1);
    assert_int_equal(longest_waiting(stage), -1);
}

static void waiting_for_a_master_is_no_handshake_in_flight(void **state)
{
    struct stage *stage = *state;

    come(stage, 0, "10.0.0.1", 0);
    come(stage, 1, "10.0.0.2", 0);
    m4h_door_asks(stage->door, &stage->guests[0]);
    assert_true(m4h_door_is_open(stage->door, 0));
    hear(stage, 0, 10); /* what it says meanwhile changes nothing */
    assert_true(m4h_door_is_open(stage->door, 10));
    m4h_door_answered(stage->door, &stage->guests[0], 20);
    assert_false(m4h_door_is_open(stage->door, 20));
    assert_int_equal(stage->guests[0].heard_ms, 20);
}

static void who_waits_for_a_master_is_never_the_one_to_go(void **state)
{
    struct stage *stage = *state;

    stage->limits.guests_max = 6;
    set_limits(stage);
    for (size_t i = 0; i < 6; i++) {
        come(stage, i, "10.0.0.1", 0);
        m4h_door_asks(stage->door, &stage->guests[i]);
    }
    assert_int_equal(longest_waiting(stage), -1);
    assert_false(m4h_door_is_open(stage->door, 60000));
    m4h_door_leave(stage->door, &stage->guests[3]);
    assert_true(m4h_door_is_open(stage->door, 60000));
}

/* ---- patience ------------------------------------------------------------------------ */

static void who_comes_from_a_crowded_source_is_not_waited_for(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < 3; i++)
        come_silent(stage, i, "10.0.0.1", 5000);
    come(stage, 3, "10.0.0.1", 5000);
    assert_int_equal(stage->guests[3].state, M4H_GUEST_WAITING);
    come(stage, 4, "10.0.0.2", 5000);
    assert_int_equal(stage->guests[4].state, M4H_GUEST_ACTIVE);
}

static void who_speaks_from_a_crowded_source_stalls_sooner(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < 3; i++)
        come_silent(stage, i, "10.0.0.1", 5000);
    come(stage, 3, "10.0.0.1", 5000);
    hear(stage, 3, 5000);
    come(stage, 4, "10.0.0.2", 5000);
    assert_false(m4h_door_is_open(stage->door, 5000));
    assert_int_equal(m4h_door_next_ms(stage->door), 5000 + M4H_DOOR_HURRY_MS);
    assert_false(m4h_door_is_open(stage->door, 4999 + M4H_DOOR_HURRY_MS));
    assert_true(m4h_door_is_open(stage->door, 5000 + M4H_DOOR_HURRY_MS));
    assert_int_equal(stage->guests[3].state, M4H_GUEST_WAITING);
    assert_int_equal(stage->guests[4].state, M4H_GUEST_ACTIVE);
}

static void who_speaks_from_a_crowded_source_may_not_stay_as_long(void **state)
{
    struct stage *stage = *state;
    uint64_t late_ms = 5000 + M4H_DOOR_HURRY_STAY_MS;

    for (size_t i = 0; i < 3; i++)
        come_silent(stage, i, "10.0.0.1", 5000);
    come(stage, 3, "10.0.0.1", 5000);
    come(stage, 4, "10.0.0.2", 5000);
    hear(stage, 3, late_ms - 1);
    assert_int_equal(stage->guests[3].state, M4H_GUEST_ACTIVE);
    assert_false(m4h_door_is_open(stage->door, late_ms));
    hear(stage, 3, late_ms);
    hear(stage, 4, late_ms);
    assert_int_equal(stage->guests[3].state, M4H_GUEST_WAITING);
    assert_int_equal(stage->guests[4].state, M4H_GUEST_ACTIVE);
}

static void patience_is_back_some_time_after_the_crowd_is_gone(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < 3; i++)
        come_silent(stage, i, "10.0.0.1", 5000);
    m4h_door_leave(stage->door, &stage->guests[0]);
    come(stage, 3, "10.0.0.1", 4999 + M4H_DOOR_CALM_MS);
    assert_int_equal(stage->guests[3].state, M4H_GUEST_WAITING);
    m4h_door_leave(stage->door, &stage->guests[3]);
    m4h_door_leave(stage->door, &stage->guests[1]);
    come(stage, 4, "10.0.0.1", 4999 + 2 * M4H_DOOR_CALM_MS);
    assert_int_equal(stage->guests[4].state, M4H_GUEST_ACTIVE);
}

static void patience_is_over_for_all_where_very_many_wait(void **state)
{
    static const char *const from[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
    struct stage *stage = *state;

    stage->limits.guests_max = 3 * M4H_DOOR_WAITING_PART;
    set_limits(stage);
    for (size_t i = 0; i < 3; i++)
        come_silent(stage, i, from[i], 5000);
    come(stage, 3, "10.0.0.4", 5000);
    assert_int_equal(stage->guests[3].state, M4H_GUEST_WAITING);
    come(stage, 4, "192.0.2.1", 5000); /* but not for trusted ones */
    assert_int_equal(stage->guests[4].state, M4H_GUEST_ACTIVE);
}

/* ---- all guests ---------------------------------------------------------------------- */

static void the_one_that_has_waited_longest_makes_room(void **state)
{
    static const char *const from[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4",
                                       "10.0.0.5", "10.0.0.6", "10.0.0.7"};
    struct stage *stage = *state;

    stage->limits.guests_max = 6;
    set_limits(stage);
    for (size_t i = 0; i < 6; i++) {
        come(stage, i, from[i], i);
        assert_int_equal(excess(stage, i, i), -1);
    }
    assert_false(m4h_door_is_open(stage->door, 10));
    hear(stage, 0, 5000);
    assert_true(m4h_door_is_open(stage->door, 5000));
    come(stage, 6, from[6], 5000);
    assert_int_equal(excess(stage, 6, 5000), 1);
    m4h_door_leave(stage->door, &stage->guests[1]);
    assert_int_equal(excess(stage, 6, 5000), -1);
}

static void who_stalled_goes_by_when_it_was_heard_last(void **state)
{
    struct stage *stage = *state;

    come(stage, 0, "10.0.0.1", 0);
    come(stage, 1, "10.0.0.2", 100);
    hear(stage, 0, 200);
    assert_true(m4h_door_is_open(stage->door, 5000));
    assert_int_equal(longest_waiting(stage), 1);
    m4h_door_leave(stage->door, &stage->guests[1]);
    assert_int_equal(longest_waiting(stage), 0);
}

static void the_door_closes_when_all_its_guests_are_busy(void **state)
{
    struct stage *stage = *state;

    stage->limits.active_max = 100;
    stage->limits.guests_max = 6;
    set_limits(stage);
    for (size_t i = 0; i < 6; i++)
        come(stage, i, "10.0.0.1", 0);
    assert_false(m4h_door_is_open(stage->door, 0));
    assert_true(m4h_door_is_open(stage->door, M4H_DOOR_PATIENCE_MS));
    assert_int_equal(longest_waiting(stage), 0);
}

/* ---- sources ------------------------------------------------------------------------- */

static void the_silent_of_one_source_take_room_of_each_other_only(void **state)
{
    struct stage *stage = *state;

    come_silent(stage, 0, "10.0.0.2", 5000);
    for (size_t i = 1; i < 4; i++)
        come_silent(stage, i, "10.0.0.1", 5000 + i);
    assert_int_equal(excess(stage, 3, 5004), -1);
    come(stage, 4, "10.0.0.1", 5004);
    assert_int_equal(excess(stage, 4, 5004), 1);
    m4h_door_leave(stage->door, &stage->guests[1]);
    assert_int_equal(excess(stage, 4, 5004), -1);
}

static void devices_of_one_source_that_speak_are_not_counted(void **state)
{
    struct stage *stage = *state;

    stage->limits.active_max = 100;
    set_limits(stage);
    for (size_t i = 0; i < GUESTS; i++) {
        come(stage, i, "10.0.0.1", i);
        assert_int_equal(excess(stage, i, i), -1);
        hear(stage, i, i);
        if (i % 2 == 0)
            m4h_door_asks(stage->door, &stage->guests[i]);
    }
}

static void those_that_stall_are_counted_again(void **state)
{
    struct stage *stage = *state;

    stage->limits.active_max = 100;
    set_limits(stage);
    for (size_t i = 0; i < 4; i++) {
        come(stage, i, "10.0.0.1", 0);
        hear(stage, i, i);
    }
    come(stage, 4, "10.0.0.1", 5000);
    assert_int_equal(excess(stage, 4, 5000), 0);
    m4h_door_leave(stage->door, &stage->guests[0]);
    assert_int_equal(excess(stage, 4, 5000), 1);
    m4h_door_leave(stage->door, &stage->guests[1]);
    assert_int_equal(excess(stage, 4, 5000), -1);
}

static void a_source_of_devices_may_have_as_many_more_that_wait(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < 3; i++)
        come_silent(stage, i, "10.0.0.1", 5000);
    for (size_t i = 3; i < 5; i++) {
        come(stage, i, "10.0.0.1", 5000);
        hear(stage, i, 5000);
        m4h_door_asks(stage->door, &stage->guests[i]);
        m4h_door_known(stage->door, &stage->guests[i]);
    }
    for (size_t i = 5; i < 7; i++) {
        come_silent(stage, i, "10.0.0.1", 5000);
        assert_int_equal(excess(stage, i, 5000), -1);
    }
    come(stage, 7, "10.0.0.1", 5000);
    assert_int_equal(excess(stage, 7, 5000), 0);
}

static void addresses_of_one_prefix_are_one_source(void **state)
{
    static const char *const from[] = {"2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:f::3",
                                       "2001:db8:0:1::4"};
    struct stage *stage = *state;

    for (size_t i = 0; i < 3; i++)
        come_silent(stage, i, from[i], 5000);
    come(stage, 3, from[3], 5000);
    assert_int_equal(excess(stage, 3, 5000), 0);
    come(stage, 4, "2001:db8:0:2::1", 5000);
    assert_int_equal(excess(stage, 4, 5000), -1);
}

static void the_limit_of_a_source_can_be_off(void **state)
{
    struct stage *stage = *state;

    stage->limits.source_max = 0;
    set_limits(stage);
    for (size_t i = 0; i < 6; i++) {
        come_silent(stage, i, "10.0.0.1", 5000);
        assert_int_equal(excess(stage, i, 5000), -1);
    }
}

static void a_trusted_network_is_not_counted_by_source(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < 6; i++) {
        come_silent(stage, i, "192.0.2.1", 5000);
        assert_int_equal(excess(stage, i, 5000), -1);
    }
}

static void a_trusted_guest_goes_last(void **state)
{
    struct stage *stage = *state;

    stage->limits.guests_max = 6;
    set_limits(stage);
    come_silent(stage, 0, "192.0.2.1", 5000);
    come_silent(stage, 1, "10.0.0.1", 5001);
    for (size_t i = 2; i < 7; i++)
        come_silent(stage, i, "192.0.2.1", 5000 + i);
    assert_int_equal(excess(stage, 6, 5006), 1);
    m4h_door_leave(stage->door, &stage->guests[1]);
    come(stage, 7, "192.0.2.2", 5007);
    assert_int_equal(excess(stage, 7, 5007), 0);
}

static void a_guest_is_counted_by_the_source_that_a_balancer_names(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < 4; i++) {
        m4h_door_enter(stage->door, &stage->guests[i], i);
        assert_int_equal(stage->guests[i].state, M4H_GUEST_WAITING);
    }
    assert_int_equal(excess(stage, 3, 5000), -1);
    for (size_t i = 0; i < 4; i++)
        name(stage, i, "10.0.0.1", 5000);
    assert_int_equal(stage->guests[0].state, M4H_GUEST_ACTIVE);
    assert_int_equal(excess(stage, 3, 5000), -1);
    assert_int_equal(excess(stage, 3, 5000 + M4H_DOOR_PATIENCE_MS), 0);
}

static void a_guest_is_named_once(void **state)
{
    struct stage *stage = *state;

    come(stage, 0, "10.0.0.1", 0);
    name(stage, 0, "10.0.0.2", 0);
    m4h_door_leave(stage->door, &stage->guests[0]);
    name(stage, 0, "10.0.0.1", 0);
    assert_int_equal(stage->guests[0].state, M4H_GUEST_OUTSIDE);
    assert_int_equal(m4h_door_guest_count(stage->door), 0);
}

static void a_newcomer_goes_itself_where_nobody_else_waits(void **state)
{
    struct stage *stage = *state;

    stage->limits.active_max = 100;
    stage->limits.guests_max = 6;
    set_limits(stage);
    for (size_t i = 0; i < 6; i++)
        come(stage, i, "10.0.0.1", 0);
    m4h_door_enter(stage->door, &stage->guests[6], 0);
    assert_int_equal(excess(stage, 6, 0), 6);
}

static void no_order_of_events_breaks_the_counts(void **state)
{
    struct stage *stage = *state;
    unsigned seed = 12345;
    uint64_t now_ms = 0;

    stage->limits.guests_max = 6;
    set_limits(stage);

    for (int step = 0; step < 200000; step++) {
        struct m4h_guest *guest;
        size_t i;
        char from[16];

        seed = seed * 1103515245u + 12345u;
        i = (seed >> 8) % GUESTS;
        guest = &stage->guests[i];
        now_ms += (seed >> 20) % 50;
        snprintf(from, sizeof(from), "10.0.0.%u", (seed >> 16) % 5);
        switch ((seed >> 24) % 6) {
        case 0:
            if (guest->state == M4H_GUEST_OUTSIDE && m4h_door_is_open(stage->door, now_ms)) {
                come(stage, i, from, now_ms);
                while ((guest = m4h_door_excess(stage->door, &stage->guests[i], now_ms)) != NULL)
                    m4h_door_leave(stage->door, guest);
            }
            break;
        case 1:
        case 2:
            m4h_door_heard(stage->door, guest, now_ms);
            break;
        case 3:
            m4h_door_asks(stage->door, guest);
            break;
        case 4:
            m4h_door_answered(stage->door, guest, now_ms);
            break;
        default:
            if (step % 3 == 0)
                m4h_door_known(stage->door, guest);
            else if (step % 7 == 0)
                m4h_door_leave(stage->door, guest);
        }
        assert_in_range(m4h_door_guest_count(stage->door), 0, stage->limits.guests_max);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_stage, strike_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_door_closes_when_enough_handshakes_are_in_flight),
        TEST(a_handshake_that_is_done_opens_the_door),
        TEST(a_handshake_that_stalls_opens_the_door_in_its_time),
        TEST(every_word_keeps_a_handshake_in_flight),
        TEST(who_stays_too_long_at_a_closed_door_waits_whatever_it_says),
        TEST(all_who_stay_too_long_give_way_at_once),
        TEST(a_slow_handshake_may_stay_while_the_door_is_open),
        TEST(who_stayed_too_long_is_the_last_to_go_after_a_word),
        TEST(a_key_that_is_refused_begins_a_new_stay),
        TEST(a_trusted_guest_may_stay),
        TEST(one_that_stalled_and_speaks_again_is_in_flight_again),
        TEST(waiting_for_a_master_is_no_handshake_in_flight),
        TEST(who_waits_for_a_master_is_never_the_one_to_go),
        TEST(who_comes_from_a_crowded_source_is_not_waited_for),
        TEST(who_speaks_from_a_crowded_source_stalls_sooner),
        TEST(who_speaks_from_a_crowded_source_may_not_stay_as_long),
        TEST(patience_is_back_some_time_after_the_crowd_is_gone),
        TEST(patience_is_over_for_all_where_very_many_wait),
        TEST(the_one_that_has_waited_longest_makes_room),
        TEST(who_stalled_goes_by_when_it_was_heard_last),
        TEST(the_door_closes_when_all_its_guests_are_busy),
        TEST(the_silent_of_one_source_take_room_of_each_other_only),
        TEST(devices_of_one_source_that_speak_are_not_counted),
        TEST(those_that_stall_are_counted_again),
        TEST(a_source_of_devices_may_have_as_many_more_that_wait),
        TEST(addresses_of_one_prefix_are_one_source),
        TEST(the_limit_of_a_source_can_be_off),
        TEST(a_trusted_network_is_not_counted_by_source),
        TEST(a_trusted_guest_goes_last),
        TEST(a_guest_is_counted_by_the_source_that_a_balancer_names),
        TEST(a_guest_is_named_once),
        TEST(a_newcomer_goes_itself_where_nobody_else_waits),
        TEST(no_order_of_events_breaks_the_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
