/* lib/base/revocations: which decision is void, that sets merge in any order, bounds and pages. */
#include "lib/base/revocations.h"

#include "lib/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NAMES 12

static struct m4h_revocations *set_of(size_t max)
{
    struct m4h_revocations *set;

    assert_int_equal(m4h_revocations_create(&set, max), 0);
    return set;
}

static struct m4h_revoke of_key(const char *fingerprint, uint64_t stamp, bool banned)
{
    struct m4h_revoke revoke = {.stamp = stamp, .banned = banned, .actor = "ann", .reason = "lost"};

    m4h_text_copy(revoke.key_fingerprint, sizeof(revoke.key_fingerprint), fingerprint);
    return revoke;
}

static struct m4h_revoke of_device(const char *client_key, uint64_t stamp, bool banned)
{
    struct m4h_revoke revoke = {.stamp = stamp, .banned = banned};

    m4h_text_copy(revoke.client_key, sizeof(revoke.client_key), client_key);
    return revoke;
}

static enum m4h_revocations_news merged(struct m4h_revocations *set, struct m4h_revoke revoke)
{
    enum m4h_revocations_news news;

    assert_int_equal(m4h_revocations_merge(set, &revoke, 0, &news), 0);
    return news;
}

static enum m4h_revocations_verdict judged(const struct m4h_revocations *set, uint64_t decided)
{
    return m4h_revocations_judge(set, "SHA256:a", "pump", decided, UINT64_MAX, NULL);
}

static void what_was_decided_until_the_stamp_is_void_and_later_decisions_stand(void **state)
{
    struct m4h_revocations *set = set_of(10);
    struct m4h_revoke by;

    (void)state;
    assert_int_equal(judged(set, 1), M4H_REVOCATIONS_STANDS);
    assert_int_equal(merged(set, of_key("SHA256:a", 100, false)), M4H_REVOCATIONS_NEW);
    assert_int_equal(judged(set, 99), M4H_REVOCATIONS_VOID);
    assert_int_equal(judged(set, 100), M4H_REVOCATIONS_VOID);
    assert_int_equal(judged(set, 101), M4H_REVOCATIONS_STANDS);
    assert_int_equal(m4h_revocations_judge(set, "SHA256:b", "pump", 1, 0, NULL),
                     M4H_REVOCATIONS_STANDS);
    assert_int_equal(merged(set, of_device("pump", 200, false)), M4H_REVOCATIONS_NEW);
    assert_int_equal(m4h_revocations_judge(set, "SHA256:b", "pump", 150, 9, &by),
                     M4H_REVOCATIONS_VOID);
    assert_string_equal(by.client_key, "pump");
    assert_int_equal(m4h_revocations_judge(set, "SHA256:a", "", 50, 9, &by), M4H_REVOCATIONS_VOID);
    assert_string_equal(by.key_fingerprint, "SHA256:a");
    assert_string_equal(by.actor, "ann");
    assert_string_equal(by.reason, "lost");
    m4h_revocations_destroy(set);
}

static void a_key_and_a_device_of_one_name_are_two_things(void **state)
{
    struct m4h_revocations *set = set_of(10);

    (void)state;
    merged(set, of_device("SHA256:a", 100, true));
    assert_false(m4h_revocations_ban(set, "SHA256:a", "", NULL));
    assert_true(m4h_revocations_ban(set, "", "SHA256:a", NULL));
    m4h_revocations_destroy(set);
}

static void a_ban_holds_for_every_decision_until_it_is_lifted(void **state)
{
    struct m4h_revocations *set = set_of(10);

    (void)state;
    assert_int_equal(merged(set, of_key("SHA256:a", 100, true)), M4H_REVOCATIONS_BAN);
    assert_int_equal(judged(set, UINT64_MAX), M4H_REVOCATIONS_BANNED);
    assert_true(m4h_revocations_ban(set, "SHA256:a", "", NULL));
    assert_true(m4h_revocations_ban(set, "SHA256:a", "whatever", NULL));
    assert_int_equal(m4h_revocations_ban_count(set), 1);
    assert_int_equal(merged(set, of_key("SHA256:a", 99, false)), M4H_REVOCATIONS_KNOWN);
    assert_true(m4h_revocations_ban(set, "SHA256:a", "", NULL));
    assert_int_equal(merged(set, of_key("SHA256:a", 101, false)), M4H_REVOCATIONS_BAN);
    assert_false(m4h_revocations_ban(set, "SHA256:a", "", NULL));
    assert_int_equal(m4h_revocations_ban_count(set), 0);
    assert_int_equal(judged(set, 101), M4H_REVOCATIONS_VOID);
    assert_int_equal(judged(set, 102), M4H_REVOCATIONS_STANDS);
    m4h_revocations_destroy(set);
}

static void a_fast_clock_here_gives_no_decision_a_way_out(void **state)
{
    struct m4h_revocations *set = set_of(10);
    struct m4h_revoke revoke = of_key("SHA256:a", 100, false);
    enum m4h_revocations_news news;

    (void)state;
    /* It was heard when our own clock was at 500: what we had decided by then is void. */
    assert_int_equal(m4h_revocations_merge(set, &revoke, 500, &news), 0);
    assert_int_equal(judged(set, 499), M4H_REVOCATIONS_VOID);
    assert_int_equal(judged(set, 501), M4H_REVOCATIONS_STANDS);
    assert_true(m4h_revocations_stamp(set, "SHA256:a", "") == 100);
    assert_true(m4h_revocations_stamp(set, "", "SHA256:a") == 0);
    m4h_revocations_destroy(set);
}

static void a_decision_that_seems_later_but_did_not_know_is_unsure(void **state)
{
    struct m4h_revocations *set = set_of(10);
    uint64_t seen = m4h_revocations_changes(set);

    (void)state;
    merged(set, of_key("SHA256:a", 100, false));
    assert_int_equal(m4h_revocations_judge(set, "SHA256:a", "", 500, seen, NULL),
                     M4H_REVOCATIONS_UNSURE);
    seen = m4h_revocations_changes(set);
    merged(set, of_key("SHA256:b", 100, false));
    assert_int_equal(m4h_revocations_judge(set, "SHA256:a", "", 500, seen, NULL),
                     M4H_REVOCATIONS_STANDS);
    m4h_revocations_destroy(set);
}

static void what_names_nothing_or_two_things_or_no_time_is_refused(void **state)
{
    struct m4h_revocations *set = set_of(10);
    struct m4h_revoke both = of_key("SHA256:a", 1, false), none = {.stamp = 1};
    struct m4h_revoke timeless = of_key("SHA256:a", 0, true);
    enum m4h_revocations_news news;

    (void)state;
    m4h_text_copy(both.client_key, sizeof(both.client_key), "pump");
    assert_int_equal(m4h_revocations_merge(set, &both, 0, &news), M4H_EINVALID);
    assert_int_equal(m4h_revocations_merge(set, &none, 0, &news), M4H_EINVALID);
    assert_int_equal(m4h_revocations_merge(set, &timeless, 0, &news), M4H_EINVALID);
    assert_int_equal(m4h_revocations_count(set), 0);
    m4h_revocations_destroy(set);
}

/* ---- merging --------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Few names and few stamps, so that they meet often. */
static struct m4h_revoke random_one(uint64_t *random)
{
    uint64_t number = next_random(random);
    char name[16];

    snprintf(name, sizeof(name), "n%u", (unsigned)(number % NAMES));
    if ((number >> 8) % 2 == 0)
        return of_key(name, 1 + (number >> 16) % 20, (number >> 32) % 3 == 0);
    return of_device(name, 1 + (number >> 16) % 20, (number >> 32) % 3 == 0);
}

static void assert_same(const struct m4h_revocations *a, const struct m4h_revocations *b)
{
    const struct m4h_revocations_request request = {.page_size = 100};
    struct m4h_revoke of_a[100], of_b[100];
    char token[M4H_REVOCATION_NAME_MAX + 1];
    size_t count = m4h_revocations_page(a, &request, of_a, token);

    assert_true(m4h_revocations_digest(a) == m4h_revocations_digest(b));
    assert_int_equal(m4h_revocations_page(b, &request, of_b, token), count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(of_a[i].client_key, of_b[i].client_key);
        assert_string_equal(of_a[i].key_fingerprint, of_b[i].key_fingerprint);
        assert_true(of_a[i].stamp == of_b[i].stamp && of_a[i].banned == of_b[i].banned);
    }
}

/* Bound 100: none is ever pushed out. Bound 8: some are, as long as not all of them ban. */
static void run_merges(uint64_t seed, size_t max, bool with_bans)
{
    struct m4h_revocations *forward = set_of(max), *backward = set_of(max), *twice = set_of(max);
    struct m4h_revoke list[60];
    enum m4h_revocations_news news;

    for (size_t i = 0; i < M4H_COUNT(list); i++) {
        list[i] = random_one(&seed);
        list[i].banned = list[i].banned && with_bans;
    }
    for (size_t i = 0; i < M4H_COUNT(list); i++) {
        assert_int_equal(m4h_revocations_merge(forward, &list[i], 0, &news), 0);
        assert_int_equal(m4h_revocations_merge(twice, &list[i], 0, &news), 0);
    }
    for (size_t i = M4H_COUNT(list); i-- > 0;) {
        assert_int_equal(m4h_revocations_merge(backward, &list[i], 0, &news), 0);
        assert_int_equal(m4h_revocations_merge(twice, &list[i], 0, &news), 0);
    }
    assert_same(forward, backward);
    assert_same(forward, twice);
    m4h_revocations_destroy(forward);
    m4h_revocations_destroy(backward);
    m4h_revocations_destroy(twice);
}

static void sets_are_the_same_in_whatever_order_and_how_often_they_were_told(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        run_merges(seed, 100, true);
        run_merges(seed, 8, false);
    }
}

static void the_digest_is_that_of_the_set_and_not_of_its_history(void **state)
{
    struct m4h_revocations *set = set_of(10), *other = set_of(10);

    (void)state;
    assert_true(m4h_revocations_digest(set) == 0);
    merged(set, of_key("SHA256:a", 1, false));
    merged(set, of_key("SHA256:a", 2, true));
    merged(other, of_key("SHA256:a", 2, false));
    assert_true(m4h_revocations_digest(set) != m4h_revocations_digest(other));
    merged(other, of_key("SHA256:a", 2, true));
    assert_true(m4h_revocations_digest(set) == m4h_revocations_digest(other));
    m4h_revocations_destroy(set);
    m4h_revocations_destroy(other);
}

/* ---- bounds ------------------------------------------------------------------------ */

static void a_full_set_forgets_the_oldest_that_bans_nobody(void **state)
{
    struct m4h_revocations *set = set_of(3);

    (void)state;
    merged(set, of_key("SHA256:a", 10, true));
    merged(set, of_key("SHA256:b", 20, false));
    merged(set, of_key("SHA256:c", 30, false));
    assert_int_equal(merged(set, of_key("SHA256:old", 5, false)), M4H_REVOCATIONS_KNOWN);
    assert_int_equal(merged(set, of_key("SHA256:d", 40, false)), M4H_REVOCATIONS_NEW);
    assert_int_equal(m4h_revocations_count(set), 3);
    assert_true(m4h_revocations_stamp(set, "SHA256:b", "") == 0);
    assert_int_equal(merged(set, of_key("SHA256:e", 1, true)), M4H_REVOCATIONS_BAN);
    assert_true(m4h_revocations_stamp(set, "SHA256:c", "") == 0);
    assert_true(m4h_revocations_ban(set, "SHA256:a", "", NULL));
    m4h_revocations_destroy(set);
}

static void where_all_ban_another_ban_is_refused_and_none_is_lost(void **state)
{
    struct m4h_revocations *set = set_of(2);
    struct m4h_revoke third = of_key("SHA256:c", 30, true);
    enum m4h_revocations_news news;
    uint64_t digest;

    (void)state;
    merged(set, of_key("SHA256:a", 10, true));
    merged(set, of_key("SHA256:b", 20, true));
    digest = m4h_revocations_digest(set);
    assert_int_equal(m4h_revocations_merge(set, &third, 0, &news), M4H_EFULL);
    assert_true(m4h_revocations_digest(set) == digest);
    assert_int_equal(merged(set, of_key("SHA256:b", 40, false)), M4H_REVOCATIONS_BAN);
    assert_int_equal(m4h_revocations_merge(set, &third, 0, &news), 0);
    assert_int_equal(m4h_revocations_count(set), 2);
    m4h_revocations_destroy(set);
}

/* ---- pages --------------------------------------------------------------------------- */

static size_t count_paged(const struct m4h_revocations *set, uint32_t page_size, bool banned_only)
{
    struct m4h_revocations_request request = {.page_size = page_size, .banned_only = banned_only};
    struct m4h_revocations *copy = set_of(1000);
    struct m4h_revoke page[10];
    size_t total = 0, count;

    do {
        count = m4h_revocations_page(set, &request, page, request.page_token);
        assert_true(count <= page_size);
        for (size_t i = 0; i < count; i++)
            assert_int_not_equal(merged(copy, page[i]), M4H_REVOCATIONS_KNOWN);
        total += count;
    } while (request.page_token[0] != '\0');
    if (!banned_only)
        assert_true(m4h_revocations_digest(copy) == m4h_revocations_digest(set));
    m4h_revocations_destroy(copy);
    return total;
}

static void pages_bring_each_once_whatever_their_size(void **state)
{
    struct m4h_revocations *set = set_of(1000);
    char longest[M4H_CLIENT_KEY_MAX + 1] = {0};

    (void)state;
    assert_int_equal(count_paged(set, 10, false), 0);
    for (unsigned i = 0; i < 95; i++) {
        char name[16];

        snprintf(name, sizeof(name), "SHA256:%u", i * 7919 % 95);
        merged(set, of_key(name, i + 1, i % 3 == 0));
    }
    memset(longest, 'z', M4H_CLIENT_KEY_MAX);
    merged(set, of_device(longest, 1, false));
    memset(longest, 'y', M4H_CLIENT_KEY_MAX);
    merged(set, of_device(longest, 1, true));
    for (uint32_t size = 1; size <= 10; size++) {
        assert_int_equal(count_paged(set, size, false), 97);
        assert_int_equal(count_paged(set, size, true), 33);
    }
    m4h_revocations_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_decided_until_the_stamp_is_void_and_later_decisions_stand),
        cmocka_unit_test(a_key_and_a_device_of_one_name_are_two_things),
        cmocka_unit_test(a_ban_holds_for_every_decision_until_it_is_lifted),
        cmocka_unit_test(a_fast_clock_here_gives_no_decision_a_way_out),
        cmocka_unit_test(a_decision_that_seems_later_but_did_not_know_is_unsure),
        cmocka_unit_test(what_names_nothing_or_two_things_or_no_time_is_refused),
        cmocka_unit_test(sets_are_the_same_in_whatever_order_and_how_often_they_were_told),
        cmocka_unit_test(the_digest_is_that_of_the_set_and_not_of_its_history),
        cmocka_unit_test(a_full_set_forgets_the_oldest_that_bans_nobody),
        cmocka_unit_test(where_all_ban_another_ban_is_refused_and_none_is_lost),
        cmocka_unit_test(pages_bring_each_once_whatever_their_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
