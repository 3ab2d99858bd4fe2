#include "lib/base/attributes.h"
#include "services/gateway/core/access.h"
#include "services/gateway/core/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW 5000u

static const struct m4h_token reader = {
    .name = "reader", .scopes = 1u << M4H_GATEWAY_SCOPE_READ, .expires_wall_ms = NOW + 1};
static const struct m4h_token expired = {.name = "expired", .scopes = ~0u, .expires_wall_ms = NOW};
static const struct m4h_token operates = {
    .name = "operates", .scopes = 1u << M4H_GATEWAY_SCOPE_OPERATE, .expires_wall_ms = UINT64_MAX};

/* ---- tokens ---- */

static void a_route_needs_a_token_with_its_scope(void **state)
{
    static const struct {
        unsigned scope;
        enum m4h_credential_kind credential;
        const struct m4h_token *token;
        enum m4h_access_verdict expected;
    } cases[] = {
        {M4H_GATEWAY_SCOPE_PUBLIC, M4H_CREDENTIAL_NONE, NULL, M4H_ACCESS_GRANTED},
        {M4H_GATEWAY_SCOPE_PUBLIC, M4H_CREDENTIAL_BEARER, NULL, M4H_ACCESS_GRANTED},
        {M4H_GATEWAY_SCOPE_READ, M4H_CREDENTIAL_NONE, NULL, M4H_ACCESS_NO_TOKEN},
        {M4H_GATEWAY_SCOPE_READ, M4H_CREDENTIAL_BEARER, NULL, M4H_ACCESS_UNKNOWN},
        {M4H_GATEWAY_SCOPE_READ, M4H_CREDENTIAL_BEARER, &expired, M4H_ACCESS_EXPIRED},
        {M4H_GATEWAY_SCOPE_READ, M4H_CREDENTIAL_BEARER, &reader, M4H_ACCESS_GRANTED},
        {M4H_GATEWAY_SCOPE_READ, M4H_CREDENTIAL_COOKIE, &reader, M4H_ACCESS_GRANTED},
        {M4H_GATEWAY_SCOPE_READ, M4H_CREDENTIAL_BEARER, &operates, M4H_ACCESS_GRANTED},
        {M4H_GATEWAY_SCOPE_OPERATE, M4H_CREDENTIAL_BEARER, &reader, M4H_ACCESS_NO_SCOPE},
        {M4H_GATEWAY_SCOPE_SLOT, M4H_CREDENTIAL_BEARER, &operates, M4H_ACCESS_NO_SCOPE},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_access_question question = {.scope = cases[i].scope,
                                               .needs_token = true,
                                               .is_safe = true,
                                               .credential = cases[i].credential,
                                               .token = cases[i].token,
                                               .wall_ms = NOW};

        assert_int_equal(m4h_gateway_access_judge(&question), cases[i].expected);
        question.needs_token = false;
        assert_int_equal(m4h_gateway_access_judge(&question), M4H_ACCESS_GRANTED);
    }
}

/* ---- pages of other sites ---- */

static void a_page_of_another_site_cannot_act_through_a_browser(void **state)
{
    static const struct {
        const char *what;
        enum m4h_credential_kind credential;
        bool is_safe, is_upgrade, is_by_script;
        const char *origin;
        bool is_foreign;
    } cases[] = {
        {"curl", M4H_CREDENTIAL_NONE, false, false, false, NULL, false},
        {"curl with a token", M4H_CREDENTIAL_BEARER, false, false, false, NULL, false},
        {"a script elsewhere with a token", M4H_CREDENTIAL_BEARER, false, false, false,
         "https://other.example", false},
        {"a foreign form, to a gateway that is open", M4H_CREDENTIAL_NONE, false, false, false,
         "https://other.example", true},
        {"a foreign fetch, to a gateway that is open", M4H_CREDENTIAL_NONE, true, false, false,
         "https://other.example", true},
        {"a foreign WebSocket, to a gateway that is open", M4H_CREDENTIAL_NONE, true, true, false,
         "https://other.example", true},
        {"a sandboxed frame", M4H_CREDENTIAL_COOKIE, true, false, true, "null", true},
        {"a foreign form with the cookie", M4H_CREDENTIAL_COOKIE, false, false, false,
         "https://other.example", true},
        {"a form with the cookie, and no origin", M4H_CREDENTIAL_COOKIE, false, false, false, NULL,
         true},
        {"our page without the header", M4H_CREDENTIAL_COOKIE, false, false, false,
         "https://gw.example", true},
        {"our page", M4H_CREDENTIAL_COOKIE, false, false, true, "https://gw.example", false},
        {"our page reads", M4H_CREDENTIAL_COOKIE, true, false, false, NULL, false},
        {"our page's WebSocket", M4H_CREDENTIAL_COOKIE, true, true, false, "https://gw.example",
         false},
        {"a WebSocket by cookie without an origin", M4H_CREDENTIAL_COOKIE, true, true, false, NULL,
         true},
        {"a foreign WebSocket with the cookie", M4H_CREDENTIAL_COOKIE, true, true, false,
         "https://gw.example.other.example", true},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        const struct m4h_access_question question = {
            .scope = M4H_GATEWAY_SCOPE_OPERATE,
            .needs_token = cases[i].credential != M4H_CREDENTIAL_NONE,
            .is_safe = cases[i].is_safe,
            .is_upgrade = cases[i].is_upgrade,
            .is_by_script = cases[i].is_by_script,
            .origin = cases[i].origin,
            .host = "gw.example",
            .credential = cases[i].credential,
            .token = &operates,
            .wall_ms = NOW,
        };
        enum m4h_access_verdict expected =
            cases[i].is_foreign ? M4H_ACCESS_FOREIGN : M4H_ACCESS_GRANTED;

        if (m4h_gateway_access_judge(&question) != expected)
            fail_msg("%s", cases[i].what);
    }
}

static void an_origin_is_our_own_where_it_names_the_host_that_was_asked(void **state)
{
    static const struct {
        const char *origin, *host;
        bool is_own;
    } cases[] = {
        {"http://gw.example", "gw.example", true},
        {"https://GW.example", "gw.Example", true},
        {"https://gw.example", "gw.example:443", true},
        {"http://gw.example:80", "gw.example", true},
        {"http://127.0.0.1:8080", "127.0.0.1:8080", true},
        {"http://[::1]:8080", "[::1]:8080", true},
        {"http://127.0.0.1:8080", "127.0.0.1:8081", false},
        {"http://gw.example:443", "gw.example", false},
        {"http://gw.example.evil", "gw.example", false},
        {"http://gw.exampl", "gw.example", false},
        {"http://", "", true},
        {"ftp://gw.example", "gw.example", false},
        {"null", "null", false},
        {"http://gw.example", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        const struct m4h_access_question question = {.scope = M4H_GATEWAY_SCOPE_READ,
                                                     .is_safe = true,
                                                     .origin = cases[i].origin,
                                                     .host = cases[i].host};

        if (m4h_gateway_access_judge(&question) !=
            (cases[i].is_own ? M4H_ACCESS_GRANTED : M4H_ACCESS_FOREIGN))
            fail_msg("%s at %s", cases[i].origin, cases[i].host);
    }
}

/* ---- headers ---- */

static void a_token_is_read_from_its_header_else_from_the_cookie(void **state)
{
    static const struct {
        const char *authorization, *cookie;
        enum m4h_credential_kind kind;
        const char *token;
    } cases[] = {
        {NULL, NULL, M4H_CREDENTIAL_NONE, ""},
        {"Bearer m4h_abc", NULL, M4H_CREDENTIAL_BEARER, "m4h_abc"},
        {"bearer   m4h_abc ", NULL, M4H_CREDENTIAL_BEARER, "m4h_abc"},
        {"Bearer", "mas4h_token=c", M4H_CREDENTIAL_BEARER, ""},
        {"Bearer a\"b", NULL, M4H_CREDENTIAL_BEARER, ""},
        {"Bearerm4h_abc", NULL, M4H_CREDENTIAL_NONE, ""},
        {"Basic YTpi", NULL, M4H_CREDENTIAL_NONE, ""},
        {"Basic YTpi", "mas4h_token=c", M4H_CREDENTIAL_COOKIE, "c"},
        {"Bearer b", "mas4h_token=c", M4H_CREDENTIAL_BEARER, "b"},
        {NULL, "mas4h_token=c", M4H_CREDENTIAL_COOKIE, "c"},
        {NULL, "a=1; mas4h_token=c-_.~+/=; b=2", M4H_CREDENTIAL_COOKIE, "c-_.~+/="},
        {NULL, "xmas4h_token=c", M4H_CREDENTIAL_NONE, ""},
        {NULL, "mas4h_tokens=c", M4H_CREDENTIAL_NONE, ""},
        {NULL, "mas4h_token=", M4H_CREDENTIAL_COOKIE, ""},
        {NULL, ";;; ;", M4H_CREDENTIAL_NONE, ""},
    };
    struct m4h_credential credential;
    char endless[1024] = "Bearer ";

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        m4h_credential_read(cases[i].authorization, cases[i].cookie, &credential);
        assert_int_equal(credential.kind, cases[i].kind);
        assert_string_equal(credential.token, cases[i].token);
    }
    memset(endless + 7, 'a', sizeof(endless) - 8);
    m4h_credential_read(endless, NULL, &credential);
    assert_int_equal(credential.kind, M4H_CREDENTIAL_BEARER);
    assert_string_equal(credential.token, "");
}

static void a_name_of_its_own_lets_no_page_in(void **state)
{
    static const struct {
        const char *host, *names;
        bool is_own;
    } cases[] = {
        {"localhost", "", true},
        {"LocalHost:8080", "", true},
        {"127.0.0.1:8080", "", true},
        {"192.0.2.1", "", true},
        {"[::1]:8080", "", true},
        {"[2001:db8::1]", "", true},
        {"rebound.example:8080", "", false},
        {"127.0.0.1.rebound.example", "", false},
        {"localhost.rebound.example", "", false},
        {"0x7f000001", "", false},
        {"[rebound.example]", "", false},
        {"[::1", "", false},
        {"[::1]x", "", false},
        {"::1", "", false},
        {"", "", false},
        {"", "a, ,b", false},
        {"gw.example", "gw.example", true},
        {"GW.example:443", "other.example, gw.Example", true},
        {"w.example", "gw.example", false},
        {"gw.example.other", "gw.example,other", false},
    };

    (void)state;
    for (size_t i = 0; i < M4H_COUNT(cases); i++) {
        struct m4h_access_question question = {.scope = M4H_GATEWAY_SCOPE_OPERATE,
                                               .needs_host = true,
                                               .host = cases[i].host,
                                               .host_names = cases[i].names};

        if ((m4h_gateway_access_judge(&question) == M4H_ACCESS_GRANTED) != cases[i].is_own)
            fail_msg("%s, of \"%s\"", cases[i].host, cases[i].names);
        question.needs_host = false;
        assert_int_equal(m4h_gateway_access_judge(&question), M4H_ACCESS_GRANTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_of_its_own_lets_no_page_in),
        cmocka_unit_test(a_route_needs_a_token_with_its_scope),
        cmocka_unit_test(a_page_of_another_site_cannot_act_through_a_browser),
        cmocka_unit_test(an_origin_is_our_own_where_it_names_the_host_that_was_asked),
        cmocka_unit_test(a_token_is_read_from_its_header_else_from_the_cookie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
