#include "lib/base/error.h"
#include "services/gateway/core/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct m4h_page_request page;
static struct m4h_problem problem;

static void what_is_not_given_is_the_default(void **state)
{
    struct m4h_gateway_page_query none = {0};
    struct m4h_gateway_page_query empty = {"", "", "", "", "", {""}};

    (void)state;
    assert_int_equal(m4h_gateway_page_parse(&none, &page, &problem), 0);
    assert_int_equal(page.page_size, M4H_PAGE_SIZE_DEFAULT);
    assert_string_equal(page.region, "");
    assert_string_equal(page.page_token, "");
    assert_int_equal(m4h_gateway_page_parse(&empty, &page, &problem), 0);
    assert_int_equal(page.page_size, M4H_PAGE_SIZE_DEFAULT);
}

static void what_is_given_is_taken(void **state)
{
    struct m4h_gateway_page_query query = {"eu", "slave-1", "7", "6120c3a9", "dev", {NULL}};

    (void)state;
    assert_int_equal(m4h_gateway_page_parse(&query, &page, &problem), 0);
    assert_string_equal(page.region, "eu");
    assert_string_equal(page.slave_id, "slave-1");
    assert_int_equal(page.page_size, 7);
    assert_string_equal(page.page_token, "a \xc3\xa9");
    assert_string_equal(page.client_key_prefix, "dev");
}

static void a_size_is_a_number_and_has_a_most(void **state)
{
    static const struct {
        const char *text;
        uint32_t size; /* 0: refused */
    } cases[] = {
        {"0", M4H_PAGE_SIZE_DEFAULT},
        {"1", 1},
        {"500", 500},
        {"501", M4H_PAGE_SIZE_MAX},
        {"999999999", M4H_PAGE_SIZE_MAX},
        {"9999999999", 0},
        {"-1", 0},
        {"x", 0},
        {"1 ", 0},
        {"1.5", 0},
        {"0x10", 0},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_gateway_page_query query = {.page_size = cases[i].text};
        int error = m4h_gateway_page_parse(&query, &page, &problem);

        assert_int_equal(error, cases[i].size == 0 ? M4H_EINVALID : 0);
        if (error == 0)
            assert_int_equal(page.page_size, cases[i].size);
        else
            assert_non_null(strstr(problem.detail, "page_size"));
    }
}

static void labels_may_be_repeated_and_have_commas(void **state)
{
    struct m4h_gateway_page_query query = {.labels = {"site=berlin, env=prod", "floor=3"}};

    (void)state;
    assert_int_equal(m4h_gateway_page_parse(&query, &page, &problem), 0);
    assert_string_equal(page.labels, "env=prod,floor=3,site=berlin");
    query.labels[1] = "site=bonn"; /* both cannot be */
    assert_int_equal(m4h_gateway_page_parse(&query, &page, &problem), M4H_EINVALID);
    assert_non_null(strstr(problem.detail, "label"));
    query = (struct m4h_gateway_page_query){.labels = {"site"}};
    assert_int_equal(m4h_gateway_page_parse(&query, &page, &problem), M4H_EINVALID);
}

static void a_prefix_is_text_of_at_most_the_length_of_a_client_key(void **state)
{
    char longest[M4H_CLIENT_KEY_MAX + 2];
    struct m4h_gateway_page_query query = {.client_key_prefix = longest};

    (void)state;
    memset(longest, 'k', sizeof(longest));
    longest[M4H_CLIENT_KEY_MAX] = '\0';
    assert_int_equal(m4h_gateway_page_parse(&query, &page, &problem), 0);
    assert_string_equal(page.client_key_prefix, longest);
    longest[M4H_CLIENT_KEY_MAX] = 'k';
    longest[M4H_CLIENT_KEY_MAX + 1] = '\0';
    assert_int_equal(m4h_gateway_page_parse(&query, &page, &problem), M4H_EINVALID);
    query.client_key_prefix = "half a letter \xc3";
    assert_int_equal(m4h_gateway_page_parse(&query, &page, &problem), M4H_EINVALID);
    assert_non_null(strstr(problem.detail, "client_key_prefix"));
}

static void ids_and_tokens_that_are_none_are_refused(void **state)
{
    static const struct m4h_gateway_page_query cases[] = {
        {.region = "EU"},     {.region = "a.b"},    {.slave_id = "*"},
        {.page_token = "6"},  {.page_token = "zz"}, {.page_token = "00"},
        {.page_token = "FF"}, {.page_token = "ff"}, {.page_token = "0a"},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        assert_int_equal(m4h_gateway_page_parse(&cases[i], &page, &problem), M4H_EINVALID);
        assert_int_equal(problem.code, M4H_PROBLEM_INVALID);
    }
}

static void every_token_comes_back_as_it_went(void **state)
{
    char longest[M4H_PAGE_TOKEN_MAX + 1], back[M4H_PAGE_TOKEN_MAX + 1];
    char text[M4H_GATEWAY_TOKEN_MAX + 1], longer[M4H_GATEWAY_TOKEN_MAX + 3];
    const char *const tokens[] = {"", "a", "slave-1", "x/y?&=%", "\xc3\xa9", longest};

    (void)state;
    memset(longest, 'z', M4H_PAGE_TOKEN_MAX);
    longest[M4H_PAGE_TOKEN_MAX] = '\0';
    for (size_t i = 0; i < M4H_COUNT(tokens); i++) {
        assert_true(m4h_gateway_token_decode(m4h_gateway_token_encode(tokens[i], text), back,
                                             sizeof(back)));
        assert_string_equal(back, tokens[i]);
    }
    memset(longer, '7', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_false(m4h_gateway_token_decode(longer, back, sizeof(back)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_is_the_default),
        cmocka_unit_test(what_is_given_is_taken),
        cmocka_unit_test(a_size_is_a_number_and_has_a_most),
        cmocka_unit_test(labels_may_be_repeated_and_have_commas),
        cmocka_unit_test(a_prefix_is_text_of_at_most_the_length_of_a_client_key),
        cmocka_unit_test(ids_and_tokens_that_are_none_are_refused),
        cmocka_unit_test(every_token_comes_back_as_it_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
