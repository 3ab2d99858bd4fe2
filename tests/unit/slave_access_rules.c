/* What an operator may reach by name, and what a port means. */
#include "services/slave/core/access_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_operator operator_with(const struct m4h_operator_rule *rules, uint8_t count)
{
    struct m4h_operator operator_ = {.name = "alice", .rule_count = count};

    memcpy(operator_.rules, rules, count * sizeof(*rules));
    return operator_;
}

static void without_rules_nothing_is_allowed(void **state)
{
    struct m4h_operator nobody = {.name = "alice"};

    (void)state;
    assert_false(m4h_access_allows(&nobody, "berlin-1", "", 22));
    assert_false(m4h_access_might_allow(&nobody, "berlin-1", 22));
}

static void an_empty_rule_allows_everything(void **state)
{
    struct m4h_operator_rule any = {.port_range_count = 0};
    struct m4h_operator operator_ = operator_with(&any, 1);

    (void)state;
    assert_true(m4h_access_allows(&operator_, "berlin-1", "", 22));
    assert_true(m4h_access_allows(&operator_, "a", "site=berlin", 65535));
}

static void all_that_a_rule_says_must_fit(void **state)
{
    const struct m4h_operator_rule rule = {
        .client_key_pattern = "berlin-*",
        .labels = "site=berlin",
        .ports = {{22, 22}, {8000, 8010}},
        .port_range_count = 2,
    };
    static const struct {
        const char *client_key, *labels;
        uint16_t port;
        bool allowed;
    } cases[] = {
        {"berlin-1", "site=berlin", 22, true},
        {"berlin-1", "os=linux,site=berlin", 8010, true},
        {"berlin-1", "site=berlin", 8011, false},
        {"berlin-1", "site=berlin", 7999, false},
        {"berlin-1", "site=berlin", 0, false},
        {"berlin-1", "site=paris", 22, false},
        {"berlin-1", "", 22, false},
        {"xberlin-1", "site=berlin", 22, false},
        {"Berlin-1", "site=berlin", 22, false},
    };
    struct m4h_operator operator_ = operator_with(&rule, 1);

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++)
        assert_int_equal(
            m4h_access_allows(&operator_, cases[i].client_key, cases[i].labels, cases[i].port),
            cases[i].allowed);
}

static void one_rule_that_fits_is_enough_and_two_halves_are_not(void **state)
{
    const struct m4h_operator_rule rules[] = {
        {.client_key_pattern = "berlin-*", .ports = {{22, 22}}, .port_range_count = 1},
        {.client_key_pattern = "paris-*", .ports = {{80, 80}}, .port_range_count = 1},
    };
    struct m4h_operator operator_ = operator_with(rules, 2);

    (void)state;
    assert_true(m4h_access_allows(&operator_, "berlin-1", "", 22));
    assert_true(m4h_access_allows(&operator_, "paris-1", "", 80));
    assert_false(m4h_access_allows(&operator_, "berlin-1", "", 80));
    assert_false(m4h_access_allows(&operator_, "paris-1", "", 22));
}

static void labels_that_are_not_known_yet_may_still_fit(void **state)
{
    const struct m4h_operator_rule rule = {.client_key_pattern = "berlin-*",
                                           .labels = "site=berlin"};
    struct m4h_operator operator_ = operator_with(&rule, 1);

    (void)state;
    assert_true(m4h_access_might_allow(&operator_, "berlin-1", 22));
    assert_false(m4h_access_allows(&operator_, "berlin-1", "", 22));
    assert_false(m4h_access_might_allow(&operator_, "paris-1", 22));
}

static void a_port_is_the_very_one_or_is_counted(void **state)
{
    const struct m4h_tunnel tunnel = {.ports = {20001, 2, 22}, .port_count = 3};
    static const struct {
        uint16_t asked, port;
    } cases[] = {
        {20001, 20001}, {2, 2}, {22, 22}, {1, 20001}, {3, 22}, {4, 0}, {0, 0}, {8, 0}, {20002, 0},
    };
    const struct m4h_tunnel usual = {.ports = {20001, 20002}, .port_count = 2};
    const struct m4h_tunnel none = {.port_count = 0};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++)
        assert_int_equal(m4h_access_port(&tunnel, cases[i].asked), cases[i].port);
    assert_int_equal(m4h_access_port(&usual, 22), 20001);
    assert_int_equal(m4h_access_port(&usual, 2), 20002);
    assert_int_equal(m4h_access_port(&none, 22), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_nothing_is_allowed),
        cmocka_unit_test(an_empty_rule_allows_everything),
        cmocka_unit_test(all_that_a_rule_says_must_fit),
        cmocka_unit_test(one_rule_that_fits_is_enough_and_two_halves_are_not),
        cmocka_unit_test(labels_that_are_not_known_yet_may_still_fit),
        cmocka_unit_test(a_port_is_the_very_one_or_is_counted),
    };

    return cmocka_run_group_tests_name("slave: access rules", tests, NULL, NULL);
}
