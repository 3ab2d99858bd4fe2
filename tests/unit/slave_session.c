/* The life of one device: each event in each state, deadlines and keepalives. */
#include "services/slave/core/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define STATES 5

static const struct m4h_session_limits limits = {
    .authenticate_ms = 5000,
    .forward_ms = 7000,
    .keepalive_ms = 15000,
    .keepalive_misses = 3,
    .keys_max = 2,
    .forwards_max = 3,
};

/* A session that came to `state` on its ordinary way, all at `now_ms`. */
static struct m4h_session session_in(enum m4h_session_state state, uint64_t now_ms)
{
    struct m4h_session session;

    m4h_session_begin(&session, now_ms);
    if (state >= M4H_SESSION_ASKING)
        assert_true(m4h_session_key(&session, &limits));
    if (state >= M4H_SESSION_KNOWN)
        m4h_session_judged(&session, true, now_ms);
    if (state >= M4H_SESSION_OPENING)
        assert_true(m4h_session_forward(&session, &limits));
    if (state >= M4H_SESSION_UP)
        m4h_session_forwarded(&session, true, now_ms);
    assert_int_equal(session.state, state);
    return session;
}

/* ---- states and events ----------------------------------------------------------- */

static void a_key_is_taken_in_the_handshake_only(void **state)
{
    (void)state;
    for (int i = 0; i < STATES; i++) {
        struct m4h_session session = session_in((enum m4h_session_state)i, 0);
        bool taken = m4h_session_key(&session, &limits);

        assert_int_equal(taken, i == M4H_SESSION_HANDSHAKE);
        assert_int_equal(session.state, taken ? M4H_SESSION_ASKING : i);
    }
}

static void a_port_is_asked_for_when_known_or_up_only(void **state)
{
    static const struct {
        bool taken;
        enum m4h_session_state after;
        uint32_t forwards;
    } expected[STATES] = {
        [M4H_SESSION_HANDSHAKE] = {false, M4H_SESSION_HANDSHAKE, 0},
        [M4H_SESSION_ASKING] = {false, M4H_SESSION_ASKING, 0},
        [M4H_SESSION_KNOWN] = {true, M4H_SESSION_OPENING, 1},
        [M4H_SESSION_OPENING] = {false, M4H_SESSION_OPENING, 1},
        [M4H_SESSION_UP] = {true, M4H_SESSION_UP, 2},
    };

    (void)state;
    for (int i = 0; i < STATES; i++) {
        struct m4h_session session = session_in((enum m4h_session_state)i, 0);

        assert_int_equal(m4h_session_forward(&session, &limits), expected[i].taken);
        assert_int_equal(session.state, expected[i].after);
        assert_int_equal(session.forwards, expected[i].forwards);
    }
}

static void the_judgement_makes_it_known_or_lets_it_try_again(void **state)
{
    struct m4h_session denied = session_in(M4H_SESSION_ASKING, 100);
    struct m4h_session allowed = session_in(M4H_SESSION_ASKING, 100);

    (void)state;
    m4h_session_judged(&denied, false, 200);
    assert_int_equal(denied.state, M4H_SESSION_HANDSHAKE);
    assert_int_equal(denied.since_ms, 100);
    m4h_session_judged(&allowed, true, 200);
    assert_int_equal(allowed.state, M4H_SESSION_KNOWN);
    assert_int_equal(allowed.since_ms, 200);
}

static void it_may_try_so_many_keys_and_no_more(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_HANDSHAKE, 0);

    (void)state;
    for (uint32_t i = 0; i < limits.keys_max; i++) {
        assert_true(m4h_session_key(&session, &limits));
        m4h_session_judged(&session, false, 1);
    }
    assert_false(m4h_session_key(&session, &limits));
    assert_int_equal(session.state, M4H_SESSION_HANDSHAKE);
}

static void it_may_have_so_many_ports_and_one_given_up_makes_room(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    for (uint32_t i = 1; i < limits.forwards_max; i++) {
        assert_true(m4h_session_forward(&session, &limits));
        m4h_session_forwarded(&session, true, 1);
    }
    assert_false(m4h_session_forward(&session, &limits));
    assert_int_equal(m4h_session_cancelled(&session), limits.forwards_max - 1);
    assert_true(m4h_session_forward(&session, &limits));
}

static void a_port_that_is_not_to_be_had_counts_no_more(void **state)
{
    struct m4h_session first = session_in(M4H_SESSION_OPENING, 100);
    struct m4h_session second = session_in(M4H_SESSION_UP, 100);

    (void)state;
    m4h_session_forwarded(&first, false, 300);
    assert_int_equal(first.state, M4H_SESSION_KNOWN);
    assert_int_equal(first.forwards, 0);
    assert_int_equal(first.since_ms, 100);
    assert_true(m4h_session_forward(&second, &limits));
    m4h_session_forwarded(&second, false, 300);
    assert_int_equal(second.state, M4H_SESSION_UP);
    assert_int_equal(second.forwards, 1);
}

static void giving_up_more_ports_than_it_has_leaves_none(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    assert_int_equal(m4h_session_cancelled(&session), 0);
    assert_int_equal(m4h_session_cancelled(&session), 0);
}

static void every_state_has_a_name_for_the_log(void **state)
{
    static const char *const names[STATES] = {"handshake", "asking", "known", "opening", "up"};

    (void)state;
    for (int i = 0; i < STATES; i++)
        assert_string_equal(m4h_session_state_name((enum m4h_session_state)i), names[i]);
    assert_string_equal(m4h_session_state_name((enum m4h_session_state)STATES), "unknown");
}

/* ---- deadlines ------------------------------------------------------------------- */

static void every_state_before_up_ends_at_its_deadline_and_not_before(void **state)
{
    static const uint64_t deadlines[] = {
        [M4H_SESSION_HANDSHAKE] = 6000, /* begun at 1000, 5000 to authenticate */
        [M4H_SESSION_ASKING] = 6000,
        [M4H_SESSION_KNOWN] = 8000, /* 7000 to get a port */
        [M4H_SESSION_OPENING] = 8000,
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(deadlines); i++) {
        struct m4h_session session = session_in((enum m4h_session_state)i, 1000);

        /* Being heard in between does not matter. */
        assert_int_equal(m4h_session_next_look_ms(&session, &limits, 4000), deadlines[i]);
        assert_int_equal(m4h_session_look(&session, &limits, 4000, deadlines[i] - 1),
                         M4H_SESSION_WAIT);
        assert_int_equal(m4h_session_look(&session, &limits, 4000, deadlines[i]),
                         M4H_SESSION_TOO_SLOW);
    }
}

static void trying_keys_does_not_move_the_deadline(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_ASKING, 0);

    (void)state;
    m4h_session_judged(&session, false, 4000);
    assert_true(m4h_session_key(&session, &limits));
    assert_int_equal(m4h_session_next_look_ms(&session, &limits, 4000), limits.authenticate_ms);
}

static void a_port_that_was_refused_does_not_move_the_deadline(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_OPENING, 0);

    (void)state;
    m4h_session_forwarded(&session, false, 6999);
    assert_true(m4h_session_forward(&session, &limits));
    assert_int_equal(m4h_session_look(&session, &limits, 6999, 7000), M4H_SESSION_TOO_SLOW);
}

/* ---- keepalives ------------------------------------------------------------------ */

/* Looks whenever a look is due, as the owner does, and notes what came of it. */
struct silence {
    uint64_t asked_at_ms[8];
    unsigned asked;
    uint64_t dead_at_ms;
};

static struct silence stay_silent(struct m4h_session *session,
                                  const struct m4h_session_limits *with, uint64_t heard_ms)
{
    struct silence silence = {0};

    for (int looks = 0; looks < 1000; looks++) {
        uint64_t now_ms = m4h_session_next_look_ms(session, with, heard_ms);

        switch (m4h_session_look(session, with, heard_ms, now_ms)) {
        case M4H_SESSION_KEEPALIVE:
            assert_true(silence.asked < M4H_COUNT(silence.asked_at_ms));
            silence.asked_at_ms[silence.asked++] = now_ms;
            break;
        case M4H_SESSION_DEAD:
            silence.dead_at_ms = now_ms;
            return silence;
        default:
            break;
        }
    }
    fail_msg("a silent device is never dead");
    return silence;
}

static void a_silent_device_is_dead_after_so_many_intervals_exactly(void **state)
{
    static const struct {
        uint32_t keepalive_ms, misses;
    } cases[] = {{15000, 3}, {15000, 2}, {1000, 5}, {7, 8}};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_session_limits with = limits;
        struct m4h_session session = session_in(M4H_SESSION_UP, 0);
        struct silence silence;

        with.keepalive_ms = cases[i].keepalive_ms;
        with.keepalive_misses = cases[i].misses;
        silence = stay_silent(&session, &with, 777);
        assert_int_equal(silence.dead_at_ms, 777 + cases[i].keepalive_ms * cases[i].misses);
        assert_int_equal(silence.asked, cases[i].misses - 1);
        for (unsigned k = 0; k < silence.asked; k++)
            assert_int_equal(silence.asked_at_ms[k], 777 + cases[i].keepalive_ms * (k + 1));
    }
}

static void a_device_is_not_dead_one_millisecond_before(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    assert_int_equal(m4h_session_look(&session, &limits, 0, 15000), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 30000), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 44999), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 45000), M4H_SESSION_DEAD);
}

static void it_is_asked_once_in_each_silent_interval(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    assert_int_equal(m4h_session_look(&session, &limits, 0, 14999), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 15000), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 15001), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 29999), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 30000), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 44999), M4H_SESSION_WAIT);
}

static void one_that_was_not_asked_is_not_dead_however_long_nobody_looked(void **state)
{
    static const struct {
        uint64_t look_ms;
        enum m4h_session_action action;
        uint64_t next_ms;
    } looks[] = {
        {40000, M4H_SESSION_KEEPALIVE, 47500}, /* the first, late: half an interval to answer */
        {40001, M4H_SESSION_WAIT, 47500},      {45000, M4H_SESSION_WAIT, 47500},
        {47500, M4H_SESSION_KEEPALIVE, 55000}, {54999, M4H_SESSION_WAIT, 55000},
        {55000, M4H_SESSION_DEAD, 55000},
    };
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(looks); i++) {
        assert_int_equal(m4h_session_look(&session, &limits, 0, looks[i].look_ms), looks[i].action);
        assert_int_equal(m4h_session_next_look_ms(&session, &limits, 0), looks[i].next_ms);
    }
}

static void a_stand_still_ends_nobody_before_its_answers_were_read(void **state)
{
    (void)state;
    for (uint32_t before = 0; before < limits.keepalive_misses; before++) {
        for (uint64_t still_ms = 30000; still_ms < 300000; still_ms += 500) {
            struct m4h_session session = session_in(M4H_SESSION_UP, 0);
            uint64_t now_ms = 0;

            for (uint32_t i = 0; i < before; i++) {
                now_ms = m4h_session_next_look_ms(&session, &limits, 0);
                assert_int_equal(m4h_session_look(&session, &limits, 0, now_ms),
                                 M4H_SESSION_KEEPALIVE);
            }
            now_ms += still_ms;
            assert_int_equal(m4h_session_look(&session, &limits, 0, now_ms), M4H_SESSION_KEEPALIVE);
            assert_true(m4h_session_next_look_ms(&session, &limits, 0) >= now_ms + 7500);
        }
    }
}

static void one_that_is_silent_ends_also_where_every_look_is_late(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);
    uint32_t asked = 0;

    (void)state;
    for (uint64_t now_ms = 100000; asked < 10; now_ms += 100000) {
        if (m4h_session_look(&session, &limits, 0, now_ms) == M4H_SESSION_DEAD)
            break;
        asked++;
    }
    assert_int_equal(asked, limits.keepalive_misses + 1);
}

static void looks_that_come_a_little_late_do_not_put_death_off(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    assert_int_equal(m4h_session_look(&session, &limits, 0, 17000), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 33000), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_next_look_ms(&session, &limits, 0), 45000);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 45000), M4H_SESSION_DEAD);
}

static void being_heard_starts_the_count_anew(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);
    struct silence silence;

    (void)state;
    assert_int_equal(m4h_session_look(&session, &limits, 0, 15000), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 30000), M4H_SESSION_KEEPALIVE);
    /* Nobody looked between its answer and this question. */
    assert_int_equal(m4h_session_next_look_ms(&session, &limits, 30001), 45001);
    silence = stay_silent(&session, &limits, 30001);
    assert_int_equal(silence.asked, 2);
    assert_int_equal(silence.dead_at_ms, 75001);
}

static void a_device_that_answers_every_time_lives_for_ever(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);
    uint64_t heard_ms = 0;
    unsigned asked = 0;

    (void)state;
    while (asked < 1000) {
        uint64_t now_ms = m4h_session_next_look_ms(&session, &limits, heard_ms);
        enum m4h_session_action action = m4h_session_look(&session, &limits, heard_ms, now_ms);

        assert_int_not_equal(action, M4H_SESSION_DEAD);
        if (action == M4H_SESSION_KEEPALIVE) {
            heard_ms = now_ms + 30;
            asked++;
        }
    }
    assert_true(heard_ms >= 1000 * (uint64_t)limits.keepalive_ms);
    assert_true(heard_ms <= 1000 * ((uint64_t)limits.keepalive_ms + 30));
}

static void a_clock_behind_the_last_sign_of_life_is_no_silence(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    assert_int_equal(m4h_session_look(&session, &limits, 100000, 1), M4H_SESSION_WAIT);
}

static void without_keepalives_it_is_never_looked_at(void **state)
{
    struct m4h_session_limits with = limits;
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    with.keepalive_ms = 0;
    assert_true(m4h_session_next_look_ms(&session, &with, 0) == UINT64_MAX);
    assert_int_equal(m4h_session_look(&session, &with, 0, UINT64_MAX), M4H_SESSION_WAIT);
}

/* ---- probes --------------------------------------------------------------------- */

/* Looks whenever the session says so, from a probe at 5,000 on, until it is
 * answered; returns when that is. It is heard at `heard_ms`, 0: not any more. */
static uint64_t answer_of(struct m4h_session *session, uint64_t heard_ms)
{
    uint64_t last_heard_ms = 4000;

    assert_true(m4h_session_probe(session, 5000));
    for (int looks = 0; looks < 100; looks++) {
        uint64_t now_ms = m4h_session_next_look_ms(session, &limits, last_heard_ms);

        if (heard_ms != 0 && now_ms >= heard_ms)
            last_heard_ms = heard_ms;
        if (m4h_session_look(session, &limits, last_heard_ms, now_ms) == M4H_SESSION_PROBED)
            return now_ms;
    }
    fail_msg("a probe is never answered");
    return 0;
}

static void a_probe_is_answered_soon_after_a_sign_of_life(void **state)
{
    (void)state;
    for (uint64_t heard_ms = 5000; heard_ms <= 6000; heard_ms += 125) {
        struct m4h_session session = session_in(M4H_SESSION_UP, 0);
        uint64_t answered_ms = answer_of(&session, heard_ms);

        assert_in_range(answered_ms, heard_ms, heard_ms + 50);
        assert_true(m4h_session_is_live(&session, &limits, heard_ms, answered_ms));
    }
}

static void a_probe_without_a_sign_of_life_is_answered_after_a_second(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    assert_int_equal(answer_of(&session, 0), 6000);
    assert_false(m4h_session_is_live(&session, &limits, 4000, 6000));
    assert_int_equal(m4h_session_look(&session, &limits, 4000, 6000), M4H_SESSION_WAIT);
}

static void one_that_was_silent_lives_again_when_it_is_heard(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    assert_true(m4h_session_probe(&session, 5000));
    assert_int_equal(m4h_session_look(&session, &limits, 4000, 6000), M4H_SESSION_PROBED);
    assert_false(m4h_session_is_live(&session, &limits, 4000, 6001));
    assert_true(m4h_session_is_live(&session, &limits, 6002, 6002));
}

static void a_probe_puts_off_no_keepalive_and_no_death(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    assert_true(m4h_session_probe(&session, 14500));
    assert_int_equal(m4h_session_look(&session, &limits, 0, 14990), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_next_look_ms(&session, &limits, 0), 15000);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 15000), M4H_SESSION_KEEPALIVE);
    assert_false(m4h_session_probe(&session, 15100)); /* the first one counts */
    assert_int_equal(m4h_session_look(&session, &limits, 0, 15500), M4H_SESSION_PROBED);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 30000), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_look(&session, &limits, 0, 45000), M4H_SESSION_DEAD);
}

/* ---- one that is not read ----------------------------------------------------------- */

static void one_that_is_not_read_on_purpose_is_not_silent(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);

    (void)state;
    m4h_session_hold(&session, true, 1000);
    for (uint64_t now_ms = 1000; now_ms <= 200000; now_ms += 1000) {
        assert_int_equal(m4h_session_look(&session, &limits, 1000, now_ms), M4H_SESSION_WAIT);
        assert_true(m4h_session_is_live(&session, &limits, 1000, now_ms));
        assert_true(m4h_session_next_look_ms(&session, &limits, 1000) > now_ms);
    }
    m4h_session_hold(&session, false, 200500);
    assert_int_equal(m4h_session_look(&session, &limits, 1000, 215499), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_look(&session, &limits, 1000, 215500), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_look(&session, &limits, 1000, 230500), M4H_SESSION_KEEPALIVE);
    assert_int_equal(m4h_session_look(&session, &limits, 1000, 245499), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_look(&session, &limits, 1000, 245500), M4H_SESSION_DEAD);
}

static void a_probe_of_one_that_is_not_read_waits_until_it_is(void **state)
{
    struct m4h_session silent = session_in(M4H_SESSION_UP, 0), talks;

    (void)state;
    m4h_session_hold(&silent, true, 4000);
    assert_true(m4h_session_probe(&silent, 5000));
    for (uint64_t now_ms = 5050; now_ms <= 9000; now_ms += 50)
        assert_int_equal(m4h_session_look(&silent, &limits, 4000, now_ms), M4H_SESSION_WAIT);
    m4h_session_hold(&silent, false, 9000);
    talks = silent;
    assert_int_equal(m4h_session_look(&silent, &limits, 4000, 9950), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_look(&silent, &limits, 4000, 10000), M4H_SESSION_PROBED);
    assert_false(m4h_session_is_live(&silent, &limits, 4000, 10000));
    assert_int_equal(m4h_session_look(&talks, &limits, 9001, 9050), M4H_SESSION_PROBED);
    assert_true(m4h_session_is_live(&talks, &limits, 9001, 9050));
}

static void one_that_misses_its_keepalive_counts_as_living_no_more(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_UP, 0);
    struct m4h_session_limits never = limits;

    (void)state;
    never.keepalive_ms = 0;
    assert_true(m4h_session_is_live(&session, &limits, 0, 16000));
    assert_false(m4h_session_is_live(&session, &limits, 0, 16001));
    assert_true(m4h_session_is_live(&session, &never, 0, 3600000));
    for (int i = 0; i < M4H_SESSION_UP; i++) {
        struct m4h_session early = session_in((enum m4h_session_state)i, 0);

        assert_false(m4h_session_is_live(&early, &limits, 0, 0));
    }
}

/* ---- visitors --------------------------------------------------------------------- */

static void a_visitor_needs_no_port(void **state)
{
    struct m4h_session session = session_in(M4H_SESSION_ASKING, 0);

    (void)state;
    m4h_session_judged(&session, true, 1000);
    m4h_session_welcome(&session, 1000);
    assert_int_equal(session.state, M4H_SESSION_UP);
    assert_int_equal(m4h_session_look(&session, &limits, 9000, 9000), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_look(&session, &limits, 9000, 24000), M4H_SESSION_KEEPALIVE);
}

static void a_visitor_with_nothing_open_is_ended_in_time(void **state)
{
    struct m4h_session_limits rested = limits;
    struct m4h_session session = session_in(M4H_SESSION_ASKING, 0);

    (void)state;
    rested.rest_ms = 60000;
    m4h_session_judged(&session, true, 1000);
    m4h_session_welcome(&session, 1000);
    assert_int_equal(m4h_session_next_look_ms(&session, &rested, 50000), 61000);
    assert_int_equal(m4h_session_look(&session, &rested, 60999, 60999), M4H_SESSION_WAIT);
    assert_int_equal(m4h_session_look(&session, &rested, 61000, 61000), M4H_SESSION_RESTED);
    m4h_session_rest(&session, false, 2000);
    assert_int_equal(m4h_session_look(&session, &rested, 100000, 100000), M4H_SESSION_WAIT);
    m4h_session_rest(&session, true, 100000);
    assert_int_equal(m4h_session_look(&session, &rested, 160000, 160000), M4H_SESSION_RESTED);
    rested.rest_ms = 0;
    assert_int_equal(m4h_session_look(&session, &rested, 160000, 160000), M4H_SESSION_WAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_taken_in_the_handshake_only),
        cmocka_unit_test(a_port_is_asked_for_when_known_or_up_only),
        cmocka_unit_test(the_judgement_makes_it_known_or_lets_it_try_again),
        cmocka_unit_test(it_may_try_so_many_keys_and_no_more),
        cmocka_unit_test(it_may_have_so_many_ports_and_one_given_up_makes_room),
        cmocka_unit_test(a_port_that_is_not_to_be_had_counts_no_more),
        cmocka_unit_test(giving_up_more_ports_than_it_has_leaves_none),
        cmocka_unit_test(every_state_has_a_name_for_the_log),
        cmocka_unit_test(every_state_before_up_ends_at_its_deadline_and_not_before),
        cmocka_unit_test(trying_keys_does_not_move_the_deadline),
        cmocka_unit_test(a_port_that_was_refused_does_not_move_the_deadline),
        cmocka_unit_test(a_silent_device_is_dead_after_so_many_intervals_exactly),
        cmocka_unit_test(a_device_is_not_dead_one_millisecond_before),
        cmocka_unit_test(it_is_asked_once_in_each_silent_interval),
        cmocka_unit_test(one_that_was_not_asked_is_not_dead_however_long_nobody_looked),
        cmocka_unit_test(a_stand_still_ends_nobody_before_its_answers_were_read),
        cmocka_unit_test(one_that_is_silent_ends_also_where_every_look_is_late),
        cmocka_unit_test(looks_that_come_a_little_late_do_not_put_death_off),
        cmocka_unit_test(being_heard_starts_the_count_anew),
        cmocka_unit_test(a_device_that_answers_every_time_lives_for_ever),
        cmocka_unit_test(a_clock_behind_the_last_sign_of_life_is_no_silence),
        cmocka_unit_test(without_keepalives_it_is_never_looked_at),
        cmocka_unit_test(a_probe_is_answered_soon_after_a_sign_of_life),
        cmocka_unit_test(a_probe_without_a_sign_of_life_is_answered_after_a_second),
        cmocka_unit_test(one_that_was_silent_lives_again_when_it_is_heard),
        cmocka_unit_test(a_probe_puts_off_no_keepalive_and_no_death),
        cmocka_unit_test(one_that_is_not_read_on_purpose_is_not_silent),
        cmocka_unit_test(a_probe_of_one_that_is_not_read_waits_until_it_is),
        cmocka_unit_test(one_that_misses_its_keepalive_counts_as_living_no_more),
        cmocka_unit_test(a_visitor_needs_no_port),
        cmocka_unit_test(a_visitor_with_nothing_open_is_ended_in_time),
    };

    return cmocka_run_group_tests_name("slave: session", tests, NULL, NULL);
}
