/* Who may come to a device. */
#include "lib/base/error.h"
#include "services/slave/core/operators.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct m4h_networks anywhere;

static struct m4h_ip ip_of(const char *text)
{
    struct m4h_ip ip;

    assert_int_equal(m4h_ip_parse(text, &ip), 0);
    return ip;
}

static void expect(const struct m4h_operator_rules *rules, const char *from, uint32_t channels,
                   enum m4h_operator_verdict verdict)
{
    struct m4h_ip ip = ip_of(from);

    assert_int_equal(m4h_operator_judge(rules, &ip, channels), verdict);
}

static void without_rules_everybody_may_come(void **state)
{
    struct m4h_operator_rules rules = {.networks = &anywhere, .device_networks = &anywhere};

    (void)state;
    expect(&rules, "192.0.2.1", 0, M4H_OPERATOR_ADMITTED);
    expect(&rules, "2001:db8::1", 1000000, M4H_OPERATOR_ADMITTED);
    assert_int_equal(m4h_operator_judge(&rules, NULL, 0), M4H_OPERATOR_ADMITTED);
}

static void an_operator_must_come_from_a_network_that_both_lists_hold(void **state)
{
    struct m4h_networks everywhere, device;
    struct m4h_operator_rules rules = {.networks = &everywhere, .device_networks = &device};

    (void)state;
    assert_int_equal(m4h_networks_parse("10.0.0.0/8,2001:db8::/32", &everywhere), 0);
    assert_int_equal(m4h_networks_parse("10.1.0.0/16,192.0.2.0/24", &device), 0);
    expect(&rules, "10.1.2.3", 0, M4H_OPERATOR_ADMITTED);
    expect(&rules, "10.2.2.3", 0, M4H_OPERATOR_FOREIGN);
    expect(&rules, "192.0.2.1", 0, M4H_OPERATOR_FOREIGN); /* a device cannot widen it */
    expect(&rules, "2001:db8::1", 0, M4H_OPERATOR_FOREIGN);
    rules.device_networks = &anywhere;
    expect(&rules, "2001:db8::1", 0, M4H_OPERATOR_ADMITTED);
    rules.networks = &anywhere;
    rules.device_networks = &device;
    expect(&rules, "192.0.2.1", 0, M4H_OPERATOR_ADMITTED);
    m4h_networks_free(&everywhere);
    m4h_networks_free(&device);
}

static void one_whose_address_is_not_known_comes_only_where_all_may(void **state)
{
    struct m4h_networks list;
    struct m4h_operator_rules rules = {.networks = &anywhere, .device_networks = &list};

    (void)state;
    assert_int_equal(m4h_networks_parse("::/0", &list), 0);
    assert_int_equal(m4h_operator_judge(&rules, NULL, 0), M4H_OPERATOR_FOREIGN);
    m4h_networks_free(&list);
}

static void a_device_has_no_more_connections_than_it_may(void **state)
{
    struct m4h_operator_rules rules = {.networks = &anywhere, .channels_max = 3};

    (void)state;
    expect(&rules, "192.0.2.1", 2, M4H_OPERATOR_ADMITTED);
    expect(&rules, "192.0.2.1", 3, M4H_OPERATOR_SURPLUS);
    expect(&rules, "192.0.2.1", 4, M4H_OPERATOR_SURPLUS);
}

static void what_a_master_says_of_a_device_goes_before_the_settings(void **state)
{
    const struct m4h_operator_rules settings = {
        .networks = &anywhere, .channels_max = 10, .idle_ms = 20, .bytes_per_second = 30000};
    const struct m4h_device_limits none = {0};
    const struct m4h_device_limits some = {
        .channels_max = 1, .idle_ms = 2, .bytes_per_second = 1u << 20};
    struct m4h_operator_rules rules;

    (void)state;
    rules = m4h_operator_rules_of(&settings, NULL, &anywhere);
    assert_int_equal(rules.channels_max, 10);
    rules = m4h_operator_rules_of(&settings, &none, &anywhere);
    assert_int_equal(rules.channels_max, 10);
    assert_int_equal(rules.idle_ms, 20);
    assert_int_equal(rules.bytes_per_second, 30000);
    rules = m4h_operator_rules_of(&settings, &some, &anywhere);
    assert_int_equal(rules.channels_max, 1);
    assert_int_equal(rules.idle_ms, 2);
    assert_int_equal(rules.bytes_per_second, 1u << 20);
    assert_ptr_equal(rules.networks, &anywhere);
}

/* A device whose bytes are held back for a minute would be taken for dead. */
static void no_bandwidth_is_so_small_that_signs_of_life_do_not_get_through(void **state)
{
    struct m4h_operator_rules settings = {.bytes_per_second = 1};

    (void)state;
    assert_int_equal(m4h_operator_rules_of(&settings, NULL, NULL).bytes_per_second,
                     M4H_OPERATOR_RATE_MIN);
    settings.bytes_per_second = 0;
    assert_int_equal(m4h_operator_rules_of(&settings, NULL, NULL).bytes_per_second, 0);
}

static void a_list_that_cannot_be_read_lets_nobody_in_by_mistake(void **state)
{
    struct m4h_device_limits limits = {.operator_network_count = 2};
    struct m4h_networks networks;

    (void)state;
    m4h_text_copy(limits.operator_networks[0], M4H_NETWORK_TEXT_MAX, "10.0.0.0/8");
    m4h_text_copy(limits.operator_networks[1], M4H_NETWORK_TEXT_MAX, "10.0.0.0/99");
    assert_int_equal(m4h_operator_networks_read(&limits, &networks), M4H_EINVALID);
    assert_int_equal(networks.count, 0);
    m4h_text_copy(limits.operator_networks[1], M4H_NETWORK_TEXT_MAX, "192.0.2.7");
    assert_int_equal(m4h_operator_networks_read(&limits, &networks), 0);
    assert_int_equal(networks.count, 2);
    m4h_networks_free(&networks);
    assert_int_equal(m4h_operator_networks_read(NULL, &networks), 0);
    assert_int_equal(networks.count, 0);
}

static void each_verdict_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(m4h_operator_verdict_name(M4H_OPERATOR_FOREIGN), "network");
    assert_string_equal(m4h_operator_verdict_name(M4H_OPERATOR_SURPLUS), "channels_max");
    assert_string_equal(m4h_operator_verdict_name(M4H_OPERATOR_HOMELESS), "files");
    assert_string_equal(m4h_operator_verdict_name(M4H_OPERATOR_VERDICT_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_everybody_may_come),
        cmocka_unit_test(an_operator_must_come_from_a_network_that_both_lists_hold),
        cmocka_unit_test(one_whose_address_is_not_known_comes_only_where_all_may),
        cmocka_unit_test(a_device_has_no_more_connections_than_it_may),
        cmocka_unit_test(what_a_master_says_of_a_device_goes_before_the_settings),
        cmocka_unit_test(no_bandwidth_is_so_small_that_signs_of_life_do_not_get_through),
        cmocka_unit_test(a_list_that_cannot_be_read_lets_nobody_in_by_mistake),
        cmocka_unit_test(each_verdict_has_its_name),
    };

    return cmocka_run_group_tests_name("slave: operators", tests, NULL, NULL);
}
