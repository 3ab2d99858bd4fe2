/* The walk along the validators: what their verdicts come to. */
#include "services/master/core/chain.h"

#include "lib/base/error.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_verdict verdict;

static struct m4h_chain_walk walk_of(size_t count)
{
    return (struct m4h_chain_walk){.count = count};
}

static bool heed(struct m4h_chain_walk *walk, enum m4h_verdict_kind kind, const char *detail,
                 enum m4h_on_failure on_failure)
{
    m4h_verdict_set(&verdict, kind, detail);
    return m4h_chain_heed(walk, "webhook", on_failure, &verdict);
}

static void the_first_that_knows_the_key_is_heeded(void **state)
{
    struct m4h_chain_walk walk = walk_of(3);

    (void)state;
    assert_false(heed(&walk, M4H_VERDICT_UNKNOWN, "", M4H_ON_FAILURE_CACHED));
    assert_int_equal(walk.at, 1);
    assert_true(heed(&walk, M4H_VERDICT_ALLOW, "", M4H_ON_FAILURE_CACHED));
    assert_true(verdict.reply.allowed);
    assert_string_equal(verdict.reply.validator, "webhook");
}

static void a_no_is_final(void **state)
{
    struct m4h_chain_walk walk = walk_of(2);

    (void)state;
    assert_true(heed(&walk, M4H_VERDICT_DENY, "stolen", M4H_ON_FAILURE_NEXT));
    assert_int_equal(verdict.kind, M4H_VERDICT_DENY);
    assert_false(verdict.reply.allowed);
    assert_string_equal(verdict.reply.detail, "stolen");
}

static void a_key_that_nobody_knows_is_refused(void **state)
{
    struct m4h_chain_walk walk = walk_of(2), alone = walk_of(1);

    (void)state;
    assert_false(heed(&walk, M4H_VERDICT_UNKNOWN, "not in the file", M4H_ON_FAILURE_CACHED));
    assert_true(heed(&walk, M4H_VERDICT_UNKNOWN, "", M4H_ON_FAILURE_CACHED));
    assert_int_equal(verdict.kind, M4H_VERDICT_DENY);
    assert_string_equal(verdict.reply.detail, "no validator knows the key");
    assert_string_equal(verdict.reply.validator, "");
    assert_true(heed(&alone, M4H_VERDICT_UNKNOWN, "not in the file", M4H_ON_FAILURE_CACHED));
    assert_string_equal(verdict.reply.detail, "not in the file");
}

static void a_failure_is_what_the_settings_make_of_it(void **state)
{
    struct m4h_chain_walk denying = walk_of(2), passing = walk_of(2), keeping = walk_of(2);

    (void)state;
    assert_true(heed(&denying, M4H_VERDICT_FAILED, "down", M4H_ON_FAILURE_DENY));
    assert_int_equal(verdict.kind, M4H_VERDICT_DENY);
    assert_string_equal(verdict.reply.detail, "webhook: down");
    assert_false(heed(&passing, M4H_VERDICT_FAILED, "down", M4H_ON_FAILURE_NEXT));
    assert_int_equal(passing.at, 1);
    assert_true(heed(&keeping, M4H_VERDICT_FAILED, "down", M4H_ON_FAILURE_CACHED));
    assert_int_equal(verdict.kind, M4H_VERDICT_FAILED);
    assert_false(verdict.reply.allowed);
}

static void what_is_connected_is_not_cut_because_a_validator_is_down(void **state)
{
    struct m4h_chain_walk walk = {.count = 1, .recheck = true};

    (void)state;
    assert_true(heed(&walk, M4H_VERDICT_FAILED, "down", M4H_ON_FAILURE_DENY));
    assert_int_equal(verdict.kind, M4H_VERDICT_FAILED);
}

static void what_is_connected_stays_where_only_one_that_is_down_may_know_it(void **state)
{
    struct m4h_chain_walk walk = walk_of(2);

    (void)state;
    walk.recheck = true;
    assert_false(heed(&walk, M4H_VERDICT_FAILED, "no answer in time", M4H_ON_FAILURE_NEXT));
    assert_true(heed(&walk, M4H_VERDICT_UNKNOWN, "", M4H_ON_FAILURE_CACHED));
    assert_int_equal(verdict.kind, M4H_VERDICT_FAILED);
    assert_false(verdict.reply.allowed);
    walk = walk_of(2);
    assert_false(heed(&walk, M4H_VERDICT_FAILED, "no answer in time", M4H_ON_FAILURE_NEXT));
    assert_true(heed(&walk, M4H_VERDICT_UNKNOWN, "", M4H_ON_FAILURE_CACHED));
    assert_int_equal(verdict.kind, M4H_VERDICT_DENY);
}

static void assert_unsound(void)
{
    struct m4h_chain_walk walk = walk_of(1);

    verdict.kind = M4H_VERDICT_ALLOW;
    assert_true(m4h_chain_heed(&walk, "webhook", M4H_ON_FAILURE_CACHED, &verdict));
    assert_int_equal(verdict.kind, M4H_VERDICT_FAILED);
    assert_false(verdict.reply.allowed);
}

static void a_yes_that_makes_no_sense_is_a_failure(void **state)
{
    (void)state;
    memset(&verdict, 0, sizeof(verdict));
    m4h_text_copy(verdict.reply.client_key, sizeof(verdict.reply.client_key), "line\nbreak");
    assert_unsound();
    memset(&verdict, 0, sizeof(verdict));
    m4h_text_copy(verdict.reply.client_key, sizeof(verdict.reply.client_key), "pump-1");
    m4h_text_copy(verdict.reply.operator_.name, sizeof(verdict.reply.operator_.name), "alice");
    assert_unsound();
    memset(&verdict, 0, sizeof(verdict));
    m4h_text_copy(verdict.reply.slave_id, sizeof(verdict.reply.slave_id), "slave-1");
    assert_unsound();
}

static void the_list_is_read_in_its_order(void **state)
{
    static const char *const known[] = {"authorized_keys", "webhook", "database", NULL};
    size_t places[M4H_CHAIN_NAMES_MAX], count;
    char wrong[80];

    (void)state;
    assert_int_equal(
        m4h_chain_parse("database, authorized_keys", known, places, &count, wrong, sizeof(wrong)),
        0);
    assert_int_equal(count, 2);
    assert_int_equal(places[0], 2);
    assert_int_equal(places[1], 0);
    assert_int_equal(m4h_chain_parse("web", known, places, &count, wrong, sizeof(wrong)),
                     M4H_EINVALID);
    assert_string_equal(wrong, "\"web\" is no validator");
    assert_int_equal(
        m4h_chain_parse("webhook,webhook", known, places, &count, wrong, sizeof(wrong)),
        M4H_EINVALID);
    assert_string_equal(wrong, "names webhook twice");
    assert_int_equal(m4h_chain_parse(" , ", known, places, &count, wrong, sizeof(wrong)),
                     M4H_EINVALID);
}

static void the_slowest_answer_counts_and_is_forgotten_little_by_little(void **state)
{
    uint32_t slowest_ms = 1000;

    (void)state;
    for (int i = 0; i < 16; i++)
        slowest_ms = m4h_chain_slowest_ms(slowest_ms, 50);
    assert_in_range(slowest_ms, 500, 700);
    for (int i = 0; i < 200; i++)
        slowest_ms = m4h_chain_slowest_ms(slowest_ms, 50);
    assert_int_equal(slowest_ms, 50);
    assert_int_equal(m4h_chain_slowest_ms(slowest_ms, 600), 600);
}

static void a_slave_waits_twice_as_long_and_no_longer_than_the_time_out(void **state)
{
    (void)state;
    assert_int_equal(m4h_chain_may_take_ms(0, 1000), 0);
    assert_int_equal(m4h_chain_may_take_ms(9, 1000), 0);
    assert_int_equal(m4h_chain_may_take_ms(300, 1000), 600);
    assert_int_equal(m4h_chain_may_take_ms(900, 1000), 1000);
    assert_int_equal(m4h_chain_may_take_ms(UINT32_MAX, 1000), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_knows_the_key_is_heeded),
        cmocka_unit_test(a_no_is_final),
        cmocka_unit_test(a_key_that_nobody_knows_is_refused),
        cmocka_unit_test(a_failure_is_what_the_settings_make_of_it),
        cmocka_unit_test(what_is_connected_is_not_cut_because_a_validator_is_down),
        cmocka_unit_test(what_is_connected_stays_where_only_one_that_is_down_may_know_it),
        cmocka_unit_test(a_yes_that_makes_no_sense_is_a_failure),
        cmocka_unit_test(the_list_is_read_in_its_order),
        cmocka_unit_test(the_slowest_answer_counts_and_is_forgotten_little_by_little),
        cmocka_unit_test(a_slave_waits_twice_as_long_and_no_longer_than_the_time_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
