/* Decisions that stand: when they are due, how long they last, what ends them. */
#include "services/slave/core/standings.h"

#include "lib/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS  1000000u
#define WALL_MS 1700000000000u

static const struct m4h_standings_rules hourly = {.recheck_ms = 3600000, .stale_ms = 86400000};
static const struct m4h_standings_rules never = {.recheck_ms = 0, .stale_ms = 86400000};
static const struct m4h_authorize_reply yes = {.allowed = true, .client_key = "pump-1"};

static struct m4h_standings *standings;

static int begin(void **state)
{
    (void)state;
    return m4h_standings_create(&standings);
}

static int end(void **state)
{
    (void)state;
    m4h_standings_destroy(standings);
    return 0;
}

static struct m4h_standing *add(uint64_t session_id, uint64_t due_ms)
{
    static const uint8_t question[] = {1, 2, 3};
    struct m4h_standing *standing;

    assert_int_equal(
        m4h_standings_add(standings, session_id, "SHA256:a", &yes, question, 3, &standing), 0);
    m4h_standings_set_due(standings, standing, due_ms);
    return standing;
}

static void it_is_there_as_long_as_its_session(void **state)
{
    (void)state;
    add(7, M4H_STANDING_NEVER);
    assert_string_equal(m4h_standings_find(standings, 7)->client_key, "pump-1");
    assert_string_equal(m4h_standings_find(standings, 7)->key_fingerprint, "SHA256:a");
    assert_memory_equal(m4h_standings_find(standings, 7)->question, "\1\2\3", 3);
    add(7, M4H_STANDING_NEVER); /* the same session again */
    assert_int_equal(m4h_standings_count(standings), 1);
    m4h_standings_remove(standings, 7);
    m4h_standings_remove(standings, 7);
    assert_null(m4h_standings_find(standings, 7));
    assert_int_equal(m4h_standings_count(standings), 0);
}

static void the_one_that_is_due_first_comes_first_and_who_never_is_does_not(void **state)
{
    (void)state;
    assert_null(m4h_standings_first(standings));
    add(1, M4H_STANDING_NEVER);
    assert_null(m4h_standings_first(standings));
    add(2, 300);
    add(3, 200);
    assert_int_equal(m4h_standings_first(standings)->session_id, 3);
    m4h_standings_set_due(standings, m4h_standings_find(standings, 1), 100);
    assert_int_equal(m4h_standings_first(standings)->session_id, 1);
    m4h_standings_remove(standings, 1);
    m4h_standings_remove(standings, 3);
    assert_int_equal(m4h_standings_first(standings)->session_id, 2);
}

static void it_is_asked_about_in_an_hour_give_or_take_and_at_its_end_at_the_latest(void **state)
{
    struct m4h_standing *standing = add(1, 0);

    (void)state;
    for (uint64_t random = 0; random < 2000000; random += 777)
        assert_in_range(m4h_standing_next(standing, &hourly, random, NOW_MS, WALL_MS),
                        NOW_MS + 3240000, NOW_MS + 3960000);
    assert_true(m4h_standing_next(standing, &never, 5, NOW_MS, WALL_MS) == M4H_STANDING_NEVER);
    standing->expires_wall_ms = WALL_MS + 5000;
    assert_int_equal(m4h_standing_next(standing, &hourly, 5, NOW_MS, WALL_MS), NOW_MS + 5000);
    assert_int_equal(m4h_standing_next(standing, &never, 5, NOW_MS, WALL_MS), NOW_MS + 5000);
    standing->expires_wall_ms = WALL_MS - 5000;
    assert_int_equal(m4h_standing_next(standing, &never, 5, NOW_MS, WALL_MS), NOW_MS);
}

static void without_an_answer_it_lasts_until_it_is_stale(void **state)
{
    struct m4h_standing *standing = add(1, 0);
    uint64_t due_ms;

    (void)state;
    assert_true(m4h_standing_outlasts(standing, &hourly, 5, NOW_MS, WALL_MS, &due_ms));
    assert_in_range(due_ms, NOW_MS + 10000, NOW_MS + 30000);
    assert_true(m4h_standing_outlasts(standing, &hourly, 5, NOW_MS + 86399999, WALL_MS, &due_ms));
    assert_false(m4h_standing_outlasts(standing, &hourly, 5, NOW_MS + 86400000, WALL_MS, &due_ms));
    standing->unanswered_ms = 0; /* there was an answer */
    assert_true(m4h_standing_outlasts(standing, &hourly, 5, NOW_MS + 86400000, WALL_MS, &due_ms));
}

static void without_an_answer_it_does_not_last_beyond_its_end(void **state)
{
    struct m4h_standing *standing = add(1, 0);
    uint64_t due_ms;

    (void)state;
    standing->expires_wall_ms = WALL_MS + 5000;
    assert_true(m4h_standing_outlasts(standing, &hourly, 5, NOW_MS, WALL_MS, &due_ms));
    assert_int_equal(due_ms, NOW_MS + 5000);
    assert_false(
        m4h_standing_outlasts(standing, &hourly, 5, NOW_MS + 5000, WALL_MS + 5000, &due_ms));
}

static void a_refusal_ends_it_and_so_does_another_name(void **state)
{
    struct m4h_standing *standing = add(1, 0);
    struct m4h_authorize_reply reply = yes;
    char detail[M4H_DETAIL_MAX + 1];

    (void)state;
    assert_true(m4h_standing_agrees(standing, &reply, detail));
    m4h_text_copy(reply.client_key, sizeof(reply.client_key), "pump-2");
    assert_false(m4h_standing_agrees(standing, &reply, detail));
    assert_non_null(strstr(detail, "another"));
    reply = yes;
    m4h_text_copy(reply.operator_.name, sizeof(reply.operator_.name), "ann");
    assert_false(m4h_standing_agrees(standing, &reply, detail));
    reply = (struct m4h_authorize_reply){.detail = "it expired"};
    assert_false(m4h_standing_agrees(standing, &reply, detail));
    assert_string_equal(detail, "it expired");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_there_as_long_as_its_session, begin, end),
        cmocka_unit_test_setup_teardown(
            the_one_that_is_due_first_comes_first_and_who_never_is_does_not, begin, end),
        cmocka_unit_test_setup_teardown(
            it_is_asked_about_in_an_hour_give_or_take_and_at_its_end_at_the_latest, begin, end),
        cmocka_unit_test_setup_teardown(without_an_answer_it_lasts_until_it_is_stale, begin, end),
        cmocka_unit_test_setup_teardown(without_an_answer_it_does_not_last_beyond_its_end, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_refusal_ends_it_and_so_does_another_name, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
