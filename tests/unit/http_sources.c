#include "lib/http/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct m4h_ip ip_of(const char *text)
{
    struct m4h_ip ip;

    assert_int_equal(m4h_ip_parse(text, &ip), 0);
    return ip;
}

static void a_source_is_an_address_or_a_network_of_ipv6(void **state)
{
    static const struct {
        const char *one, *other;
        bool are_same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8::1", "2001:db8::ffff:1", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct m4h_http_sources sources = {.max = 1};
        struct m4h_ip one = ip_of(cases[i].one), other = ip_of(cases[i].other);
        struct m4h_http_source *source = m4h_http_sources_enter(&sources, &one);

        assert_non_null(source);
        assert_int_equal(m4h_http_sources_have_room(&sources, &other), !cases[i].are_same);
        m4h_http_sources_leave(&sources, source);
        assert_true(m4h_http_sources_have_room(&sources, &other));
        assert_null(sources.table);
    }
}

static void who_leaves_makes_room_for_one(void **state)
{
    struct m4h_http_sources sources = {.max = 2};
    struct m4h_ip ip = ip_of("192.0.2.1");
    struct m4h_http_source *source = m4h_http_sources_enter(&sources, &ip);

    (void)state;
    assert_true(m4h_http_sources_have_room(&sources, &ip));
    assert_ptr_equal(m4h_http_sources_enter(&sources, &ip), source);
    assert_false(m4h_http_sources_have_room(&sources, &ip));
    m4h_http_sources_leave(&sources, source);
    assert_true(m4h_http_sources_have_room(&sources, &ip));
    m4h_http_sources_leave(&sources, source);
    assert_null(sources.table);
}

static void without_a_bound_nothing_is_counted(void **state)
{
    struct m4h_http_sources sources = {.max = 0};
    struct m4h_ip ip = ip_of("192.0.2.1");

    (void)state;
    assert_null(m4h_http_sources_enter(&sources, &ip));
    assert_true(m4h_http_sources_have_room(&sources, &ip));
    m4h_http_sources_leave(&sources, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_an_address_or_a_network_of_ipv6),
        cmocka_unit_test(who_leaves_makes_room_for_one),
        cmocka_unit_test(without_a_bound_nothing_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
