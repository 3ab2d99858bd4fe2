#include "lib/base/known_masters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS 100000u

static struct m4h_known_masters masters;
static uint32_t patience_ms;

static void hear(const char *id, uint64_t instance, uint64_t now_ms)
{
    struct m4h_master_hello hello = {.instance = instance};

    m4h_text_copy(hello.master_id, sizeof(hello.master_id), id);
    m4h_known_masters_heard(&masters, &hello, now_ms);
}

static int hear_three(void **state)
{
    (void)state;
    memset(&masters, 0, sizeof(masters));
    hear("m1", 1, NOW_MS);
    hear("m2", 2, NOW_MS);
    hear("m3", 3, NOW_MS);
    return 0;
}

/* How often `id` is chosen for the numbers 0 to 99. */
static unsigned share_of(const char *id, uint64_t now_ms)
{
    unsigned count = 0;

    for (uint64_t random = 0; random < 100; random++) {
        const char *chosen = m4h_known_masters_choose(&masters, now_ms, random, &patience_ms);

        count += chosen != NULL && strcmp(chosen, id) == 0;
    }
    return count;
}

static void questions_are_spread_over_all_who_say_hello(void **state)
{
    (void)state;
    assert_in_range(share_of("m1", NOW_MS + 1), 33, 34);
    assert_in_range(share_of("m2", NOW_MS + 1), 33, 34);
    assert_in_range(share_of("m3", NOW_MS + 1), 33, 34);
    assert_int_equal(patience_ms, 200);
}

static void where_nobody_was_heard_nobody_is_chosen(void **state)
{
    (void)state;
    m4h_known_masters_forget(&masters);
    assert_null(m4h_known_masters_choose(&masters, NOW_MS, 0, &patience_ms));
}

static void the_only_one_gets_all_of_the_time(void **state)
{
    (void)state;
    m4h_known_masters_forget(&masters);
    hear("m1", 1, NOW_MS);
    assert_string_equal(m4h_known_masters_choose(&masters, NOW_MS, 5, &patience_ms), "m1");
    assert_int_equal(patience_ms, UINT32_MAX);
}

static void one_that_does_not_answer_is_left_alone_until_it_says_hello_again(void **state)
{
    (void)state;
    assert_true(m4h_known_masters_failed(&masters, "m2", 200, NOW_MS + 200));
    assert_int_equal(share_of("m2", NOW_MS + 200), 0);
    assert_int_equal(share_of("m2", NOW_MS + 3000), 0);
    hear("m2", 2, NOW_MS + 3001);
    hear("m1", 1, NOW_MS + 3001);
    assert_in_range(share_of("m2", NOW_MS + 3001), 33, 34);
}

static void a_hello_does_not_end_the_rest_before_its_time(void **state)
{
    (void)state;
    assert_true(m4h_known_masters_failed(&masters, "m2", 200, NOW_MS));
    hear("m2", 2, NOW_MS + 10);
    assert_int_equal(share_of("m2", NOW_MS + 999), 0);
    assert_int_not_equal(share_of("m2", NOW_MS + 1000), 0);
}

static void one_that_says_hello_and_answers_nothing_rests_ever_longer(void **state)
{
    uint64_t now_ms = NOW_MS, rests_ms[8];

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(rests_ms); i++) {
        uint64_t failed_ms = now_ms;

        assert_true(m4h_known_masters_failed(&masters, "m2", 200, now_ms));
        do
            hear("m2", 2, ++now_ms);
        while (share_of("m2", now_ms) == 0);
        rests_ms[i] = now_ms - failed_ms;
    }
    assert_int_equal(rests_ms[0], 1000);
    assert_int_equal(rests_ms[1], 2000);
    assert_int_equal(rests_ms[6], 32000);
    assert_int_equal(rests_ms[7], 32000);
}

static void an_answer_makes_a_master_as_good_as_new(void **state)
{
    (void)state;
    assert_true(m4h_known_masters_failed(&masters, "m2", 200, NOW_MS));
    hear("m2", 2, NOW_MS + 1000);
    m4h_known_masters_answered(&masters, "m2", 1);
    assert_true(m4h_known_masters_failed(&masters, "m2", 200, NOW_MS + 1000));
    hear("m2", 2, NOW_MS + 2000);
    assert_int_not_equal(share_of("m2", NOW_MS + 2000), 0);
}

static void of_many_failures_at_once_one_counts(void **state)
{
    (void)state;
    assert_true(m4h_known_masters_failed(&masters, "m2", 200, NOW_MS));
    assert_false(m4h_known_masters_failed(&masters, "m2", 200, NOW_MS));
    assert_false(m4h_known_masters_failed(&masters, "m2", UINT64_MAX, NOW_MS + 5));
    hear("m2", 2, NOW_MS + 1000);
    assert_int_not_equal(share_of("m2", NOW_MS + 1000), 0);
}

static void a_time_too_short_to_answer_is_no_failure(void **state)
{
    (void)state;
    assert_false(m4h_known_masters_failed(&masters, "m2", 99, NOW_MS));
    assert_int_not_equal(share_of("m2", NOW_MS), 0);
    assert_true(m4h_known_masters_failed(&masters, "m2", UINT64_MAX, NOW_MS));
}

static void one_that_stops_or_is_silent_is_forgotten(void **state)
{
    struct m4h_master_hello last = {.master_id = "m1", .instance = 1, .stopping = true};

    (void)state;
    m4h_known_masters_heard(&masters, &last, NOW_MS + 1);
    assert_int_equal(share_of("m1", NOW_MS + 1), 0);
    hear("m3", 3, NOW_MS + 2000);
    assert_int_equal(share_of("m2", NOW_MS + M4H_KNOWN_MASTERS_LATE_MS - 1), 50);
    assert_int_equal(share_of("m2", NOW_MS + M4H_KNOWN_MASTERS_LATE_MS), 0);
    assert_int_equal(share_of("m3", NOW_MS + M4H_KNOWN_MASTERS_LATE_MS), 100);
    assert_null(m4h_known_masters_choose(&masters, NOW_MS + 8000, 0, &patience_ms));
}

static void the_last_word_of_an_earlier_start_does_not_count(void **state)
{
    struct m4h_master_hello last = {.master_id = "m1", .instance = 1, .stopping = true};

    (void)state;
    hear("m1", 77, NOW_MS + 1);
    m4h_known_masters_heard(&masters, &last, NOW_MS + 2);
    assert_int_not_equal(share_of("m1", NOW_MS + 2), 0);
}

static void a_master_that_starts_anew_does_not_rest_for_its_former_self(void **state)
{
    (void)state;
    assert_true(m4h_known_masters_failed(&masters, "m1", 200, NOW_MS));
    hear("m1", 77, NOW_MS + 1);
    assert_int_not_equal(share_of("m1", NOW_MS + 1), 0);
}

static void one_that_learns_is_not_asked(void **state)
{
    struct m4h_master_hello hello = {.master_id = "m1", .instance = 77, .learning = true};
    struct m4h_known_masters_numbers numbers;

    (void)state;
    m4h_known_masters_heard(&masters, &hello, NOW_MS);
    assert_int_equal(share_of("m1", NOW_MS), 0);
    m4h_known_masters_count(&masters, NOW_MS, &numbers);
    assert_int_equal(numbers.heard, 3);
    assert_int_equal(numbers.learning, 1);
    assert_int_equal(numbers.resting, 0);
}

static void a_far_one_is_asked_only_where_no_near_one_is_left(void **state)
{
    (void)state;
    m4h_known_masters_answered(&masters, "m1", 1);
    m4h_known_masters_answered(&masters, "m2", 80);
    m4h_known_masters_answered(&masters, "m3", 2);
    assert_int_equal(share_of("m2", NOW_MS), 0);
    assert_int_equal(share_of("m3", NOW_MS), 50);
    assert_true(m4h_known_masters_failed(&masters, "m1", 200, NOW_MS));
    assert_true(m4h_known_masters_failed(&masters, "m3", 200, NOW_MS));
    assert_int_equal(share_of("m2", NOW_MS), 100);
}

static void a_far_one_gets_the_time_that_it_needs(void **state)
{
    (void)state;
    m4h_known_masters_answered(&masters, "m1", 90);
    m4h_known_masters_answered(&masters, "m2", 90);
    m4h_known_masters_answered(&masters, "m3", 90);
    assert_non_null(m4h_known_masters_choose(&masters, NOW_MS, 0, &patience_ms));
    assert_int_equal(patience_ms, 360);
}

static void hear_slow(const char *id, uint64_t instance, uint32_t validators_ms)
{
    struct m4h_master_hello hello = {.instance = instance, .validators_ms = validators_ms};

    m4h_text_copy(hello.master_id, sizeof(hello.master_id), id);
    m4h_known_masters_heard(&masters, &hello, NOW_MS);
}

static void what_validators_may_take_is_as_the_latest_hello_says(void **state)
{
    (void)state;
    assert_int_equal(m4h_known_masters_validators_ms(&masters, NULL), 0);
    hear_slow("m2", 2, 700);
    hear_slow("m3", 3, 300);
    assert_int_equal(m4h_known_masters_validators_ms(&masters, "m1"), 0);
    assert_int_equal(m4h_known_masters_validators_ms(&masters, "m3"), 300);
    assert_int_equal(m4h_known_masters_validators_ms(&masters, NULL), 700);
    hear_slow("m2", 2, 0);
    assert_int_equal(m4h_known_masters_validators_ms(&masters, NULL), 300);
    hear_slow("m2", 2, UINT32_MAX);
    assert_int_equal(m4h_known_masters_validators_ms(&masters, "m2"), 60000);
}

static void what_validators_took_does_not_make_a_master_far(void **state)
{
    (void)state;
    m4h_known_masters_answered(&masters, "m1", 1);
    m4h_known_masters_answered(&masters, "m2", UINT64_MAX);
    assert_in_range(share_of("m2", NOW_MS), 33, 34);
    assert_int_equal(patience_ms, 200);
}

static void one_that_cannot_tell_does_not_rest_and_others_are_asked_first(void **state)
{
    struct m4h_known_masters_numbers numbers;

    (void)state;
    m4h_known_masters_near(&masters, "m2", NOW_MS);
    m4h_known_masters_unable(&masters, "m2", NOW_MS);
    assert_int_equal(share_of("m2", NOW_MS + 999), 0);
    assert_int_equal(share_of("m2", NOW_MS + 1000), 100);
    m4h_known_masters_count(&masters, NOW_MS, &numbers);
    assert_int_equal(numbers.resting, 0);
    m4h_known_masters_unable(&masters, "m1", NOW_MS);
    assert_true(m4h_known_masters_any_able(&masters, NOW_MS));
    m4h_known_masters_unable(&masters, "m3", NOW_MS);
    assert_false(m4h_known_masters_any_able(&masters, NOW_MS));
    assert_int_equal(share_of("m2", NOW_MS), 100); /* the nearest, as none of them can */
    assert_true(m4h_known_masters_any_able(&masters, NOW_MS + 1000));
}

static void those_that_the_queue_group_takes_are_asked_while_they_can_be(void **state)
{
    (void)state;
    m4h_known_masters_near(&masters, "m2", NOW_MS);
    m4h_known_masters_near(&masters, "nobody", NOW_MS);
    assert_int_equal(share_of("m2", NOW_MS), 100);
    m4h_known_masters_near(&masters, "m3", NOW_MS);
    assert_int_equal(share_of("m3", NOW_MS), 50);
    assert_true(m4h_known_masters_failed(&masters, "m2", 200, NOW_MS));
    assert_int_equal(share_of("m3", NOW_MS), 100);
    assert_int_equal(patience_ms, 200);
    assert_true(m4h_known_masters_failed(&masters, "m3", 200, NOW_MS));
    assert_int_equal(share_of("m1", NOW_MS), 100);
}

static void what_the_queue_group_took_long_ago_does_not_count(void **state)
{
    (void)state;
    m4h_known_masters_near(&masters, "m2", NOW_MS);
    for (uint64_t ms = 1999; ms < 20000; ms += 2000) {
        hear("m1", 1, NOW_MS + ms);
        hear("m2", 2, NOW_MS + ms);
    }
    assert_int_equal(share_of("m2", NOW_MS + 19999), 100);
    assert_int_equal(share_of("m2", NOW_MS + 20000), 50);
}

static void a_way_that_gets_shorter_is_noticed(void **state)
{
    (void)state;
    m4h_known_masters_answered(&masters, "m1", 1);
    m4h_known_masters_answered(&masters, "m2", 80);
    for (int i = 0; i < 20; i++)
        m4h_known_masters_answered(&masters, "m2", 1);
    assert_int_equal(share_of("m2", NOW_MS), 33);
}

static void more_masters_than_there_is_room_for_are_not_remembered(void **state)
{
    struct m4h_known_masters_numbers numbers;
    char id[8];

    (void)state;
    for (unsigned i = 0; i < 2 * M4H_MASTERS_MAX; i++) {
        snprintf(id, sizeof(id), "x%u", i);
        hear(id, 100 + i, NOW_MS);
    }
    m4h_known_masters_count(&masters, NOW_MS, &numbers);
    assert_int_equal(numbers.heard, M4H_MASTERS_MAX);
    hear("late", 1000, NOW_MS + M4H_KNOWN_MASTERS_GONE_MS);
    m4h_known_masters_count(&masters, NOW_MS + M4H_KNOWN_MASTERS_GONE_MS, &numbers);
    assert_int_equal(numbers.heard, 1);
}

static void a_question_to_masters_becomes_one_to_a_master(void **state)
{
    char subject[M4H_KNOWN_MASTERS_SUBJECT_MAX];

    (void)state;
    assert_true(m4h_known_masters_subject(subject, "mas4h.v1.rpc.status.tunnels", "m1"));
    assert_string_equal(subject, "mas4h.v1.master.m1.status.tunnels");
    assert_false(m4h_known_masters_subject(subject, "mas4h.v1.slave.s1.kick", "m1"));
}

/* ---- questions of the queue group ------------------------------------------------ */

static unsigned group_questions(unsigned questions, uint64_t now_ms)
{
    unsigned count = 0;

    while (questions-- > 0)
        count += m4h_known_masters_ask_group(&masters, now_ms);
    return count;
}

static void the_first_question_and_then_one_in_ten_goes_to_the_queue_group(void **state)
{
    (void)state;
    assert_int_equal(group_questions(1, NOW_MS), 1);
    assert_int_equal(group_questions(9, NOW_MS + 1), 0);
    assert_int_equal(group_questions(1, NOW_MS + 1), 1);
    assert_int_equal(group_questions(100, NOW_MS + 1), 10);
}

static void where_there_are_few_questions_one_each_10_s_does(void **state)
{
    (void)state;
    assert_int_equal(group_questions(1, NOW_MS), 1);
    for (uint64_t ms = 2000; ms <= 12000; ms += 2000) {
        hear("m1", 1, NOW_MS + ms);
        hear("m2", 2, NOW_MS + ms);
        assert_int_equal(group_questions(1, NOW_MS + ms), ms == 10000);
    }
}

static void where_there_is_no_choice_none_does(void **state)
{
    (void)state;
    m4h_known_masters_forget(&masters);
    assert_int_equal(group_questions(20, NOW_MS), 0);
    hear("m1", 1, NOW_MS);
    assert_int_equal(group_questions(20, NOW_MS), 0);
    hear("m2", 1, NOW_MS);
    assert_int_equal(group_questions(1, NOW_MS), 1);
}

/* The group may give it to just that one. */
static void while_a_master_rests_none_does(void **state)
{
    (void)state;
    assert_true(m4h_known_masters_failed(&masters, "m2", 200, NOW_MS));
    assert_int_equal(group_questions(20, NOW_MS), 0);
    hear("m2", 2, NOW_MS + 1000);
    assert_int_equal(group_questions(1, NOW_MS + 1000), 1);
}

static void when_the_bus_was_away_it_is_asked_anew_who_is_near(void **state)
{
    (void)state;
    assert_int_equal(group_questions(2, NOW_MS), 1);
    m4h_known_masters_forget(&masters);
    hear("m1", 1, NOW_MS + 1);
    hear("m2", 2, NOW_MS + 1);
    assert_int_equal(group_questions(1, NOW_MS + 1), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, hear_three)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(questions_are_spread_over_all_who_say_hello),
        TEST(where_nobody_was_heard_nobody_is_chosen),
        TEST(the_only_one_gets_all_of_the_time),
        TEST(one_that_does_not_answer_is_left_alone_until_it_says_hello_again),
        TEST(a_hello_does_not_end_the_rest_before_its_time),
        TEST(one_that_says_hello_and_answers_nothing_rests_ever_longer),
        TEST(an_answer_makes_a_master_as_good_as_new),
        TEST(of_many_failures_at_once_one_counts),
        TEST(a_time_too_short_to_answer_is_no_failure),
        TEST(one_that_stops_or_is_silent_is_forgotten),
        TEST(the_last_word_of_an_earlier_start_does_not_count),
        TEST(a_master_that_starts_anew_does_not_rest_for_its_former_self),
        TEST(one_that_learns_is_not_asked),
        TEST(a_far_one_is_asked_only_where_no_near_one_is_left),
        TEST(a_far_one_gets_the_time_that_it_needs),
        TEST(what_validators_may_take_is_as_the_latest_hello_says),
        TEST(what_validators_took_does_not_make_a_master_far),
        TEST(one_that_cannot_tell_does_not_rest_and_others_are_asked_first),
        TEST(those_that_the_queue_group_takes_are_asked_while_they_can_be),
        TEST(the_first_question_and_then_one_in_ten_goes_to_the_queue_group),
        TEST(where_there_are_few_questions_one_each_10_s_does),
        TEST(where_there_is_no_choice_none_does),
        TEST(while_a_master_rests_none_does),
        TEST(when_the_bus_was_away_it_is_asked_anew_who_is_near),
        TEST(what_the_queue_group_took_long_ago_does_not_count),
        TEST(a_way_that_gets_shorter_is_noticed),
        TEST(more_masters_than_there_is_room_for_are_not_remembered),
        TEST(a_question_to_masters_becomes_one_to_a_master),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
