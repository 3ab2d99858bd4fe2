/* What becomes of a record that somebody wants changed, and which unknown keys may wait. */
#include "services/master/core/device_change.h"
#include "services/master/core/enrolment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FINGERPRINT "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct m4h_device_put put_of(const char *client_key)
{
    struct m4h_device_put put = {.device.state = M4H_DEVICE_ENABLED, .actor = "ann"};

    m4h_text_copy(put.device.key_fingerprint, sizeof(put.device.key_fingerprint), FINGERPRINT);
    m4h_text_copy(put.device.client_key, sizeof(put.device.client_key), client_key);
    return put;
}

static struct m4h_device_record there_is(enum m4h_device_state state)
{
    struct m4h_device_record there = {
        .state = state,
        .client_key = "old",
        .public_key = "key",
        .public_key_len = 3,
        .created_wall_ms = 5,
        .stamp = 50,
        .remote_address = "192.0.2.1:22",
        .username = "pi",
        .attempts = 9,
    };

    m4h_text_copy(there.key_fingerprint, sizeof(there.key_fingerprint), FINGERPRINT);
    return there;
}

static void a_new_record_begins_now_and_says_who_made_it(void **state)
{
    struct m4h_device_put put = put_of("a");
    struct m4h_device_record made;
    struct m4h_problem problem = {0};

    (void)state;
    assert_true(m4h_device_change_put(NULL, &put, 70, 1000, &made, &problem));
    assert_string_equal(made.client_key, "a");
    assert_string_equal(made.actor, "ann");
    assert_int_equal(made.stamp, 70);
    assert_int_equal(made.created_wall_ms, 1000);
    assert_int_equal(made.state, M4H_DEVICE_ENABLED);
}

static void a_device_without_a_name_has_its_fingerprint(void **state)
{
    struct m4h_device_put put = put_of("");
    struct m4h_device_record made;
    struct m4h_problem problem = {0};

    (void)state;
    assert_true(m4h_device_change_put(NULL, &put, 70, 1000, &made, &problem));
    assert_string_equal(made.client_key, FINGERPRINT);
    m4h_text_copy(put.device.operator_.name, sizeof(put.device.operator_.name), "bob");
    assert_true(m4h_device_change_put(NULL, &put, 70, 1000, &made, &problem));
    assert_string_equal(made.client_key, "");
}

static void a_changed_record_keeps_its_key_and_its_beginning(void **state)
{
    struct m4h_device_record there = there_is(M4H_DEVICE_ENABLED), made;
    struct m4h_device_put put = put_of("a");
    struct m4h_problem problem = {0};

    (void)state;
    assert_true(m4h_device_change_put(&there, &put, 70, 1000, &made, &problem));
    assert_int_equal(made.created_wall_ms, 5);
    assert_int_equal(made.public_key_len, 3);
    assert_memory_equal(made.public_key, "key", 3);
}

static void one_that_is_approved_begins_then_and_says_how_it_came(void **state)
{
    struct m4h_device_record there = there_is(M4H_DEVICE_PENDING), made;
    struct m4h_device_put put = put_of("a");
    struct m4h_problem problem = {0};

    (void)state;
    put.create_only = true;
    assert_true(m4h_device_change_put(&there, &put, 70, 1000, &made, &problem));
    assert_int_equal(made.created_wall_ms, 1000);
    assert_int_equal(made.public_key_len, 3);
    assert_string_equal(made.remote_address, "192.0.2.1:22");
    assert_string_equal(made.username, "pi");
    assert_int_equal(made.attempts, 9);
}

static void a_removed_one_leaves_nothing_to_its_successor(void **state)
{
    struct m4h_device_record there = there_is(M4H_DEVICE_REMOVED), made;
    struct m4h_device_put put = put_of("a");
    struct m4h_problem problem = {0};

    (void)state;
    put.create_only = true;
    assert_true(m4h_device_change_put(&there, &put, 70, 1000, &made, &problem));
    assert_int_equal(made.public_key_len, 0);
    assert_int_equal(made.created_wall_ms, 1000);
}

static void what_is_not_as_the_change_takes_it_is_a_conflict(void **state)
{
    struct m4h_device_record there = there_is(M4H_DEVICE_DISABLED), made;
    struct m4h_device_put put = put_of("a");
    struct m4h_problem problem = {0};

    (void)state;
    put.create_only = true;
    assert_false(m4h_device_change_put(&there, &put, 70, 1000, &made, &problem));
    assert_int_equal(problem.code, M4H_PROBLEM_CONFLICT);
    put.create_only = false;
    put.device.stamp = 49;
    assert_false(m4h_device_change_put(&there, &put, 70, 1000, &made, &problem));
    assert_int_equal(problem.code, M4H_PROBLEM_CONFLICT);
    assert_false(m4h_device_change_put(NULL, &put, 70, 1000, &made, &problem));
    put.device.stamp = 50;
    assert_true(m4h_device_change_put(&there, &put, 70, 1000, &made, &problem));
    assert_int_equal(made.stamp, 70);
}

static void nobody_puts_what_is_no_record(void **state)
{
    struct m4h_device_put put = put_of("a");
    struct m4h_device_record made;
    struct m4h_problem problem = {0};

    (void)state;
    put.device.state = M4H_DEVICE_PENDING;
    assert_false(m4h_device_change_put(NULL, &put, 70, 1000, &made, &problem));
    put.device.state = M4H_DEVICE_REMOVED;
    assert_false(m4h_device_change_put(NULL, &put, 70, 1000, &made, &problem));
    put = put_of("a");
    m4h_text_copy(put.device.operator_.name, sizeof(put.device.operator_.name), "bob");
    assert_false(m4h_device_change_put(NULL, &put, 70, 1000, &made, &problem));
    put = put_of("a");
    put.device.key_fingerprint[3] = '-';
    assert_false(m4h_device_change_put(NULL, &put, 70, 1000, &made, &problem));
    assert_int_equal(problem.code, M4H_PROBLEM_INVALID);
}

static void what_a_key_may_no_more_voids_what_was_decided(void **state)
{
    const struct m4h_device_record there = there_is(M4H_DEVICE_ENABLED);
    struct m4h_device_record now = there;

    (void)state;
    assert_null(m4h_device_change_voids(&there, &now));
    m4h_text_copy(now.labels, sizeof(now.labels), "site=berlin");
    assert_null(m4h_device_change_voids(&there, &now));
    now.state = M4H_DEVICE_DISABLED;
    assert_string_equal(m4h_device_change_voids(&there, &now), "its record was disabled");
    assert_null(m4h_device_change_voids(&now, &there)); /* it had nothing */
    m4h_device_change_remove(&there, "ann", 60, &now);
    assert_string_equal(m4h_device_change_voids(&there, &now), "its record was removed");
    now = there;
    m4h_text_copy(now.client_key, sizeof(now.client_key), "other");
    assert_string_equal(m4h_device_change_voids(&there, &now), "its client key was changed");
    now = there;
    now.expires_wall_ms = 100;
    assert_string_equal(m4h_device_change_voids(&there, &now), "it ends earlier");
    assert_null(m4h_device_change_voids(&now, &there));
}

static void other_rules_of_an_operator_void_what_was_decided(void **state)
{
    struct m4h_device_record there = there_is(M4H_DEVICE_ENABLED), now;

    (void)state;
    there.operator_ = (struct m4h_operator){
        .name = "bob",
        .rules = {{.client_key_pattern = "berlin-*", .ports = {{22, 22}}, .port_range_count = 1}},
        .rule_count = 1};
    now = there;
    now.operator_.rules[0].ports[1].first = 7; /* beyond what counts */
    assert_null(m4h_device_change_voids(&there, &now));
    now.operator_.rules[0].ports[0].last = 23;
    assert_string_equal(m4h_device_change_voids(&there, &now), "what it may reach was changed");
    now = there;
    now.operator_.rule_count = 0;
    assert_non_null(m4h_device_change_voids(&there, &now));
}

/* ---- enrolment ------------------------------------------------------------------- */

static enum m4h_enrolment_result decide(struct m4h_enrolment *enrolment,
                                        const struct m4h_registry_entry *there, size_t pending,
                                        const char *address, uint64_t now_ms)
{
    return m4h_enrolment_decide(enrolment, there, pending, 5, 2, address, now_ms, now_ms);
}

static void so_many_new_keys_of_one_source_wait_in_an_hour(void **state)
{
    struct m4h_enrolment *enrolment = calloc(1, sizeof(*enrolment));

    (void)state;
    assert_non_null(enrolment);
    assert_int_equal(decide(enrolment, NULL, 0, "192.0.2.1:1000", 0), M4H_ENROLMENT_QUEUE);
    assert_int_equal(decide(enrolment, NULL, 0, "192.0.2.1:1001", 10), M4H_ENROLMENT_QUEUE);
    assert_int_equal(decide(enrolment, NULL, 0, "192.0.2.1:1002", 20), M4H_ENROLMENT_LIMITED);
    assert_int_equal(decide(enrolment, NULL, 0, "192.0.2.77:1000", 20), M4H_ENROLMENT_QUEUE);
    assert_int_equal(decide(enrolment, NULL, 0, "[2001:db8::1]:5", 0), M4H_ENROLMENT_QUEUE);
    assert_int_equal(decide(enrolment, NULL, 0, "[2001:db8::2]:5", 0), M4H_ENROLMENT_QUEUE);
    assert_int_equal(decide(enrolment, NULL, 0, "[2001:db8::3]:5", 0), M4H_ENROLMENT_LIMITED);
    assert_int_equal(decide(enrolment, NULL, 0, "192.0.2.1:9", M4H_ENROLMENT_HOUR_MS),
                     M4H_ENROLMENT_QUEUE);
    free(enrolment);
}

static void nobody_waits_beyond_the_bound(void **state)
{
    struct m4h_enrolment *enrolment = calloc(1, sizeof(*enrolment));

    (void)state;
    assert_non_null(enrolment);
    assert_int_equal(decide(enrolment, NULL, 5, "192.0.2.1:1", 0), M4H_ENROLMENT_FULL);
    assert_int_equal(decide(enrolment, NULL, 4, "192.0.2.1:1", 0), M4H_ENROLMENT_QUEUE);
    free(enrolment);
}

static void one_that_waits_is_written_again_a_minute_later(void **state)
{
    struct m4h_enrolment *enrolment = calloc(1, sizeof(*enrolment));
    struct m4h_registry_entry there = {.state = M4H_DEVICE_PENDING, .stamp = 1000ull << 16};

    (void)state;
    assert_non_null(enrolment);
    assert_int_equal(decide(enrolment, &there, 1, "192.0.2.1:1", 60999), M4H_ENROLMENT_WAITS);
    assert_int_equal(decide(enrolment, &there, 1, "192.0.2.1:1", 61000), M4H_ENROLMENT_AGAIN);
    there.state = M4H_DEVICE_REMOVED;
    assert_int_equal(decide(enrolment, &there, 1, "192.0.2.1:1", 61000), M4H_ENROLMENT_REMOVED);
    free(enrolment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_record_begins_now_and_says_who_made_it),
        cmocka_unit_test(a_device_without_a_name_has_its_fingerprint),
        cmocka_unit_test(a_changed_record_keeps_its_key_and_its_beginning),
        cmocka_unit_test(one_that_is_approved_begins_then_and_says_how_it_came),
        cmocka_unit_test(a_removed_one_leaves_nothing_to_its_successor),
        cmocka_unit_test(what_is_not_as_the_change_takes_it_is_a_conflict),
        cmocka_unit_test(nobody_puts_what_is_no_record),
        cmocka_unit_test(what_a_key_may_no_more_voids_what_was_decided),
        cmocka_unit_test(other_rules_of_an_operator_void_what_was_decided),
        cmocka_unit_test(so_many_new_keys_of_one_source_wait_in_an_hour),
        cmocka_unit_test(nobody_waits_beyond_the_bound),
        cmocka_unit_test(one_that_waits_is_written_again_a_minute_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
