#include "lib/base/error.h"
#include "services/gateway/core/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_gateway_filter filter;
static struct m4h_problem problem;

static int start(void **state)
{
    (void)state;
    memset(&filter, 0, sizeof(filter));
    memset(&problem, 0, sizeof(problem));
    return 0;
}

static void add(const char *name, const char *value)
{
    assert_int_equal(m4h_gateway_filter_add(&filter, name, value, &problem), 0);
}

/* Whether an event passes; `client_key` where that type has one. */
static bool passes(enum m4h_event_type type, const char *region, const char *slave_id,
                   const char *client_key)
{
    struct m4h_event event = {.type = type};

    m4h_text_copy(event.region, sizeof(event.region), region);
    m4h_text_copy(event.slave_id, sizeof(event.slave_id), slave_id);
    if (type == M4H_EVENT_CONNECT)
        m4h_text_copy(event.as.connect.client_key, M4H_CLIENT_KEY_MAX + 1, client_key);
    else if (type == M4H_EVENT_DISCONNECT)
        m4h_text_copy(event.as.disconnect.client_key, M4H_CLIENT_KEY_MAX + 1, client_key);
    else if (type == M4H_EVENT_REFUSE)
        m4h_text_copy(event.as.refuse.client_key, M4H_CLIENT_KEY_MAX + 1, client_key);
    else if (type == M4H_EVENT_FLAPPING)
        m4h_text_copy(event.as.flapping.client_key, M4H_CLIENT_KEY_MAX + 1, client_key);
    return m4h_gateway_filter_passes(&filter, &event);
}

static void without_a_filter_all_pass_but_load(void **state)
{
    (void)state;
    for (unsigned type = 0; type < M4H_EVENT_TYPE_COUNT; type++)
        assert_int_equal(passes((enum m4h_event_type)type, "eu", "s1", "a"),
                         type != M4H_EVENT_LOAD);
}

static void types_are_exactly_those_that_are_named(void **state)
{
    (void)state;
    add("type", "load,drain");
    add("type", "stop");
    for (unsigned type = 0; type < M4H_EVENT_TYPE_COUNT; type++)
        assert_int_equal(passes((enum m4h_event_type)type, "eu", "s1", "a"),
                         type == M4H_EVENT_LOAD || type == M4H_EVENT_DRAIN ||
                             type == M4H_EVENT_STOP);
}

static void values_of_one_list_are_alternatives_and_the_lists_must_agree(void **state)
{
    (void)state;
    add("region", "eu,us");
    add("slave", "s1");
    add("slave", "s2");
    assert_true(passes(M4H_EVENT_START, "us", "s2", ""));
    assert_true(passes(M4H_EVENT_CONNECT, "eu", "s1", "a"));
    assert_false(passes(M4H_EVENT_START, "asia", "s1", ""));
    assert_false(passes(M4H_EVENT_START, "eu", "s3", ""));
}

static void a_client_key_is_taken_whole_and_leaves_out_what_names_no_device(void **state)
{
    (void)state;
    add("client_key", "a,b");
    add("client_key", "c");
    assert_true(passes(M4H_EVENT_CONNECT, "eu", "s1", "a,b"));
    assert_true(passes(M4H_EVENT_DISCONNECT, "eu", "s1", "c"));
    assert_true(passes(M4H_EVENT_REFUSE, "eu", "s1", "c"));
    assert_true(passes(M4H_EVENT_FLAPPING, "eu", "s1", "c"));
    assert_false(passes(M4H_EVENT_CONNECT, "eu", "s1", "a"));
    assert_false(passes(M4H_EVENT_REFUSE, "eu", "s1", ""));
    assert_false(passes(M4H_EVENT_START, "eu", "s1", ""));
}

static void what_is_no_value_is_a_problem_that_names_the_parameter(void **state)
{
    char long_id[200], too_many[100] = "s";
    const struct {
        const char *name, *value;
    } cases[] = {
        {"type", "birth"},    {"type", ""},       {"type", "connect,"}, {"type", "unknown"},
        {"region", "EU"},     {"slave", "a b"},   {"slave", ""},        {"slave", "a,,b"},
        {"slave", long_id},   {"client_key", ""}, {"client_key", " a"}, {"client_key", "a\n"},
        {"region", too_many},
    };

    (void)state;
    memset(long_id, 'a', sizeof(long_id) - 1);
    long_id[sizeof(long_id) - 1] = '\0';
    for (unsigned i = 0; i < M4H_GATEWAY_FILTER_VALUES_MAX; i++)
        memcpy(too_many + 1 + 2 * i, ",s", 3);
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        start(NULL);
        assert_int_equal(m4h_gateway_filter_add(&filter, cases[i].name, cases[i].value, &problem),
                         M4H_EINVALID);
        assert_int_equal(problem.code, M4H_PROBLEM_INVALID);
        assert_memory_equal(problem.detail, cases[i].name, strlen(cases[i].name));
    }
}

static void at_most_sixteen_client_keys_are_taken(void **state)
{
    char key[8];

    (void)state;
    for (unsigned i = 0; i < M4H_GATEWAY_FILTER_VALUES_MAX; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        add("client_key", key);
    }
    assert_int_equal(m4h_gateway_filter_add(&filter, "client_key", "more", &problem), M4H_EINVALID);
}

static void names_that_are_no_filter_are_ignored(void **state)
{
    (void)state;
    add("last_event_id", "7");
    assert_true(passes(M4H_EVENT_START, "eu", "s1", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_filter_all_pass_but_load, start),
        cmocka_unit_test_setup(types_are_exactly_those_that_are_named, start),
        cmocka_unit_test_setup(values_of_one_list_are_alternatives_and_the_lists_must_agree, start),
        cmocka_unit_test_setup(a_client_key_is_taken_whole_and_leaves_out_what_names_no_device,
                               start),
        cmocka_unit_test_setup(what_is_no_value_is_a_problem_that_names_the_parameter, start),
        cmocka_unit_test_setup(at_most_sixteen_client_keys_are_taken, start),
        cmocka_unit_test_setup(names_that_are_no_filter_are_ignored, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
