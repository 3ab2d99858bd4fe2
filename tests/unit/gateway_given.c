#include "lib/base/attributes.h"
#include "services/gateway/core/given.h"
#include "services/gateway/core/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct m4h_gateway_given given;
static char ids[M4H_GATEWAY_GIVEN_MAX][M4H_REQUEST_ID_MAX + 1];

static int stop(void **state)
{
    (void)state;
    m4h_gateway_given_free(&given);
    return 0;
}

static void a_slaves_slots_are_taken_once_and_the_others_stay(void **state)
{
    (void)state;
    m4h_gateway_given_add(&given, "s1", "a");
    m4h_gateway_given_add(&given, "s2", "b");
    m4h_gateway_given_add(&given, "s1", "c");
    assert_int_equal(m4h_gateway_given_take(&given, "s1", ids), 2);
    assert_string_equal(ids[0], "a");
    assert_string_equal(ids[1], "c");
    assert_int_equal(m4h_gateway_given_take(&given, "s1", ids), 0);
    assert_int_equal(m4h_gateway_given_take(&given, "s2", ids), 1);
}

static void the_oldest_are_forgotten(void **state)
{
    char id[8];

    (void)state;
    for (unsigned i = 0; i < M4H_GATEWAY_GIVEN_MAX + 3; i++) {
        snprintf(id, sizeof(id), "%u", i);
        m4h_gateway_given_add(&given, "s1", id);
    }
    assert_int_equal(m4h_gateway_given_take(&given, "s1", ids), M4H_GATEWAY_GIVEN_MAX);
    assert_string_equal(ids[0], "3");
}

static void a_drain_is_known_by_its_subject(void **state)
{
    static const char *const others[] = {
        "mas4h.v1.events.eu.s1.load", "mas4h.v1.events.eu.drain",   "mas4h.v1.slave.s1.drain",
        "mas4h.v1.events.eu..drain",  "mas4h.v1.events.eu.S.drain", "drain",
        "mas4h.v1.events..drain",     "mas4h.v1.events.drain",      "mas4h.v1.events.eu.a.b.drain"};
    char slave_id[M4H_ID_MAX + 1];

    (void)state;
    assert_true(m4h_gateway_drain_subject_parse("mas4h.v1.events.eu.s1.drain", slave_id));
    assert_string_equal(slave_id, "s1");
    for (size_t i = 0; i < M4H_COUNT(others); i++)
        assert_false(m4h_gateway_drain_subject_parse(others[i], slave_id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_slaves_slots_are_taken_once_and_the_others_stay, stop),
        cmocka_unit_test_teardown(the_oldest_are_forgotten, stop),
        cmocka_unit_test(a_drain_is_known_by_its_subject),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
