/* Authorities, and what their certificates are good for. The certificate here was made by
 * ssh-keygen: -I "key 7" -n berlin-1,other -z 42, valid through the year 2030. */
#include "services/master/core/certificates.h"

#include "lib/base/base64.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CA         "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBlGv/ot6rDyeLAn5aoQod/b86lfylO3PARnp8KkzT6E"
#define CA_BASE64  "AAAAC3NzaC1lZDI1NTE5AAAAIBlGv/ot6rDyeLAn5aoQod/b86lfylO3PARnp8KkzT6E"
#define KEY_BASE64 "AAAAC3NzaC1lZDI1NTE5AAAAIHqX9AazTp0YOtJybXBU9Ptc2r5JGzzkHHKrJSAH/a9k"
#define CERTIFICATE                                                                                \
    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIJ67n2wUkJeiZoLjfbdRXdKhdefJPY6a4xmLEGRD" \
    "w4I1AAAAIHqX9AazTp0YOtJybXBU9Ptc2r5JGzzkHHKrJSAH/"                                            \
    "a9kAAAAAAAAACoAAAABAAAABWtleSA3AAAAFQAAAAhiZXJsaW4tMQAAAAVvdGhlcgAAAABw29iAAAAAAHK9DAAAAAAAA" \
    "AAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZ" \
    "XJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAA" \
    "AAAMwAAAAtzc2gtZWQyNTUxOQAAACAZRr/6Leqw8niwJ+WqEKHf2/"                                        \
    "OpX8pTtzwEZ6fCpM0+hAAAAFMAAAALc3NoLWVkMjU1MTkAAABAGoeHFKBKGuhHhsLaQl/"                        \
    "pqMYVi++PrrhMPnoUyyqqkTpkTGVtnxLYN6AfUagxxLjBjcN7B378bS4RVYayfKyFBw=="

#define BEGIN_S 1893456000u /* 2030-01-01 */
#define END_S   1924992000u /* 2031-01-01 */

static struct m4h_authorities authorities;
static struct m4h_authorities_report report;
static struct m4h_ssh_certificate certificate;
static struct m4h_ssh_named_key key, signed_by;
static uint8_t certificate_blob[2048], key_blob[256], ca_blob[256];
static struct m4h_certificate_case the_case;
static struct m4h_verdict verdict;
static const struct m4h_authorize_request request = {.remote_address = "192.0.2.1:50022"};

static struct m4h_ssh_bytes decode(const char *base64, uint8_t *blob, size_t size)
{
    struct m4h_ssh_bytes bytes = {blob, 0};

    assert_int_equal(m4h_base64_decode(base64, strlen(base64), blob, size, &bytes.len), 0);
    return bytes;
}

static void parse(const char *text)
{
    m4h_authorities_free(&authorities);
    assert_int_equal(m4h_authorities_parse(&authorities, text, strlen(text), &report), 0);
}

static int begin(void **state)
{
    struct m4h_ssh_bytes blob = decode(CERTIFICATE, certificate_blob, sizeof(certificate_blob));

    (void)state;
    assert_int_equal(m4h_ssh_certificate_parse(blob.at, blob.len, &certificate), 0);
    key.key = decode(KEY_BASE64, key_blob, sizeof(key_blob));
    signed_by.key = decode(CA_BASE64, ca_blob, sizeof(ca_blob));
    parse(CA);
    the_case = (struct m4h_certificate_case){
        .certificate = &certificate,
        .key = &key,
        .signed_by = &signed_by,
        .request = &request,
        .wall_ms = BEGIN_S * (uint64_t)1000,
    };
    return 0;
}

static int end(void **state)
{
    (void)state;
    m4h_authorities_free(&authorities);
    return 0;
}

static void judge(void)
{
    the_case.authority = m4h_authorities_find(&authorities, certificate.authority);
    assert_non_null(the_case.authority);
    m4h_certificate_judge(&the_case, &verdict);
}

static void assert_denied(const char *why)
{
    judge();
    assert_int_equal(verdict.kind, M4H_VERDICT_DENY);
    assert_non_null(strstr(verdict.reply.detail, why));
    assert_non_null(strstr(verdict.reply.detail, "(key 7, serial 42)"));
}

static void assert_allowed(const char *client_key)
{
    judge();
    assert_int_equal(verdict.kind, M4H_VERDICT_ALLOW);
    assert_string_equal(verdict.reply.client_key, client_key);
}

static void it_names_the_device_and_says_when_it_ends(void **state)
{
    (void)state;
    assert_allowed("berlin-1");
    assert_int_equal(verdict.reply.expires_wall_ms, END_S * (uint64_t)1000);
    the_case.name = M4H_CERTIFICATE_KEY_ID;
    assert_allowed("key 7");
}

static void it_is_good_from_its_first_second_to_the_one_before_its_end(void **state)
{
    (void)state;
    the_case.wall_ms = BEGIN_S * (uint64_t)1000 - 1;
    assert_denied("not valid yet");
    the_case.wall_ms = END_S * (uint64_t)1000 - 1;
    assert_allowed("berlin-1");
    the_case.wall_ms = END_S * (uint64_t)1000;
    assert_denied("has expired");
}

static void an_authority_names_whom_its_line_says(void **state)
{
    (void)state;
    parse("cert-authority,principals=\"berlin-*\" " CA);
    assert_allowed("berlin-1");
    parse("cert-authority,principals=\"rome-?,*-1\" " CA);
    assert_allowed("berlin-1");
    parse("cert-authority,principals=\"rome-*,other\" " CA);
    assert_denied("may not give this name");
}

static void what_its_devices_get_stands_in_its_line(void **state)
{
    (void)state;
    parse("labels=\"site=berlin, kind=pump\",region=\"eu\",max-forwards=\"2\" " CA);
    assert_allowed("berlin-1");
    assert_string_equal(verdict.reply.labels, "kind=pump,site=berlin");
    assert_string_equal(verdict.reply.preferred_region, "eu");
    assert_int_equal(verdict.reply.limits.forwards_max, 2);
}

static void what_its_line_asks_for_counts_besides(void **state)
{
    (void)state;
    parse("cert-authority,from=\"192.0.2.*\" " CA);
    assert_allowed("berlin-1");
    parse("cert-authority,from=\"10.0.0.0/8\" " CA);
    judge();
    assert_int_equal(verdict.kind, M4H_VERDICT_DENY);
    parse("cert-authority,expiry-time=\"20300601Z\" " CA);
    assert_allowed("berlin-1");
    assert_true(verdict.reply.expires_wall_ms < END_S * (uint64_t)1000);
}

static void an_authority_of_operators_names_them_or_lets_certificates_name_them(void **state)
{
    (void)state;
    parse("cert-authority,operator=\"*\",permitopen=\"pump-*:22\" " CA);
    assert_allowed("");
    assert_string_equal(verdict.reply.operator_.name, "berlin-1");
    assert_int_equal(verdict.reply.operator_.rule_count, 1);
    parse("cert-authority,operator=\"night shift\",permitopen=\"*:*\" " CA);
    assert_allowed("");
    assert_string_equal(verdict.reply.operator_.name, "night shift");
}

static void what_is_revoked_is_denied(void **state)
{
    static const char *const lists[] = {"ssh-ed25519 " KEY_BASE64, CA};
    static const char *const whys[] = {"the key is revoked", "authority is revoked"};

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(lists); i++) {
        struct m4h_ssh_revoked *revoked;
        char wrong[128];

        assert_int_equal(m4h_ssh_revoked_read(&revoked, (const uint8_t *)lists[i], strlen(lists[i]),
                                              wrong, sizeof(wrong)),
                         0);
        the_case.revoked = revoked;
        assert_denied(whys[i]);
        m4h_ssh_revoked_destroy(revoked);
    }
}

static void a_certificate_without_principals_or_for_hosts_is_nobodys(void **state)
{
    (void)state;
    certificate.principals.len = 0;
    assert_denied("names no principal");
    certificate.type = M4H_SSH_CERTIFICATE_HOST;
    assert_denied("is a host's");
}

static void without_port_forwarding_it_is_for_other_servers(void **state)
{
    (void)state;
    certificate.extensions.len = 0;
    assert_denied("does not permit port forwarding");
}

static void a_bad_line_is_told_and_skipped(void **state)
{
    static const char *const lines[][2] = {
        {"principals=\"a\" " CA, "option principals is for a cert-authority"},
        {"cert-authority,principals=\"*,!root\" " CA, "and none with !"},
        {"cert-authority,principals=\"a" CA, "a quote is not closed"},
        {"cert-authority,client-key=\"a\" " CA, "option client-key is for one key"},
        {"cert-authority,port=\"20000\" " CA, "option port is for one key"},
        {"cert-authority,verify-required " CA, "verify-required"},
        {"cert-authority,max-forwards=\"99\" " CA, "needs a number"},
        {"ssh-ed25519 AAAA", "the key is damaged"},
        {"ssh-rsa " CA_BASE64, "not of the type"},
        {"cert-authority", "not a key type"},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(lines); i++) {
        char text[1024];

        snprintf(text, sizeof(text), "# a file\n\n%s\n", lines[i][0]);
        parse(text);
        assert_int_equal(authorities.count, 0);
        assert_int_equal(report.fault_count, 1);
        assert_int_equal(report.faults[0].line, 3);
        if (strstr(report.faults[0].message, lines[i][1]) == NULL)
            fail_msg("%s: %s", lines[i][0], report.faults[0].message);
    }
    parse(CA "\n" CA " again\n");
    assert_int_equal(authorities.count, 1);
    assert_string_equal(report.faults[0].message, "the same key as in line 1, which holds");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_names_the_device_and_says_when_it_ends, begin, end),
        cmocka_unit_test_setup_teardown(it_is_good_from_its_first_second_to_the_one_before_its_end,
                                        begin, end),
        cmocka_unit_test_setup_teardown(an_authority_names_whom_its_line_says, begin, end),
        cmocka_unit_test_setup_teardown(what_its_devices_get_stands_in_its_line, begin, end),
        cmocka_unit_test_setup_teardown(what_its_line_asks_for_counts_besides, begin, end),
        cmocka_unit_test_setup_teardown(
            an_authority_of_operators_names_them_or_lets_certificates_name_them, begin, end),
        cmocka_unit_test_setup_teardown(what_is_revoked_is_denied, begin, end),
        cmocka_unit_test_setup_teardown(a_certificate_without_principals_or_for_hosts_is_nobodys,
                                        begin, end),
        cmocka_unit_test_setup_teardown(without_port_forwarding_it_is_for_other_servers, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_bad_line_is_told_and_skipped, begin, end),
    };

    return cmocka_run_group_tests_name("master: certificates", tests, NULL, NULL);
}
