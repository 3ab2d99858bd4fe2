#include "lib/base/attributes.h"
#include "lib/base/error.h"
#include "services/gateway/core/scope.h"
#include "services/gateway/core/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"

static struct m4h_tokens tokens;
static struct m4h_token_report report;

static int drop(void **state)
{
    (void)state;
    m4h_tokens_free(&tokens);
    return 0;
}

static int parse(const char *text)
{
    m4h_tokens_free(&tokens);
    return m4h_tokens_parse(&tokens, text, strlen(text), &report);
}

static void a_line_gives_a_token_its_name_scopes_and_limits(void **state)
{
    const struct m4h_token *token;

    (void)state;
    assert_int_equal(parse("# who may what\n"
                           "\n"
                           "fleet slot sha256:" A "\n"
                           "  ops@home.net\tslot,operate  sha256:" B
                           " expires=2030-01-01T00:00:00Z rate=50 # ours\r\n"
                           "grafana read sha256:" C),
                     0);
    assert_int_equal(report.fault_count, 0);
    assert_int_equal(tokens.count, 3);
    token = m4h_tokens_find(&tokens, B);
    assert_non_null(token);
    assert_string_equal(token->name, "ops@home.net");
    assert_int_equal(token->scopes, 1u << M4H_GATEWAY_SCOPE_SLOT | 1u << M4H_GATEWAY_SCOPE_OPERATE);
    assert_int_equal(token->rate, 50);
    assert_int_equal(token->expires_wall_ms, 1893456000000u);
    token = m4h_tokens_find(&tokens, A);
    assert_int_equal(token->rate, 0);
    assert_true(token->expires_wall_ms == UINT64_MAX);
}

static void a_token_is_found_by_its_whole_hash_in_lower_case(void **state)
{
    char other[] = A;

    (void)state;
    assert_int_equal(parse("a slot sha256:" A "\nc slot sha256:" C "\n"), 0);
    assert_string_equal(m4h_tokens_find(&tokens, "cccccccccccccccccccccccccccccccc"
                                                 "cccccccccccccccccccccccccccccccc")
                            ->name,
                        "c");
    for (size_t i = 0; i < strlen(other); i++) {
        other[i] = '0';
        assert_null(m4h_tokens_find(&tokens, other));
        other[i] = 'a';
    }
    assert_string_equal(m4h_tokens_find(&tokens, other)->name, "a");
}

static void a_bad_line_is_told_with_its_number_and_the_others_count(void **state)
{
    static const struct {
        const char *line, *part;
    } cases[] = {
        {"a b", "scopes"},
        {"a", "scopes"},
        {"n\xc3\xa4me slot sha256:" A, "a name is"},
        {"a/b slot sha256:" A, "a name is"},
        {"a slot,write sha256:" A, "scopes"},
        {"a slot, sha256:" A, "scopes"},
        {"a slot", "third word"},
        {"a slot sha256:abc", "third word"},
        {"a slot md5:" A, "third word"},
        {"a slot sha256:" A "0", "third word"},
        {"a slot sha256:zaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "third"},
        {"a slot sha256:" A " expires=soon", "expires="},
        {"a slot sha256:" A " rate=0", "rate="},
        {"a slot sha256:" A " rate=1000001", "rate="},
        {"a slot sha256:" A " rate=9x", "rate="},
        {"a slot sha256:" A " Rate=9", "not known"},
        {"good read sha256:" A, "name is used"},
        {"a slot sha256:" B, "token is that"},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        char text[1024];

        snprintf(text, sizeof(text), "good slot sha256:" B "\n%s\nlast read sha256:" C "\n",
                 cases[i].line);
        assert_int_equal(parse(text), 0);
        assert_int_equal(report.fault_count, 1);
        assert_int_equal(report.faults[0].line, 2);
        if (strstr(report.faults[0].message, cases[i].part) == NULL)
            fail_msg("%s: %s", cases[i].line, report.faults[0].message);
        assert_int_equal(tokens.count, 2);
    }
}

static void bytes_that_are_no_text_and_lines_without_end_are_skipped(void **state)
{
    static const char with_nul[] = "a slot\0 sha256:" A "\nb slot sha256:" B;
    char endless[4096];

    (void)state;
    m4h_tokens_free(&tokens);
    assert_int_equal(m4h_tokens_parse(&tokens, with_nul, sizeof(with_nul) - 1, &report), 0);
    assert_int_equal(report.fault_count, 1);
    assert_int_equal(tokens.count, 1);
    memset(endless, 'a', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_int_equal(parse(endless), 0);
    assert_int_equal(report.fault_count, 1);
}

static void more_tokens_than_there_is_room_for_are_refused_as_a_whole(void **state)
{
    size_t size = (M4H_TOKENS_MAX + 1) * 100, len = 0;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    for (unsigned i = 0; i <= M4H_TOKENS_MAX; i++)
        len += (size_t)snprintf(text + len, size - len, "t%u slot sha256:%064u\n", i, i);
    assert_int_equal(m4h_tokens_parse(&tokens, text, len, &report), M4H_EFULL);
    assert_int_equal(tokens.count, 0);
    len = (size_t)(strrchr(text, 't') - text);
    assert_int_equal(m4h_tokens_parse(&tokens, text, len, &report), 0);
    assert_int_equal(tokens.count, M4H_TOKENS_MAX);
    free(text);
}

static void who_may_operate_may_read_and_nothing_else_follows(void **state)
{
    static const struct {
        unsigned has, wants;
        bool is_enough;
    } cases[] = {
        {M4H_GATEWAY_SCOPE_SLOT, M4H_GATEWAY_SCOPE_SLOT, true},
        {M4H_GATEWAY_SCOPE_SLOT, M4H_GATEWAY_SCOPE_READ, false},
        {M4H_GATEWAY_SCOPE_READ, M4H_GATEWAY_SCOPE_READ, true},
        {M4H_GATEWAY_SCOPE_READ, M4H_GATEWAY_SCOPE_OPERATE, false},
        {M4H_GATEWAY_SCOPE_OPERATE, M4H_GATEWAY_SCOPE_READ, true},
        {M4H_GATEWAY_SCOPE_OPERATE, M4H_GATEWAY_SCOPE_SLOT, false},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++)
        assert_int_equal(m4h_token_scopes_allow(1u << cases[i].has, cases[i].wants),
                         cases[i].is_enough);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_line_gives_a_token_its_name_scopes_and_limits, drop),
        cmocka_unit_test_teardown(a_token_is_found_by_its_whole_hash_in_lower_case, drop),
        cmocka_unit_test_teardown(a_bad_line_is_told_with_its_number_and_the_others_count, drop),
        cmocka_unit_test_teardown(bytes_that_are_no_text_and_lines_without_end_are_skipped, drop),
        cmocka_unit_test_teardown(more_tokens_than_there_is_room_for_are_refused_as_a_whole, drop),
        cmocka_unit_test(who_may_operate_may_read_and_nothing_else_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
