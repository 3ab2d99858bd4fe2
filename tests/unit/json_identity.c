/* Questions about keys and their answers, as programs in any language read and write them. */
#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/json/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_authorize_reply reply;
static enum m4h_json_identity_result result;
static char problem[M4H_DETAIL_MAX + 1];

static int read_answer(const char *text)
{
    return m4h_json_identity_answer_read((const uint8_t *)text, strlen(text), &result, &reply,
                                         problem);
}

/* ---- questions ------------------------------------------------------------------- */

/* Made by ssh-keygen -s ca -I someone -n device-1. */
#define CERTIFICATE                                                                                \
    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAICosKODe241p3pUxnZTgtYQ5vMwZvAJ0"         \
    "GeR5vhcmsUGxAAAAIIvDsPuGMlni8vHnv65y07XdX3GXvaHbVnBPX1x89bTjAAAAAAAAAAAAAAABAAAAB3Nv"         \
    "bWVvbmUAAAAMAAAACGRldmljZS0xAAAAAAAAAAD//////////wAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9y"         \
    "d2FyZGluZwAAAAAAAAAXcGVybWl0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZvcndh"         \
    "cmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAAAAAAADnBlcm1pdC11c2VyLXJjAAAAAAAAAAAAAAAzAAAAC3Nz"         \
    "aC1lZDI1NTE5AAAAIGHYRVSu9rHLiNZF4m0wevhuzEhTA1YJuZGSwOoHWVI+AAAAUwAAAAtzc2gtZWQyNTUx"         \
    "OQAAAEB1JXbvkAk1e3vd8jRgSiOI+q37iIRXpQiF5rBdliTI7N4dwpS4egpa7pryCeAKOZBkOW/xxzfmpKqV"         \
    "ae+U16QI"
#define CERTIFICATE_KEY "AAAAC3NzaC1lZDI1NTE5AAAAIIvDsPuGMlni8vHnv65y07XdX3GXvaHbVnBPX1x89bTj"
#define PLAIN           "AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"

static void ask(const char *base64, struct m4h_buffer *out, int expected)
{
    struct m4h_authorize_request request = {.slave_id = "slave-1",
                                            .region = "eu",
                                            .username = "root\"",
                                            .key_fingerprint = "SHA256:abc",
                                            .remote_address = "192.0.2.1:5",
                                            .recheck = true};

    assert_int_equal(m4h_base64_decode(base64, strlen(base64), request.public_key,
                                       sizeof(request.public_key), &request.public_key_len),
                     0);
    assert_int_equal(m4h_json_identity_request(out, "master-1-7", &request), expected);
}

static void a_question_says_all_that_is_known(void **state)
{
    static const char expected[] =
        "{\"request_id\":\"master-1-7\",\"public_key\":\"ssh-ed25519 " PLAIN
        "\",\"key_fingerprint\":\"SHA256:abc\",\"username\":\"root\\\"\",\"remote_address\":"
        "\"192.0.2.1:5\",\"slave_id\":\"slave-1\",\"region\":\"eu\",\"recheck\":true}";
    struct m4h_buffer out = M4H_BUFFER_INIT(65536);

    (void)state;
    ask(PLAIN, &out, 0);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
    m4h_buffer_free(&out);
}

static void what_is_no_key_is_not_asked_about(void **state)
{
    struct m4h_buffer out = M4H_BUFFER_INIT(65536);

    (void)state;
    ask("AAAA", &out, M4H_EINVALID);
    ask("AAAAA2Egyg==", &out, M4H_EINVALID); /* "a " */
    assert_int_equal(out.len, 0);
    m4h_buffer_free(&out);
}

static void of_a_certificate_the_key_inside_is_told_too(void **state)
{
    static const char certificate[] = CERTIFICATE;
    struct m4h_buffer out = M4H_BUFFER_INIT(65536);
    char text[4096];

    (void)state;
    ask(certificate, &out, 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)out.data);
    assert_non_null(strstr(text, "\"public_key\":\"ssh-ed25519 " CERTIFICATE_KEY "\""));
    assert_non_null(
        strstr(text, "\"certificate\":\"ssh-ed25519-cert-v01@openssh.com " CERTIFICATE "\""));
    m4h_buffer_free(&out);
}

/* ---- answers ----------------------------------------------------------------------- */

static void an_answer_may_be_short(void **state)
{
    (void)state;
    assert_int_equal(read_answer("{\"result\":\"unknown\"}"), 0);
    assert_int_equal(result, M4H_JSON_IDENTITY_UNKNOWN);
    assert_int_equal(read_answer("{\"result\":\"deny\",\"reason\":\"it was\\nstolen\"}"), 0);
    assert_int_equal(result, M4H_JSON_IDENTITY_DENY);
    assert_string_equal(reply.detail, "it was?stolen");
    assert_int_equal(read_answer("{\"result\":\"allow\"}"), 0);
    assert_int_equal(result, M4H_JSON_IDENTITY_ALLOW);
    assert_string_equal(reply.client_key, "");
    assert_int_equal(reply.valid_for_ms, 0);
}

static void all_that_an_answer_says_of_a_device_is_read(void **state)
{
    static const char answer[] =
        "{\"request_id\":\"7\",\"result\":\"allow\",\"client_key\":\"berlin-17\","
        "\"labels\":{\"site\":\"berlin\",\"model\":\"m2\"},\"ports\":[22,\"8000-8010\"],"
        "\"port\":20022,\"region\":\"eu\",\"limits\":{\"max_forwards\":2,\"max_channels\":9,"
        "\"idle_ms\":60000,\"bytes_per_second\":65536,\"operator_networks\":[\"10.0.0.0/8\"]},"
        "\"valid_for_ms\":30000,\"expires_at\":\"2030-01-01T00:00:00Z\",\"operator\":null,"
        "\"x-note\":[1,{\"a\":null}]}";

    (void)state;
    assert_int_equal(read_answer(answer), 0);
    assert_string_equal(reply.client_key, "berlin-17");
    assert_string_equal(reply.labels, "model=m2,site=berlin");
    assert_int_equal(reply.limits.port_range_count, 2);
    assert_int_equal(reply.limits.ports[0].first, 22);
    assert_int_equal(reply.limits.ports[0].last, 22);
    assert_int_equal(reply.limits.ports[1].first, 8000);
    assert_int_equal(reply.limits.ports[1].last, 8010);
    assert_int_equal(reply.fixed_port, 20022);
    assert_string_equal(reply.preferred_region, "eu");
    assert_int_equal(reply.limits.forwards_max, 2);
    assert_int_equal(reply.limits.channels_max, 9);
    assert_int_equal(reply.limits.idle_ms, 60000);
    assert_int_equal(reply.limits.bytes_per_second, 65536);
    assert_int_equal(reply.limits.operator_network_count, 1);
    assert_string_equal(reply.limits.operator_networks[0], "10.0.0.0/8");
    assert_int_equal(reply.valid_for_ms, 30000);
    assert_int_equal(reply.expires_wall_ms, 1893456000000);
    assert_string_equal(reply.operator_.name, "");
}

static void an_operator_comes_with_rules(void **state)
{
    static const char answer[] =
        "{\"result\":\"allow\",\"operator\":{\"name\":\"anna\",\"max_channels\":5,\"rules\":["
        "{\"devices\":\"berlin-*\",\"ports\":[22]},{\"labels\":{\"site\":\"rome\"}}]}}";

    (void)state;
    assert_int_equal(read_answer(answer), 0);
    assert_string_equal(reply.operator_.name, "anna");
    assert_int_equal(reply.operator_.channels_max, 5);
    assert_int_equal(reply.operator_.rule_count, 2);
    assert_string_equal(reply.operator_.rules[0].client_key_pattern, "berlin-*");
    assert_int_equal(reply.operator_.rules[0].port_range_count, 1);
    assert_string_equal(reply.operator_.rules[1].client_key_pattern, "");
    assert_string_equal(reply.operator_.rules[1].labels, "site=rome");
}

static void not_to_keep_an_answer_is_said_with_0(void **state)
{
    (void)state;
    assert_int_equal(read_answer("{\"result\":\"allow\",\"valid_for_ms\":0}"), 0);
    assert_int_equal(reply.valid_for_ms, 1);
}

static void what_breaks_a_rule_makes_the_answer_wrong(void **state)
{
    static const struct {
        const char *members, *reason;
    } cases[] = {
        {"\"client_keys\":\"a\"", "\"client_keys\", which is not known"},
        {"\"client_key\":\"\"", "\"client_key\" must be"},
        {"\"client_key\":\" a\"", "\"client_key\" must be"},
        {"\"client_key\":7", "\"client_key\" must be"},
        {"\"client_key\":\"a\\u0007\"", "\"client_key\" must be"},
        {"\"client_key\":\"a\",\"operator\":{\"name\":\"b\"}", "a device's or an operator's"},
        {"\"labels\":[\"a=b\"]", "\"labels\" must be an object"},
        {"\"labels\":{\"a\":1}", "\"labels\": \"a\" cannot"},
        {"\"labels\":{\"a\":\"b,c=d\"}", "\"labels\": \"a\" cannot"},
        {"\"labels\":{\"a=b\":\"c\"}", "\"labels\": \"a=b\" cannot"},
        {"\"ports\":\"22\"", "\"ports\" must be an array"},
        {"\"ports\":[]", "\"ports\" must hold one"},
        {"\"ports\":[0]", "\"ports\" must hold numbers"},
        {"\"ports\":[65536]", "\"ports\" must hold numbers"},
        {"\"ports\":[\"9-8\"]", "\"ports\" must hold numbers"},
        {"\"ports\":[\"8-\"]", "\"ports\" must hold numbers"},
        {"\"ports\":[\"99999999999999999999\"]", "\"ports\" must hold numbers"},
        {"\"ports\":[1,2,3,4,5,6,7,8,9]", "\"ports\" must be an array of at most 8"},
        {"\"port\":0", "\"port\" must be a number from 1"},
        {"\"port\":70000", "\"port\" must be a number from 1"},
        {"\"port\":22.5", "\"port\" must be a number from 1"},
        {"\"region\":\"EU\"", "\"region\" must be made of"},
        {"\"limits\":{\"max_forward\":1}", "\"limits\" has a member \"max_forward\""},
        {"\"limits\":{\"max_forwards\":9}", "\"max_forwards\" must be"},
        {"\"limits\":{\"max_channels\":-1}", "\"max_channels\" must be"},
        {"\"limits\":{\"bytes_per_second\":1}", "\"bytes_per_second\" must be"},
        {"\"limits\":{\"operator_networks\":[\"all\"]}", "\"operator_networks\" must hold"},
        {"\"limits\":{\"operator_networks\":[]}", "\"operator_networks\" must hold one"},
        {"\"valid_for_ms\":\"1m\"", "\"valid_for_ms\" must be"},
        {"\"valid_for_ms\":4294967296", "\"valid_for_ms\" must be"},
        {"\"expires_at\":\"tomorrow\"", "\"expires_at\" must be"},
        {"\"operator\":{}", "\"operator\" must have a \"name\""},
        {"\"operator\":\"anna\"", "\"operator\" must be an object"},
        {"\"operator\":{\"name\":\"a\",\"rule\":[]}", "\"operator\" has a member \"rule\""},
        {"\"operator\":{\"name\":\"a\",\"rules\":[1]}", "\"rules\" must hold objects"},
        {"\"operator\":{\"name\":\"a\",\"rules\":[{\"device\":\"x\"}]}", "a rule has a member"},
        {"\"operator\":{\"name\":\"a\",\"rules\":[{\"devices\":\"\"}]}",
         "\"devices\" of a rule must be a pattern"},
        {"\"operator\":{\"name\":\"a\",\"rules\":[{\"devices\":null}]}",
         "\"devices\" of a rule is null"},
        {"\"operator\":{\"name\":\"a\",\"rules\":[{\"ports\":null}]}",
         "\"ports\" of a rule is null"},
        {"\"result\":\"deny\"", "not JSON"},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        snprintf(text, sizeof(text), "{\"result\":\"allow\",%s}", cases[i].members);
        assert_true(read_answer(text) < 0);
        if (strstr(problem, cases[i].reason) == NULL)
            fail_msg("%s: %s", text, problem);
        assert_string_equal(reply.client_key, "");
        assert_int_equal(reply.limits.port_range_count, 0);
    }
}

static void what_is_no_answer_is_refused(void **state)
{
    static const struct {
        const char *text;
        int error;
    } cases[] = {
        {"", M4H_EPROTOCOL},
        {"<html>", M4H_EPROTOCOL},
        {"{\"result\":\"allow\"", M4H_EPROTOCOL},
        {"{\"result\":\"allow\"}{}", M4H_EPROTOCOL},
        {"{\"result\":\"allow\",\"client_key\":\"\xff\"}", M4H_EPROTOCOL},
        {"[]", M4H_EINVALID},
        {"{}", M4H_EINVALID},
        {"{\"result\":\"yes\"}", M4H_EINVALID},
        {"{\"result\":true}", M4H_EINVALID},
        {"{\"result\":\"Allow\"}", M4H_EINVALID},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        assert_int_equal(read_answer(cases[i].text), cases[i].error);
        assert_int_equal(result, M4H_JSON_IDENTITY_UNKNOWN);
        assert_int_not_equal(problem[0], '\0');
    }
}

static void a_long_answer_is_not_read(void **state)
{
    char *text = malloc(M4H_JSON_IDENTITY_MAX + 2);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', M4H_JSON_IDENTITY_MAX + 1);
    memcpy(text, "{\"result\":\"allow\"}", 18);
    text[M4H_JSON_IDENTITY_MAX + 1] = '\0';
    assert_int_equal(read_answer(text), M4H_ETOOBIG);
    text[M4H_JSON_IDENTITY_MAX] = '\0';
    assert_int_equal(read_answer(text), 0);
    free(text);
}

static void a_nest_without_end_is_refused(void **state)
{
    char text[20000];

    (void)state;
    memset(text, '[', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(read_answer(text), M4H_EPROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_says_all_that_is_known),
        cmocka_unit_test(what_is_no_key_is_not_asked_about),
        cmocka_unit_test(of_a_certificate_the_key_inside_is_told_too),
        cmocka_unit_test(an_answer_may_be_short),
        cmocka_unit_test(all_that_an_answer_says_of_a_device_is_read),
        cmocka_unit_test(an_operator_comes_with_rules),
        cmocka_unit_test(not_to_keep_an_answer_is_said_with_0),
        cmocka_unit_test(what_breaks_a_rule_makes_the_answer_wrong),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(a_long_answer_is_not_read),
        cmocka_unit_test(a_nest_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
