/* lib/base/network: addresses, networks, lists of them, and prefixes. */
#include "lib/base/network.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct m4h_ip ip_of(const char *text)
{
    struct m4h_ip ip;

    if (m4h_ip_parse(text, &ip) != 0)
        fail_msg("%s was refused", text);
    return ip;
}

static void assert_ip_text(const char *text, const char *expected)
{
    struct m4h_ip ip = ip_of(text);
    char back[M4H_IP_TEXT_MAX];

    assert_string_equal(m4h_ip_text(&ip, back), expected);
}

static void an_address_is_read_and_written(void **state)
{
    (void)state;
    assert_ip_text("192.0.2.1", "192.0.2.1");
    assert_ip_text("2001:DB8:0:0::1", "2001:db8::1");
    assert_ip_text("::1", "::1");
    assert_ip_text("::ffff:192.0.2.1", "192.0.2.1");
    assert_ip_text("1111:2222:3333:4444:5555:6666:7777:8888",
                   "1111:2222:3333:4444:5555:6666:7777:8888");
}

static void ipv4_is_held_as_mapped_ipv6(void **state)
{
    const uint8_t expected[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};
    struct m4h_ip ip = ip_of("192.0.2.1");
    struct m4h_ip other = ip_of("::1");

    (void)state;
    assert_memory_equal(ip.bytes, expected, sizeof(expected));
    assert_true(m4h_ip_is_v4(&ip));
    assert_false(m4h_ip_is_v4(&other));
    assert_false(m4h_ip_equals(&ip, &other));
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",           "1.2.3",     "1.2.3.256", "1.2.3.4.5", " 1.2.3.4",
        "1.2.3.4 ",   "01.2.3.4",  "host",      ":::",       "[::1]",
        "::1%eth0",   "1.2.3.4/8", "1.2.3.4:5", "fffff::",   "::1:2:3:4:5:6:7:8:9",
        "0x7f000001",
    };
    struct m4h_ip ip;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++)
        if (m4h_ip_parse(wrong[i], &ip) != M4H_EINVALID)
            fail_msg("%s was taken", wrong[i]);
}

static void the_address_of_a_peer_is_read(void **state)
{
    struct m4h_ip v4 = ip_of("192.0.2.1");
    struct m4h_ip v6 = ip_of("2001:db8::1");
    struct m4h_ip ip;

    (void)state;
    assert_int_equal(m4h_ip_parse_peer("192.0.2.1:50022", &ip), 0);
    assert_true(m4h_ip_equals(&ip, &v4));
    assert_int_equal(m4h_ip_parse_peer("[2001:db8::1]:50022", &ip), 0);
    assert_true(m4h_ip_equals(&ip, &v6));
    assert_int_equal(m4h_ip_parse_peer("unknown", &ip), M4H_EINVALID);
    assert_int_equal(m4h_ip_parse_peer("host:22", &ip), M4H_EINVALID);
    assert_int_equal(m4h_ip_parse_peer("192.0.2.1", &ip), M4H_EINVALID);
}

static void a_peer_is_written_as_it_is_read(void **state)
{
    struct m4h_ip v4 = ip_of("192.0.2.1");
    struct m4h_ip v6 = ip_of("1111:2222:3333:4444:5555:6666:7777:8888");
    char text[M4H_ADDRESS_TEXT_MAX];

    (void)state;
    assert_string_equal(m4h_ip_peer_text(&v4, 50022, text), "192.0.2.1:50022");
    assert_string_equal(m4h_ip_peer_text(&v6, 65535, text),
                        "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

static void a_network_holds_its_addresses_and_no_others(void **state)
{
    static const struct {
        const char *network;
        const char *ip;
        bool inside;
    } rows[] = {
        {"10.0.0.0/8", "10.0.0.0", true},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.6/31", "192.0.2.7", true},
        {"192.0.2.6/31", "192.0.2.8", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1/32", "192.0.2.0", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "203.0.113.9", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"::1/128", "::2", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"::ffff:10.0.0.0/104", "10.1.1.1", true},
        {"::ffff:10.0.0.0/104", "11.1.1.1", false},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(rows); i++) {
        struct m4h_network network;
        struct m4h_ip ip = ip_of(rows[i].ip);

        if (m4h_network_parse(rows[i].network, &network) != 0)
            fail_msg("%s was refused", rows[i].network);
        if (m4h_network_contains(&network, &ip) != rows[i].inside)
            fail_msg("%s in %s", rows[i].ip, rows[i].network);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8 ",
        "10.0.0.0/ 8",
        "10.0.0.0/8/8",
        "10.0.0.1/8",
        "::/129",
        "::1/127",
        "10/8",
        "10.0.0.0/0008",
        "10.0.0.0/1000",
        "host/8",
        "2001:db8::1/64",
        "10.0.0.0/8,",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333/8",
    };
    struct m4h_network network;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++)
        if (m4h_network_parse(wrong[i], &network) != M4H_EINVALID)
            fail_msg("%s was taken", wrong[i]);
}

static void a_list_holds_what_one_of_its_networks_holds(void **state)
{
    struct m4h_networks networks;
    struct m4h_ip first = ip_of("10.1.2.3");
    struct m4h_ip last = ip_of("2001:db8::1");
    struct m4h_ip none = ip_of("192.0.2.1");

    (void)state;
    assert_int_equal(m4h_networks_parse("10.0.0.0/8, ::1 ,2001:db8::/32", &networks), 0);
    assert_int_equal(networks.count, 3);
    assert_true(m4h_networks_contain(&networks, &first));
    assert_true(m4h_networks_contain(&networks, &last));
    assert_false(m4h_networks_contain(&networks, &none));
    m4h_networks_free(&networks);
    assert_int_equal(networks.count, 0);
    assert_false(m4h_networks_contain(&networks, &first));
}

static void an_empty_list_holds_nothing(void **state)
{
    struct m4h_networks networks;
    struct m4h_ip ip = ip_of("10.1.2.3");

    (void)state;
    assert_int_equal(m4h_networks_parse("", &networks), 0);
    assert_int_equal(networks.count, 0);
    assert_int_equal(m4h_networks_parse("  ", &networks), 0);
    assert_false(m4h_networks_contain(&networks, &ip));
    m4h_networks_free(&networks);
}

static void a_list_with_one_wrong_network_is_refused(void **state)
{
    static const char *const wrong[] = {
        ",", "10.0.0.0/8,", ",10.0.0.0/8", "10.0.0.0/8,,::1", "10.0.0.0/8 ::1", "10.0.0.0/8,any",
    };
    struct m4h_networks networks;

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        if (m4h_networks_parse(wrong[i], &networks) != M4H_EINVALID)
            fail_msg("%s was taken", wrong[i]);
        assert_null(networks.list);
        assert_int_equal(networks.count, 0);
    }
}

static void a_list_has_a_bound(void **state)
{
    char text[(M4H_NETWORKS_MAX + 1) * 4 + 1] = "";
    struct m4h_networks networks;

    (void)state;
    for (size_t i = 0; i <= M4H_NETWORKS_MAX; i++)
        memcpy(text + i * 4, "::1,", 5);
    text[M4H_NETWORKS_MAX * 4 - 1] = '\0';
    assert_int_equal(m4h_networks_parse(text, &networks), 0);
    assert_int_equal(networks.count, M4H_NETWORKS_MAX);
    m4h_networks_free(&networks);
    text[M4H_NETWORKS_MAX * 4 - 1] = ',';
    text[sizeof(text) - 2] = '\0';
    assert_int_equal(m4h_networks_parse(text, &networks), M4H_ETOOBIG);
    assert_null(networks.list);
}

static void assert_prefix(const char *text, uint8_t v4_bits, uint8_t v6_bits, const char *expected)
{
    struct m4h_ip ip = ip_of(text);
    struct m4h_ip prefix = m4h_ip_prefix(&ip, v4_bits, v6_bits);
    char back[M4H_IP_TEXT_MAX];

    assert_string_equal(m4h_ip_text(&prefix, back), expected);
}

static void a_prefix_stands_for_a_source(void **state)
{
    (void)state;
    assert_prefix("192.0.2.77", 32, 64, "192.0.2.77");
    assert_prefix("192.0.2.77", 24, 64, "192.0.2.0");
    assert_prefix("192.0.2.77", 27, 64, "192.0.2.64");
    assert_prefix("192.0.2.77", 0, 64, "0.0.0.0");
    assert_prefix("2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::");
    assert_prefix("2001:db8:1:2:3:4:5:6", 32, 47, "2001:db8::");
    assert_prefix("2001:db8:1:2:3:4:5:6", 32, 128, "2001:db8:1:2:3:4:5:6");
    assert_prefix("2001:db8:1:2:3:4:5:6", 32, 0, "::");
    assert_prefix("192.0.2.77", 200, 64, "192.0.2.77");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_read_and_written),
        cmocka_unit_test(ipv4_is_held_as_mapped_ipv6),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(the_address_of_a_peer_is_read),
        cmocka_unit_test(a_peer_is_written_as_it_is_read),
        cmocka_unit_test(a_network_holds_its_addresses_and_no_others),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(a_list_holds_what_one_of_its_networks_holds),
        cmocka_unit_test(an_empty_list_holds_nothing),
        cmocka_unit_test(a_list_with_one_wrong_network_is_refused),
        cmocka_unit_test(a_list_has_a_bound),
        cmocka_unit_test(a_prefix_stands_for_a_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
