/* lib/base/address: what is an address and what is not. */
#include "lib/base/address.h"

#include "lib/base/error.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_parses(const char *text, const char *host, uint16_t port)
{
    struct m4h_address address;

    if (m4h_address_parse(text, &address) != 0)
        fail_msg("%s was refused", text);
    assert_string_equal(address.host, host);
    assert_int_equal(address.port, port);
}

static void hosts_and_ports_are_told_apart(void **state)
{
    (void)state;
    assert_parses("192.0.2.1:22", "192.0.2.1", 22);
    assert_parses("bouncer.example:2222", "bouncer.example", 2222);
    assert_parses("[2001:db8::1]:65535", "2001:db8::1", 65535);
    assert_parses("[fe80::1%eth0]:22", "fe80::1%eth0", 22);
    assert_parses("127.0.0.1:0", "127.0.0.1", 0);
    assert_parses(":80", "0.0.0.0", 80);
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",          "22",      "host",     "host:",         "host:65536", "host:123456",
        "host:+1",   "host:-1", "host: 1",  "host:1x",       "::1:22",     "[]:22",
        "[::1]22",   "[::1:22", "::1]:22",  "a b:22",        "a/b:22",     "user@host:22",
        "-oProxy:1", "a\nb:22", "[a]b]:22", "h\xc3\xb6st:1", "[::1]x:22",  "$(id):22",
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        struct m4h_address address;

        if (m4h_address_parse(wrong[i], &address) != M4H_EINVALID)
            fail_msg("%s was taken", wrong[i]);
    }
}

static void a_host_is_at_most_255_bytes(void **state)
{
    struct m4h_address address;
    char text[M4H_HOST_MAX + 5];

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text + M4H_HOST_MAX, ":22", 4);
    assert_int_equal(m4h_address_parse(text, &address), 0);
    memset(text, 'a', sizeof(text));
    memcpy(text + M4H_HOST_MAX + 1, ":22", 4);
    assert_int_equal(m4h_address_parse(text, &address), M4H_EINVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_ports_are_told_apart),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_host_is_at_most_255_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
