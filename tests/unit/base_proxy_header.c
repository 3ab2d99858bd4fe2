/* lib/base/proxy_header: which bytes are a header, whose it is, and where it ends. */
#include "lib/base/proxy_header.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
/* A literal with zeros in it, and its length. */
#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

#define V4_ADDRESSES   "\xc0\x00\x02\x01\xc6\x33\x64\x02\xc3\x55\x08\xae" /* 192.0.2.1:50005 */
#define V6_ADDRESSES                                                                               \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"                                                   \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"                                                   \
    "\xc3\x55\x08\xae" /* [2001:db8::1]:50005 */

/* The bytes at the end of a page of their own, so that a sanitizer sees every
 * read beyond them. */
static enum m4h_proxy_verdict parse(const uint8_t *data, size_t len,
                                    struct m4h_proxy_header *header)
{
    uint8_t *copy = malloc(len + (len == 0));
    enum m4h_proxy_verdict verdict;

    assert_non_null(copy);
    memcpy(copy, data, len);
    verdict = m4h_proxy_header_parse(copy, len, header);
    free(copy);
    return verdict;
}

struct row {
    const char *name;
    const uint8_t *data;
    size_t len;
    const char *source; /* NULL: none given */
    uint16_t port;
};

static const struct row right[] = {
    {"v1 TCP4", BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 50005 2222\r\n"), "192.0.2.1", 50005},
    {"v1 TCP4 at its widest", BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
     "255.255.255.255", 65535},
    {"v1 TCP6", BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 50005 2222\r\n"), "2001:db8::1", 50005},
    {"v1 TCP6 of a mapped address", BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1",
     1},
    {"v1 TCP6 at its widest",
     BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535},
    {"v1 port 0", BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 0 2222\r\n"), "192.0.2.1", 0},
    {"v1 UNKNOWN", BYTES("PROXY UNKNOWN\r\n"), NULL, 0},
    {"v1 UNKNOWN with what nobody reads",
     BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     NULL, 0},
    {"v2 TCP over IPv4", BYTES(SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES), "192.0.2.1", 50005},
    {"v2 TCP over IPv6", BYTES(SIGNATURE "\x21\x21\x00\x24" V6_ADDRESSES), "2001:db8::1", 50005},
    {"v2 with TLVs", BYTES(SIGNATURE "\x21\x11\x00\x13" V4_ADDRESSES "\x04\x00\x04ping"),
     "192.0.2.1", 50005},
    {"v2 LOCAL", BYTES(SIGNATURE "\x20\x00\x00\x00"), NULL, 0},
    {"v2 LOCAL with addresses", BYTES(SIGNATURE "\x20\x11\x00\x0c" V4_ADDRESSES), NULL, 0},
    {"v2 LOCAL of any family", BYTES(SIGNATURE "\x20\xff\x00\x01x"), NULL, 0},
    {"v2 UNSPEC", BYTES(SIGNATURE "\x21\x00\x00\x00"), NULL, 0},
    {"v2 UNSPEC with bytes", BYTES(SIGNATURE "\x21\x00\x00\x03xyz"), NULL, 0},
    {"v2 UDP", BYTES(SIGNATURE "\x21\x12\x00\x0c" V4_ADDRESSES), NULL, 0},
    {"v2 UDP over IPv6", BYTES(SIGNATURE "\x21\x22\x00\x00"), NULL, 0},
    {"v2 unix socket", BYTES(SIGNATURE "\x21\x31\x00\x02/x"), NULL, 0},
};

static void a_header_is_taken_wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < M4H_COUNT(right); i++) {
        const struct row *row = &right[i];
        struct m4h_proxy_header header;
        char text[M4H_IP_TEXT_MAX];

        for (size_t len = 0; len < row->len; len++)
            if (parse(row->data, len, &header) != M4H_PROXY_INCOMPLETE)
                fail_msg("%s: its first %zu bytes are no verdict yet", row->name, len);
        if (parse(row->data, row->len, &header) != M4H_PROXY_COMPLETE)
            fail_msg("%s was not taken", row->name);
        if (header.len != row->len || header.has_source != (row->source != NULL))
            fail_msg("%s: %zu bytes", row->name, header.len);
        if (row->source == NULL)
            continue;
        assert_string_equal(m4h_ip_text(&header.source, text), row->source);
        assert_int_equal(header.source_port, row->port);
    }
}

static void what_follows_a_header_is_not_its_own(void **state)
{
    static const char next[] = "SSH-2.0-OpenSSH_9.2\r\n";

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(right); i++) {
        const struct row *row = &right[i];
        struct m4h_proxy_header header;
        uint8_t data[M4H_PROXY_HEADER_MAX];

        memcpy(data, row->data, row->len);
        memcpy(data + row->len, next, sizeof(next));
        if (parse(data, row->len + sizeof(next), &header) != M4H_PROXY_COMPLETE ||
            header.len != row->len)
            fail_msg("%s: the bytes after it changed it", row->name);
    }
}

/* Each is wrong with its last byte, and not before. */
static void a_wrong_header_is_told_as_soon_as_it_is_wrong(void **state)
{
    static const struct row wrong[] = {
        {"SSH without a header", BYTES("S"), NULL, 0},
        {"another word", BYTES("PROXX"), NULL, 0},
        {"lower case", BYTES("p"), NULL, 0},
        {"no space", BYTES("PROXY\r"), NULL, 0},
        {"nothing after it", BYTES("PROXY \r\n"), NULL, 0},
        {"no CR", BYTES("PROXY UNKNOWN\n"), NULL, 0},
        {"another byte for CR", BYTES("PROXY UNKNOWNx\n"), NULL, 0},
        {"a lone newline", BYTES("PROXY \n"), NULL, 0},
        {"another family", BYTES("PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n"), NULL, 0},
        {"lower-case family", BYTES("PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n"), NULL, 0},
        {"two spaces", BYTES("PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n"), NULL, 0},
        {"two spaces inside", BYTES("PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n"), NULL, 0},
        {"a space at the end", BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n"), NULL, 0},
        {"one more word", BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n"), NULL, 0},
        {"no ports", BYTES("PROXY TCP4 1.1.1.1 2.2.2.2\r\n"), NULL, 0},
        {"one port", BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n"), NULL, 0},
        {"one address", BYTES("PROXY TCP4 1.1.1.1\r\n"), NULL, 0},
        {"no address", BYTES("PROXY TCP4\r\n"), NULL, 0},
        {"port too high", BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n"), NULL, 0},
        {"port of six digits", BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 100000 2\r\n"), NULL, 0},
        {"port with a zero before", BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n"), NULL, 0},
        {"negative port", BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n"), NULL, 0},
        {"second port wrong", BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 1 x\r\n"), NULL, 0},
        {"IPv6 in TCP4", BYTES("PROXY TCP4 ::1 ::2 1 2\r\n"), NULL, 0},
        {"IPv4 in TCP6", BYTES("PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n"), NULL, 0},
        {"a byte of 256", BYTES("PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n"), NULL, 0},
        {"a NUL", BYTES("PROXY TCP4 1.1.1.1\0 2.2.2.2 1 2\r\n"), NULL, 0},
        {"a NUL after UNKNOWN", BYTES("PROXY UNKNOWN\0\r\n"), NULL, 0},
        {"UNKNOWN with a tail", BYTES("PROXY UNKNOWNX\r\n"), NULL, 0},
        {"v2 signature broken", BYTES("\r\n\r\n\0\r\nQUIX"), NULL, 0},
        {"v2 of version 1", BYTES(SIGNATURE "\x11"), NULL, 0},
        {"v2 of version 3", BYTES(SIGNATURE "\x31"), NULL, 0},
        {"v2 command 2", BYTES(SIGNATURE "\x22"), NULL, 0},
        {"v2 too long", BYTES(SIGNATURE "\x21\x11\x02\x09"), NULL, 0},
        {"v2 LOCAL too long", BYTES(SIGNATURE "\x20\x00\xff\xff"), NULL, 0},
        {"v2 IPv4 without room",
         BYTES(SIGNATURE "\x21\x11\x00\x0b\xc0\x00\x02\x01\xc6\x33\x64\x02\xc3\x55\x08"), NULL, 0},
        {"v2 IPv4 with nothing", BYTES(SIGNATURE "\x21\x11\x00\x00"), NULL, 0},
        {"v2 IPv6 without room", BYTES(SIGNATURE "\x21\x21\x00\x0c" V4_ADDRESSES), NULL, 0},
        {"v2 IPv4 of no transport", BYTES(SIGNATURE "\x21\x10\x00\x0c" V4_ADDRESSES), NULL, 0},
        {"v2 family 4", BYTES(SIGNATURE "\x21\x41\x00\x00"), NULL, 0},
        {"v2 transport 3", BYTES(SIGNATURE "\x21\x13\x00\x0c" V4_ADDRESSES), NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(wrong); i++) {
        struct m4h_proxy_header header;

        for (size_t len = 0; len < wrong[i].len; len++)
            if (parse(wrong[i].data, len, &header) != M4H_PROXY_INCOMPLETE)
                fail_msg("%s: told after %zu bytes", wrong[i].name, len);
        if (parse(wrong[i].data, wrong[i].len, &header) != M4H_PROXY_WRONG)
            fail_msg("%s was not told", wrong[i].name);
    }
}

static void version_1_has_at_most_107_bytes(void **state)
{
    struct m4h_proxy_header header;
    uint8_t data[200];

    (void)state;
    memset(data, 'x', sizeof(data));
    memcpy(data, "PROXY UNKNOWN ", 14);
    assert_int_equal(parse(data, 106, &header), M4H_PROXY_INCOMPLETE);
    assert_int_equal(parse(data, 107, &header), M4H_PROXY_WRONG);
    memcpy(data + 105, "\r\n", 2);
    assert_int_equal(parse(data, 107, &header), M4H_PROXY_COMPLETE);
    assert_int_equal(header.len, 107);
    memcpy(data + 105, "x\r\n", 3);
    assert_int_equal(parse(data, 200, &header), M4H_PROXY_WRONG);
}

static void version_2_has_at_most_536_bytes(void **state)
{
    struct m4h_proxy_header header;
    uint8_t data[M4H_PROXY_HEADER_MAX] = SIGNATURE "\x21\x11\x02\x08" V4_ADDRESSES;

    (void)state;
    assert_int_equal(parse(data, sizeof(data) - 1, &header), M4H_PROXY_INCOMPLETE);
    assert_int_equal(parse(data, sizeof(data), &header), M4H_PROXY_COMPLETE);
    assert_int_equal(header.len, sizeof(data));
}

static void a_header_that_is_not_taken_changes_nothing(void **state)
{
    struct m4h_proxy_header header = {.len = 77, .source_port = 88};

    (void)state;
    assert_int_equal(parse(BYTES("PROXY TCP4 1.1.1.1 2.2.2.2 1 x\r\n"), &header), M4H_PROXY_WRONG);
    assert_int_equal(parse(BYTES("PROXY TCP4 1.1.1.1 2.2.2.2"), &header), M4H_PROXY_INCOMPLETE);
    assert_int_equal(header.len, 77);
    assert_int_equal(header.source_port, 88);
    assert_false(header.has_source);
}

/* Every byte of every right header replaced by every other: none may be read
 * beyond its end, and a length is never more than what there is. */
static void one_changed_byte_does_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < M4H_COUNT(right); i++) {
        uint8_t data[M4H_PROXY_HEADER_MAX];

        memcpy(data, right[i].data, right[i].len);
        for (size_t at = 0; at < right[i].len; at++) {
            for (unsigned value = 0; value < 256; value++) {
                struct m4h_proxy_header header;

                data[at] = (uint8_t)value;
                if (parse(data, right[i].len, &header) == M4H_PROXY_COMPLETE)
                    assert_true(header.len >= 15 && header.len <= right[i].len);
            }
            data[at] = right[i].data[at];
        }
    }
}

static void assert_written(const char *source, const char *destination, const uint8_t *expected,
                           size_t len)
{
    uint8_t out[M4H_PROXY_HEADER_WRITTEN_MAX];
    struct m4h_ip from, to;

    assert_int_equal(m4h_ip_parse(source, &from), 0);
    assert_int_equal(m4h_ip_parse(destination, &to), 0);
    assert_int_equal(m4h_proxy_header_write(out, &from, 50005, &to, 2222), len);
    assert_memory_equal(out, expected, len);
}

static void a_header_is_written_as_the_addresses_are(void **state)
{
    (void)state;
    assert_written("192.0.2.1", "198.51.100.2", BYTES(SIGNATURE "\x21\x11\x00\x0c" V4_ADDRESSES));
    assert_written("2001:db8::1", "2001:db8::2", BYTES(SIGNATURE "\x21\x21\x00\x24" V6_ADDRESSES));
    assert_written("2001:db8::1", "198.51.100.2",
                   BYTES(SIGNATURE "\x21\x21\x00\x24"
                                   "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                                   "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x02"
                                   "\xc3\x55\x08\xae"));
    assert_written("192.0.2.1", "2001:db8::2",
                   BYTES(SIGNATURE "\x21\x21\x00\x24"
                                   "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"
                                   "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
                                   "\xc3\x55\x08\xae"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_taken_wherever_it_is_cut),
        cmocka_unit_test(what_follows_a_header_is_not_its_own),
        cmocka_unit_test(a_wrong_header_is_told_as_soon_as_it_is_wrong),
        cmocka_unit_test(version_1_has_at_most_107_bytes),
        cmocka_unit_test(version_2_has_at_most_536_bytes),
        cmocka_unit_test(a_header_that_is_not_taken_changes_nothing),
        cmocka_unit_test(one_changed_byte_does_no_harm),
        cmocka_unit_test(a_header_is_written_as_the_addresses_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
