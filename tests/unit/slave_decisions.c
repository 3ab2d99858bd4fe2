/* Decisions on keys that are kept: how long, for whom, how many. */
#include "services/slave/core/decisions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VALID_MS 1000u
#define STALE_MS 5000u

static const struct m4h_decision allowed = {.allowed = true, .client_key = "pump-1"};
static const struct m4h_decision denied = {.allowed = false, .stamp = 7, .seen = 3};

static struct m4h_decisions *decisions_of(uint32_t entries_max)
{
    const struct m4h_decisions_limits limits = {.entries_max = entries_max, .stale_ms = STALE_MS};
    struct m4h_decisions *decisions;

    assert_int_equal(m4h_decisions_create(&decisions, &limits), 0);
    return decisions;
}

static void expect_found(const struct m4h_decisions *decisions, bool master_away, uint64_t now_ms,
                         bool expected)
{
    const struct m4h_decision *found =
        m4h_decisions_find(decisions, "SHA256:a", master_away, now_ms);

    if ((found != NULL) != expected)
        fail_msg("master %s, at %llu: %sfound", master_away ? "away" : "there",
                 (unsigned long long)now_ms, found != NULL ? "" : "not ");
}

static void an_allowing_decision_is_fresh_then_stale_then_gone(void **state)
{
    static const struct {
        uint64_t at_ms;
        bool with_master, without_master;
    } cases[] = {
        {0, true, true},
        {VALID_MS - 1, true, true},
        {VALID_MS, false, true},
        {VALID_MS + STALE_MS - 1, false, true},
        {VALID_MS + STALE_MS, false, false},
        {UINT64_MAX, false, false},
    };
    struct m4h_decisions *decisions = decisions_of(10);

    (void)state;
    m4h_decisions_keep(decisions, "SHA256:a", &allowed, VALID_MS, 0);
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        expect_found(decisions, false, cases[i].at_ms, cases[i].with_master);
        expect_found(decisions, true, cases[i].at_ms, cases[i].without_master);
    }
    m4h_decisions_destroy(decisions);
}

static void a_denial_is_fresh_or_gone_and_never_stale(void **state)
{
    struct m4h_decisions *decisions = decisions_of(10);

    (void)state;
    m4h_decisions_keep(decisions, "SHA256:a", &denied, VALID_MS, 0);
    expect_found(decisions, false, VALID_MS - 1, true);
    expect_found(decisions, true, VALID_MS - 1, true);
    expect_found(decisions, false, VALID_MS, false);
    expect_found(decisions, true, VALID_MS, false);
    m4h_decisions_destroy(decisions);
}

static void one_that_is_not_to_be_kept_serves_the_masters_absence_only(void **state)
{
    struct m4h_decisions *decisions = decisions_of(10);

    (void)state;
    m4h_decisions_keep(decisions, "SHA256:a", &allowed, 0, 100);
    expect_found(decisions, false, 100, false);
    expect_found(decisions, true, 100, true);
    m4h_decisions_keep(decisions, "SHA256:a", &denied, 0, 100);
    expect_found(decisions, true, 100, false);
    m4h_decisions_destroy(decisions);
}

static void it_comes_back_as_it_was_kept(void **state)
{
    struct m4h_decisions *decisions = decisions_of(10);
    const struct m4h_decision *found;

    (void)state;
    m4h_decisions_keep(decisions, "SHA256:a", &allowed, VALID_MS, 0);
    m4h_decisions_keep(decisions, "SHA256:b", &denied, VALID_MS, 0);
    found = m4h_decisions_find(decisions, "SHA256:a", false, 0);
    assert_non_null(found);
    assert_true(found->allowed);
    assert_string_equal(found->client_key, "pump-1");
    found = m4h_decisions_find(decisions, "SHA256:b", false, 0);
    assert_non_null(found);
    assert_false(found->allowed);
    assert_int_equal(found->stamp, 7);
    assert_int_equal(found->seen, 3);
    assert_null(m4h_decisions_find(decisions, "SHA256:c", true, 0));
    m4h_decisions_destroy(decisions);
}

static void the_whole_answer_is_kept_with_it(void **state)
{
    struct m4h_decisions *decisions = decisions_of(10);
    uint8_t answer[] = {1, 2, 3};
    const struct m4h_decision whole = {
        .allowed = true, .client_key = "pump-1", .answer = answer, .answer_len = 3};
    const struct m4h_decision *found;

    (void)state;
    m4h_decisions_keep(decisions, "SHA256:a", &whole, VALID_MS, 0);
    answer[2] = 7;
    found = m4h_decisions_find(decisions, "SHA256:a", true, VALID_MS + 1);
    assert_non_null(found);
    assert_int_equal(found->answer_len, 3);
    assert_memory_equal(found->answer, "\1\2\3", 3);
    m4h_decisions_keep(decisions, "SHA256:a", &allowed, VALID_MS, 0);
    assert_null(m4h_decisions_find(decisions, "SHA256:a", false, 0)->answer);
    m4h_decisions_destroy(decisions);
}

static void a_newer_decision_takes_the_place_of_the_older(void **state)
{
    struct m4h_decisions *decisions = decisions_of(10);

    (void)state;
    m4h_decisions_keep(decisions, "SHA256:a", &allowed, VALID_MS, 0);
    m4h_decisions_keep(decisions, "SHA256:a", &denied, VALID_MS, 1);
    assert_false(m4h_decisions_find(decisions, "SHA256:a", false, 1)->allowed);
    assert_null(m4h_decisions_find(decisions, "SHA256:a", true, VALID_MS + 1));
    assert_int_equal(m4h_decisions_forget(decisions, "", "SHA256:a"), 1);
    m4h_decisions_destroy(decisions);
}

static void beyond_the_bound_the_one_kept_longest_goes(void **state)
{
    struct m4h_decisions *decisions = decisions_of(3);

    (void)state;
    m4h_decisions_keep(decisions, "SHA256:1", &allowed, VALID_MS, 0);
    m4h_decisions_keep(decisions, "SHA256:2", &allowed, VALID_MS, 0);
    m4h_decisions_keep(decisions, "SHA256:3", &allowed, VALID_MS, 0);
    m4h_decisions_keep(decisions, "SHA256:1", &allowed, VALID_MS, 0); /* is the newest now */
    m4h_decisions_keep(decisions, "SHA256:4", &allowed, VALID_MS, 0);
    assert_null(m4h_decisions_find(decisions, "SHA256:2", true, 0));
    m4h_decisions_keep(decisions, "SHA256:5", &allowed, VALID_MS, 0);
    assert_null(m4h_decisions_find(decisions, "SHA256:3", true, 0));
    assert_non_null(m4h_decisions_find(decisions, "SHA256:1", true, 0));
    assert_non_null(m4h_decisions_find(decisions, "SHA256:4", true, 0));
    assert_non_null(m4h_decisions_find(decisions, "SHA256:5", true, 0));
    m4h_decisions_destroy(decisions);
}

static void the_bound_holds_for_any_number_of_keys(void **state)
{
    struct m4h_decisions *decisions = decisions_of(100);
    char fingerprint[32];

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(fingerprint, sizeof(fingerprint), "SHA256:%u", i);
        m4h_decisions_keep(decisions, fingerprint, &allowed, VALID_MS, 0);
    }
    assert_int_equal(m4h_decisions_forget(decisions, "", ""), 100);
    m4h_decisions_destroy(decisions);
}

static void a_bound_of_none_keeps_none(void **state)
{
    struct m4h_decisions *decisions = decisions_of(0);

    (void)state;
    m4h_decisions_keep(decisions, "SHA256:a", &allowed, VALID_MS, 0);
    assert_null(m4h_decisions_find(decisions, "SHA256:a", true, 0));
    m4h_decisions_destroy(decisions);
}

static void other_limits_hold_for_what_is_kept_already(void **state)
{
    struct m4h_decisions *decisions = decisions_of(3);

    (void)state;
    m4h_decisions_keep(decisions, "SHA256:a", &allowed, VALID_MS, 0);
    m4h_decisions_keep(decisions, "SHA256:b", &allowed, VALID_MS, 0);
    m4h_decisions_keep(decisions, "SHA256:c", &allowed, VALID_MS, 0);
    m4h_decisions_set_limits(decisions, &(struct m4h_decisions_limits){2, 0});
    expect_found(decisions, true, VALID_MS - 1, true);
    expect_found(decisions, true, VALID_MS, false);
    m4h_decisions_keep(decisions, "SHA256:d", &allowed, VALID_MS, 0);
    assert_null(m4h_decisions_find(decisions, "SHA256:b", false, 0));
    assert_non_null(m4h_decisions_find(decisions, "SHA256:c", false, 0));
    assert_non_null(m4h_decisions_find(decisions, "SHA256:d", false, 0));
    m4h_decisions_destroy(decisions);
}

static void a_fingerprint_that_is_too_long_is_not_kept(void **state)
{
    struct m4h_decisions *decisions = decisions_of(10);
    char fingerprint[M4H_FINGERPRINT_MAX + 2];

    (void)state;
    memset(fingerprint, 'a', sizeof(fingerprint) - 1);
    fingerprint[sizeof(fingerprint) - 1] = '\0';
    m4h_decisions_keep(decisions, fingerprint, &allowed, VALID_MS, 0);
    assert_int_equal(m4h_decisions_forget(decisions, "", ""), 0);
    m4h_decisions_destroy(decisions);
}

static void forgetting_goes_by_device_by_key_or_by_both(void **state)
{
    static const struct {
        const char *client_key, *fingerprint;
        uint32_t forgotten;
    } cases[] = {
        {"pump-1", "", 2},
        {"", "SHA256:2", 1},
        {"pump-1", "SHA256:2", 1},
        {"pump-1", "SHA256:3", 0},
        {"pump-9", "", 0},
        {"", "SHA256:9", 0},
        {"", "", 4},
    };
    const struct m4h_decision other = {.allowed = true, .client_key = "pump-2"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_decisions *decisions = decisions_of(10);

        m4h_decisions_keep(decisions, "SHA256:1", &allowed, VALID_MS, 0);
        m4h_decisions_keep(decisions, "SHA256:2", &allowed, VALID_MS, 0);
        m4h_decisions_keep(decisions, "SHA256:3", &other, VALID_MS, 0);
        m4h_decisions_keep(decisions, "SHA256:4", &denied, VALID_MS, 0);
        assert_int_equal(m4h_decisions_forget(decisions, cases[i].client_key, cases[i].fingerprint),
                         cases[i].forgotten);
        assert_int_equal(m4h_decisions_forget(decisions, "", ""), 4 - cases[i].forgotten);
        m4h_decisions_destroy(decisions);
    }
}

static void nothing_is_destroyed_harmlessly(void **state)
{
    (void)state;
    m4h_decisions_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allowing_decision_is_fresh_then_stale_then_gone),
        cmocka_unit_test(a_denial_is_fresh_or_gone_and_never_stale),
        cmocka_unit_test(one_that_is_not_to_be_kept_serves_the_masters_absence_only),
        cmocka_unit_test(it_comes_back_as_it_was_kept),
        cmocka_unit_test(the_whole_answer_is_kept_with_it),
        cmocka_unit_test(a_newer_decision_takes_the_place_of_the_older),
        cmocka_unit_test(beyond_the_bound_the_one_kept_longest_goes),
        cmocka_unit_test(the_bound_holds_for_any_number_of_keys),
        cmocka_unit_test(a_bound_of_none_keeps_none),
        cmocka_unit_test(other_limits_hold_for_what_is_kept_already),
        cmocka_unit_test(a_fingerprint_that_is_too_long_is_not_kept),
        cmocka_unit_test(forgetting_goes_by_device_by_key_or_by_both),
        cmocka_unit_test(nothing_is_destroyed_harmlessly),
    };

    return cmocka_run_group_tests_name("slave: decisions", tests, NULL, NULL);
}
