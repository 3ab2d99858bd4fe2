/* Operators and hops, by session. */
#include "lib/base/error.h"
#include "services/slave/core/visitors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct m4h_authorize_request request = {.key_fingerprint = "SHA256:abc",
                                                     .remote_address = "192.0.2.1:50022"};
static const struct m4h_authorize_reply operator_reply = {
    .allowed = true,
    .operator_ = {.name = "alice", .rule_count = 1, .channels_max = 7},
};
static const struct m4h_authorize_reply slave_reply = {.allowed = true, .slave_id = "slave-2"};
static const struct m4h_authorize_reply device_reply = {.allowed = true, .client_key = "berlin-1"};

static int begin(void **state)
{
    struct m4h_visitors *visitors;

    if (m4h_visitors_create(&visitors) != 0)
        return -1;
    *state = visitors;
    return 0;
}

static int end(void **state)
{
    m4h_visitors_destroy(*state);
    return 0;
}

static void a_reply_says_whether_a_visitor_is_meant(void **state)
{
    (void)state;
    assert_true(m4h_visitors_are_meant(&operator_reply));
    assert_true(m4h_visitors_are_meant(&slave_reply));
    assert_false(m4h_visitors_are_meant(&device_reply));
}

static void an_operator_has_its_rules_and_a_hop_has_none(void **state)
{
    const struct m4h_visitor *visitor;

    assert_int_equal(m4h_visitors_add(*state, 1, &request, &operator_reply, 5), 0);
    assert_int_equal(m4h_visitors_add(*state, 2, &request, &slave_reply, 6), 0);
    visitor = m4h_visitors_find(*state, 1);
    assert_string_equal(visitor->name, "alice");
    assert_string_equal(visitor->remote_address, "192.0.2.1:50022");
    assert_string_equal(visitor->key_fingerprint, "SHA256:abc");
    assert_false(visitor->is_hop);
    assert_int_equal(visitor->rules->channels_max, 7);
    assert_int_equal(visitor->since_ms, 5);
    visitor = m4h_visitors_find(*state, 2);
    assert_string_equal(visitor->name, "slave-2");
    assert_true(visitor->is_hop);
    assert_null(visitor->rules);
}

static void a_session_is_entered_once(void **state)
{
    assert_int_equal(m4h_visitors_add(*state, 1, &request, &operator_reply, 0), 0);
    assert_int_equal(m4h_visitors_add(*state, 1, &request, &slave_reply, 0), M4H_EEXIST);
    assert_string_equal(m4h_visitors_find(*state, 1)->name, "alice");
    assert_int_equal(m4h_visitors_count(*state), 1);
}

static void one_that_is_removed_is_not_found(void **state)
{
    assert_int_equal(m4h_visitors_add(*state, 1, &request, &operator_reply, 0), 0);
    assert_int_equal(m4h_visitors_add(*state, 2, &request, &operator_reply, 0), 0);
    m4h_visitors_remove(*state, m4h_visitors_find(*state, 1));
    assert_null(m4h_visitors_find(*state, 1));
    assert_non_null(m4h_visitors_find(*state, 2));
    assert_int_equal(m4h_visitors_count(*state), 1);
}

static void add_session(void *context, struct m4h_visitor *visitor)
{
    *(uint64_t *)context += visitor->session_id;
}

static void each_is_seen_once(void **state)
{
    uint64_t sum = 0;

    for (uint64_t id = 1; id <= 4; id++)
        assert_int_equal(m4h_visitors_add(*state, id, &request, &operator_reply, 0), 0);
    m4h_visitors_each(*state, add_session, &sum);
    assert_int_equal(sum, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_says_whether_a_visitor_is_meant),
        cmocka_unit_test_setup_teardown(an_operator_has_its_rules_and_a_hop_has_none, begin, end),
        cmocka_unit_test_setup_teardown(a_session_is_entered_once, begin, end),
        cmocka_unit_test_setup_teardown(one_that_is_removed_is_not_found, begin, end),
        cmocka_unit_test_setup_teardown(each_is_seen_once, begin, end),
    };

    return cmocka_run_group_tests_name("slave: visitors", tests, NULL, NULL);
}
