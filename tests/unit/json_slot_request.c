#include "lib/base/error.h"
#include "lib/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_dispatch_request request;
static struct m4h_problem problem;

static int parse(const char *text)
{
    return m4h_json_slot_request_parse((const uint8_t *)text, strlen(text), &request, &problem);
}

static int parse_message(const char *text)
{
    return m4h_json_slot_message_parse((const uint8_t *)text, strlen(text), &request, &problem);
}

static void a_request_may_leave_out_everything(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_int_equal(parse("{}"), 0);
    assert_string_equal(request.region, "");
    assert_string_equal(request.client_key, "");
}

static void what_a_request_says_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse(" {\"region\": \"eu-1\", \"client_key\": \"caf\\u00e9\", \"x\": [1]} "),
                     0);
    assert_string_equal(request.region, "eu-1");
    assert_string_equal(request.client_key, "caf\xc3\xa9");
    assert_int_equal(problem.code, 0);
}

static void what_breaks_a_rule_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"x", "not JSON"},
        {"{\"region\":\"eu\"", "not JSON"},
        {"{} {}", "not JSON"},
        {"{\"region\":\"a\",\"region\":\"b\"}", "not JSON"},
        {"{\"region\":\"a\\u0000b\"}", "not JSON"},
        {"{\"region\":\"\xff\"}", "not JSON"},
        {"[]", "must be a JSON object"},
        {"null", "not JSON"},
        {"{\"region\":1}", "\"region\" must be a string"},
        {"{\"region\":null}", "\"region\" must be a string"},
        {"{\"region\":\"EU\"}", "\"region\" must be made of"},
        {"{\"region\":\"a.b\"}", "\"region\" must be made of"},
        {"{\"client_key\":{}}", "\"client_key\" must be a string"},
        {"{\"client_key\":\"a\\nb\"}", "\"client_key\" must be text"},
        {"{\"region\":"
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
         "\"region\" is longer than 63 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].text),
                         strcmp(cases[i].reason, "not JSON") == 0 ? M4H_EPROTOCOL : M4H_EINVALID);
        assert_int_equal(problem.code, M4H_PROBLEM_INVALID);
        assert_non_null(strstr(problem.detail, cases[i].reason));
    }
}

static void a_message_needs_a_request_id(void **state)
{
    (void)state;
    assert_int_equal(parse_message("{\"request_id\":\"7\",\"region\":\"eu\"}"), 0);
    assert_string_equal(request.request_id, "7");
    assert_int_equal(parse_message("{\"region\":\"eu\"}"), M4H_EINVALID);
    assert_non_null(strstr(problem.detail, "missing"));
    assert_int_equal(parse_message("{\"request_id\":7}"), M4H_EINVALID);
    assert_int_equal(parse_message("{\"request_id\":\"a\\tb\"}"), M4H_EINVALID);
    assert_string_equal(request.request_id, "");
    assert_int_equal(parse_message(""), M4H_EPROTOCOL);
}

static void the_request_id_of_a_wrong_message_is_known(void **state)
{
    (void)state;
    assert_int_equal(parse_message("{\"region\":1,\"request_id\":\"9\"}"), M4H_EINVALID);
    assert_string_equal(request.request_id, "9");
}

static void a_deep_or_large_document_is_refused(void **state)
{
    size_t len = M4H_JSON_REQUEST_MAX + 1;
    char *text = malloc(len);

    (void)state;
    assert_non_null(text);
    memset(text, '[', len);
    assert_int_equal(m4h_json_slot_request_parse((const uint8_t *)text, len, &request, &problem),
                     M4H_EPROTOCOL);
    assert_non_null(strstr(problem.detail, "longer than"));
    assert_int_equal(
        m4h_json_slot_request_parse((const uint8_t *)text, len - 1, &request, &problem),
        M4H_EPROTOCOL);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_may_leave_out_everything),
        cmocka_unit_test(what_a_request_says_is_read),
        cmocka_unit_test(what_breaks_a_rule_is_refused_with_a_reason),
        cmocka_unit_test(a_message_needs_a_request_id),
        cmocka_unit_test(the_request_id_of_a_wrong_message_is_known),
        cmocka_unit_test(a_deep_or_large_document_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
