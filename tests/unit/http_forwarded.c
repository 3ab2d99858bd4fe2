#include "lib/http/forwarded.h"

#include "lib/base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOBODY "the proxy itself"

static struct m4h_networks trusted;

static int set_up(void **state)
{
    (void)state;
    return m4h_networks_parse("10.0.0.0/8, 2001:db8:feed::/48", &trusted);
}

static int tear_down(void **state)
{
    (void)state;
    m4h_networks_free(&trusted);
    return 0;
}

/* Who 10.0.0.1 says it is, and whether to go on with the line before. */
static const char *client_of(enum m4h_http_forwarded_header header, const char *line, bool *goes_on)
{
    static char text[M4H_ADDRESS_TEXT_MAX];
    struct m4h_http_client client = {.port = 1};
    struct m4h_ip proxy;

    assert_int_equal(m4h_ip_parse("10.0.0.1", &client.ip), 0);
    proxy = client.ip;
    *goes_on = m4h_http_forwarded_read(header, &trusted, line, &client);
    if (m4h_ip_equals(&proxy, &client.ip))
        return NOBODY;
    return m4h_ip_peer_text(&client.ip, client.port, text);
}

struct row {
    const char *line;
    const char *client;
    bool goes_on;
};

static void check(enum m4h_http_forwarded_header header, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool goes_on;
        const char *client = client_of(header, rows[i].line, &goes_on);

        if (strcmp(client, rows[i].client) != 0 || goes_on != rows[i].goes_on)
            fail_msg("%s: %s, goes on %d", rows[i].line, client, goes_on);
    }
}

static void the_last_address_that_is_no_trusted_proxy_is_the_client(void **state)
{
    static const struct row rows[] = {
        {"192.0.2.7", "192.0.2.7:0", false},
        {"192.0.2.7:4711", "192.0.2.7:4711", false},
        {" 192.0.2.7 ", "192.0.2.7:0", false},
        {"2001:db8::7", "[2001:db8::7]:0", false},
        {"[2001:db8::7]", "[2001:db8::7]:0", false},
        {"[2001:db8::7]:4711", "[2001:db8::7]:4711", false},
        {"::ffff:192.0.2.7", "192.0.2.7:0", false},
        {"203.0.113.66, 192.0.2.7", "192.0.2.7:0", false},
        {"203.0.113.66, 192.0.2.7, 10.0.0.9", "192.0.2.7:0", false},
        {"192.0.2.7,10.0.0.9,2001:db8:feed::9", "192.0.2.7:0", false},
        {"192.0.2.7,, ,10.0.0.9,", "192.0.2.7:0", false},
    };

    (void)state;
    check(M4H_HTTP_X_FORWARDED_FOR, rows, M4H_COUNT(rows));
}

static void what_trusted_proxies_say_of_each_other_leads_to_the_line_before(void **state)
{
    static const struct row rows[] = {
        {"", NOBODY, true},
        {" , ", NOBODY, true},
        {"10.0.0.9", "10.0.0.9:0", true},
        {"10.0.0.8, 10.0.0.9", "10.0.0.8:0", true},
    };

    (void)state;
    check(M4H_HTTP_X_FORWARDED_FOR, rows, M4H_COUNT(rows));
}

static void what_is_no_address_ends_the_search(void **state)
{
    static const struct row rows[] = {
        {"unknown", NOBODY, false},
        {"192.0.2.7, unknown", NOBODY, false},
        {"192.0.2.7, _hidden, 10.0.0.9", "10.0.0.9:0", false},
        {"192.0.2.7.example", NOBODY, false},
        {"[2001:db8::7", NOBODY, false},
        {"[2001:db8::7]4711", NOBODY, false},
        {"192.0.2.7 192.0.2.8", NOBODY, false},
        {"1111:2222:3333:4444:5555:6666:255.255.255.255:1111:2222:3333:4444", NOBODY, false},
        {"192.0.2.7:99999", "192.0.2.7:0", false},
        {"192.0.2.7:_p", "192.0.2.7:0", false},
    };

    (void)state;
    check(M4H_HTTP_X_FORWARDED_FOR, rows, M4H_COUNT(rows));
}

static void forwarded_is_read_by_its_rfc(void **state)
{
    static const struct row rows[] = {
        {"for=192.0.2.7", "192.0.2.7:0", false},
        {"For=\"192.0.2.7:4711\"", "192.0.2.7:4711", false},
        {"for=\"[2001:db8::7]:4711\"", "[2001:db8::7]:4711", false},
        {"proto=https; for=192.0.2.7 ;by=10.0.0.1", "192.0.2.7:0", false},
        {"for=203.0.113.66, for=192.0.2.7;proto=http, for=\"[2001:db8:feed::9]\"", "192.0.2.7:0",
         false},
        {"for=192.0.2.7;by=\"a,b;for=203.0.113.66\"", "192.0.2.7:0", false},
        {"for=unknown", NOBODY, false},
        {"for=_gazonk", NOBODY, false},
        {"proto=https", NOBODY, false},
        {"for=", NOBODY, false},
        {"for", NOBODY, false},
        {"192.0.2.7", NOBODY, false},
        {"fore=192.0.2.7", NOBODY, false},
        {"for=10.0.0.9", "10.0.0.9:0", true},
    };

    (void)state;
    check(M4H_HTTP_FORWARDED, rows, M4H_COUNT(rows));
}

static void nothing_that_a_client_wrote_reaches_what_a_proxy_added(void **state)
{
    static const struct row rows[] = {
        {"for=\"203.0.113.66, for=192.0.2.7", "192.0.2.7:0", false},
        {"for=\"203.0.113.66, for=\"[2001:db8::7]:1\"", "[2001:db8::7]:1", false},
        {"for=203.0.113.66\\\", for=\"192.0.2.7\"", "192.0.2.7:0", false},
        {"for=203.0.113.66;x=\";\", for=\"192.0.2.7\"", "192.0.2.7:0", false},
    };

    (void)state;
    check(M4H_HTTP_FORWARDED, rows, M4H_COUNT(rows));
}

static void tls_is_what_the_proxy_next_to_the_client_says(void **state)
{
    static const struct {
        const char *line;
        bool is_encrypted;
    } rows[] = {
        {"for=192.0.2.7;proto=https", true},
        {"for=192.0.2.7;proto=\"HTTPS\"", true},
        {"for=192.0.2.7;proto=http", false},
        {"for=192.0.2.7", false},
        {"for=192.0.2.7;proto=https, for=10.0.0.9;proto=http", true},
        {"for=203.0.113.66;proto=https, for=192.0.2.7;proto=http", false},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(rows); i++) {
        struct m4h_http_client client = {.is_encrypted = !rows[i].is_encrypted};

        assert_false(m4h_http_forwarded_read(M4H_HTTP_FORWARDED, &trusted, rows[i].line, &client));
        assert_int_equal(client.is_encrypted, rows[i].is_encrypted);
    }
    assert_true(m4h_http_forwarded_proto_is_https("https"));
    assert_true(m4h_http_forwarded_proto_is_https("http, HTTPS "));
    assert_false(m4h_http_forwarded_proto_is_https("https, http"));
    assert_false(m4h_http_forwarded_proto_is_https("httpsx"));
    assert_false(m4h_http_forwarded_proto_is_https(""));
    assert_false(m4h_http_forwarded_proto_is_https(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_address_that_is_no_trusted_proxy_is_the_client),
        cmocka_unit_test(what_trusted_proxies_say_of_each_other_leads_to_the_line_before),
        cmocka_unit_test(what_is_no_address_ends_the_search),
        cmocka_unit_test(forwarded_is_read_by_its_rfc),
        cmocka_unit_test(nothing_that_a_client_wrote_reaches_what_a_proxy_added),
        cmocka_unit_test(tls_is_what_the_proxy_next_to_the_client_says),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
