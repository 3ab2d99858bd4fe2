/* Kept verdicts: for which questions, for how long, and which go first. */
#include "services/master/core/verdicts.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_verdicts *verdicts;

static int begin(void **state)
{
    (void)state;
    return m4h_verdicts_create(&verdicts);
}

static int end(void **state)
{
    (void)state;
    m4h_verdicts_destroy(verdicts);
    return 0;
}

static struct m4h_likeness likeness_of(const char *key, const char *peer, const char *username,
                                       unsigned parts)
{
    struct m4h_authorize_request request = {.slave_id = "slave-1", .region = "eu"};
    struct m4h_likeness likeness;

    request.public_key_len = strlen(key);
    memcpy(request.public_key, key, request.public_key_len);
    m4h_text_copy(request.remote_address, sizeof(request.remote_address), peer);
    m4h_text_copy(request.username, sizeof(request.username), username);
    m4h_likeness_of(&likeness, &request, parts);
    return likeness;
}

static struct m4h_likeness of_key(const char *key)
{
    return likeness_of(key, "192.0.2.1:50022", "root", 0);
}

static void put(const char *key, const char *client_key, const char *says, size_t entries_max)
{
    struct m4h_likeness likeness = of_key(key);
    struct m4h_kept_verdict kept = {
        .key_fingerprint = key,
        .client_key = client_key,
        .packed = (const uint8_t *)says,
        .packed_len = strlen(says),
        .fresh_until_ms = 100,
        .kept_until_ms = 1000,
    };

    m4h_verdicts_put(verdicts, &likeness, &kept, entries_max);
}

static bool is_kept(const char *key, uint64_t now_ms)
{
    struct m4h_likeness likeness = of_key(key);
    struct m4h_kept_verdict kept;

    return m4h_verdicts_find(verdicts, &likeness, now_ms, &kept);
}

static bool is_alike(const struct m4h_likeness *a, const struct m4h_likeness *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static void a_question_is_like_another_where_all_that_counts_is_the_same(void **state)
{
    const unsigned address = M4H_LIKENESS_ADDRESS, username = M4H_LIKENESS_USERNAME;
    struct m4h_likeness first = likeness_of("k", "192.0.2.1:1", "root", address);
    struct m4h_likeness later = likeness_of("k", "192.0.2.1:2", "pi", address);
    struct m4h_likeness moved = likeness_of("k", "192.0.2.7:1", "root", address);
    struct m4h_likeness root = likeness_of("k", "192.0.2.1:1", "root", address | username);
    struct m4h_likeness pi = likeness_of("k", "192.0.2.1:2", "pi", address | username);
    struct m4h_likeness other = likeness_of("l", "192.0.2.1:1", "root", address);

    (void)state;
    assert_true(is_alike(&first, &later));
    assert_false(is_alike(&first, &moved));
    assert_false(is_alike(&root, &pi));
    assert_false(is_alike(&first, &other));
}

static void it_is_fresh_then_stale_then_gone(void **state)
{
    struct m4h_likeness likeness = of_key("a");
    struct m4h_kept_verdict kept;

    (void)state;
    put("a", "pump-1", "yes", 10);
    assert_true(m4h_verdicts_find(verdicts, &likeness, 99, &kept));
    assert_memory_equal(kept.packed, "yes", kept.packed_len);
    assert_int_equal(kept.fresh_until_ms, 100);
    assert_true(m4h_verdicts_find(verdicts, &likeness, 999, &kept));
    assert_false(m4h_verdicts_find(verdicts, &likeness, 1000, &kept));
    assert_int_equal(m4h_verdicts_count(verdicts), 0);
}

static void a_later_one_takes_its_place(void **state)
{
    struct m4h_likeness likeness = of_key("a");
    struct m4h_kept_verdict kept;

    (void)state;
    put("a", "pump-1", "yes", 10);
    put("a", "pump-1", "no", 10);
    assert_int_equal(m4h_verdicts_count(verdicts), 1);
    assert_true(m4h_verdicts_find(verdicts, &likeness, 0, &kept));
    assert_memory_equal(kept.packed, "no", kept.packed_len);
}

static void the_one_kept_longest_makes_room(void **state)
{
    (void)state;
    put("a", "1", "yes", 2);
    put("b", "2", "yes", 2);
    put("a", "1", "yes", 2);
    put("c", "3", "yes", 2);
    assert_true(is_kept("a", 0));
    assert_false(is_kept("b", 0));
    assert_true(is_kept("c", 0));
    put("d", "4", "yes", 0);
    assert_int_equal(m4h_verdicts_count(verdicts), 0);
}

static void what_was_said_of_a_key_or_a_device_is_forgotten(void **state)
{
    struct m4h_likeness elsewhere = likeness_of("a", "192.0.2.7:1", "root", M4H_LIKENESS_ADDRESS);
    struct m4h_kept_verdict kept = {
        .key_fingerprint = "a", .client_key = "pump-1", .kept_until_ms = 1000};

    (void)state;
    m4h_verdicts_put(verdicts, &elsewhere, &kept, 10);
    put("a", "pump-1", "yes", 10);
    put("b", "pump-2", "yes", 10);
    put("c", "pump-3", "yes", 10);
    m4h_verdicts_forget(verdicts, "a", "");
    assert_int_equal(m4h_verdicts_count(verdicts), 2);
    m4h_verdicts_forget(verdicts, "", "pump-2");
    assert_false(is_kept("b", 0));
    assert_true(is_kept("c", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_like_another_where_all_that_counts_is_the_same),
        cmocka_unit_test_setup_teardown(it_is_fresh_then_stale_then_gone, begin, end),
        cmocka_unit_test_setup_teardown(a_later_one_takes_its_place, begin, end),
        cmocka_unit_test_setup_teardown(the_one_kept_longest_makes_room, begin, end),
        cmocka_unit_test_setup_teardown(what_was_said_of_a_key_or_a_device_is_forgotten, begin,
                                        end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
