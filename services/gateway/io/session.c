/* The session of a browser. The gateway keeps nothing of it: the cookie holds the token,
 * out of reach of scripts, so that any gateway with the same tokens file knows it. */
#include "services/gateway/io/session.h"

#include "lib/crypto/crypto.h"
#include "lib/json/json.h"
#include "services/gateway/core/scope.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ANSWER_MAX 4096u
/* __Host- in its name would need https, which not every gateway speaks. */
#define COOKIE_END "; HttpOnly; SameSite=Strict; Path=/"
#define COOKIE_MAX (sizeof(M4H_GATEWAY_COOKIE) + M4H_CREDENTIAL_MAX + 64)

static void answer_cookie(struct m4h_http_request *request, const char *cookie)
{
    const struct m4h_http_header headers[] = {{"Set-Cookie", cookie},
                                              {"Cache-Control", "no-store"}};

    m4h_http_answer(request, &(struct m4h_http_answer){.status = 204,
                                                       .headers = headers,
                                                       .header_count = M4H_COUNT(headers)});
}

/* Counts against brute force, too: it is as any other request of this source. */
static const struct m4h_token *need_token(struct m4h_gateway_access *access,
                                          struct m4h_http_request *request,
                                          enum m4h_credential_kind *kind)
{
    const struct m4h_token *token = m4h_gateway_access_token(access, request, kind);
    struct m4h_gateway_asker asker;
    uint32_t retry_ms;

    m4h_gateway_access_keep(access, request, &asker);
    if (!m4h_gateway_access_counts(access, &asker, &retry_ms)) {
        m4h_http_answer_problem(request, 429, "throttled", "too many requests", retry_ms);
        return NULL;
    }
    if (token == NULL)
        m4h_http_refuse(request, 401, "unauthorized",
                        *kind == M4H_CREDENTIAL_NONE ? "send Authorization: Bearer TOKEN"
                                                     : "this token is not known, or has expired",
                        "WWW-Authenticate", "Bearer realm=\"mas4h\"");
    return token;
}

/* ---- the three methods -------------------------------------------------------------- */

/* A page that came by https asks from an https origin: its cookie may not leave by http. */
static bool is_by_https(const struct m4h_http_request *request)
{
    const char *origin = m4h_http_header(request, "Origin");

    if (m4h_http_is_encrypted(request))
        return true;
    return origin != NULL && strncasecmp(origin, "https://", 8) == 0;
}

static void sign_in(void *context, struct m4h_http_request *request)
{
    struct m4h_gateway_access *access = context;
    struct m4h_credential credential;
    enum m4h_credential_kind kind;
    char cookie[COOKIE_MAX];

    if (!m4h_gateway_access_needs_token(access)) {
        m4h_http_answer(request, &(struct m4h_http_answer){.status = 204});
        return;
    }
    if (need_token(access, request, &kind) == NULL)
        return;
    m4h_credential_read(m4h_http_header(request, "Authorization"),
                        m4h_http_header(request, "Cookie"), &credential);
    snprintf(cookie, sizeof(cookie), "%s=%s%s%s", M4H_GATEWAY_COOKIE, credential.token, COOKIE_END,
             is_by_https(request) ? "; Secure" : "");
    answer_cookie(request, cookie);
    m4h_crypto_wipe(&credential, sizeof(credential));
    m4h_crypto_wipe(cookie, sizeof(cookie));
}

static void sign_out(void *context, struct m4h_http_request *request)
{
    (void)context;
    answer_cookie(request, M4H_GATEWAY_COOKIE "=" COOKIE_END "; Max-Age=0");
}

static void add_scopes(struct m4h_json_session *session, unsigned scopes)
{
    for (unsigned scope = M4H_GATEWAY_SCOPE_SLOT; scope <= M4H_GATEWAY_SCOPE_OPERATE; scope++)
        if (m4h_token_scopes_allow(scopes, scope))
            session->scopes[session->scope_count++] = m4h_token_scope_name(scope);
}

static void show(void *context, struct m4h_http_request *request)
{
    struct m4h_gateway_access *access = context;
    struct m4h_buffer body = M4H_BUFFER_INIT(ANSWER_MAX);
    struct m4h_json_session session = {.name = "", .is_open = true};
    enum m4h_credential_kind kind;

    if (m4h_gateway_access_needs_token(access)) {
        const struct m4h_token *token = need_token(access, request, &kind);

        if (token == NULL)
            return;
        session.name = token->name;
        session.is_open = false;
        session.expires_wall_ms = token->expires_wall_ms != UINT64_MAX ? token->expires_wall_ms : 0;
        add_scopes(&session, token->scopes);
    } else {
        add_scopes(&session, ~0u);
    }
    if (m4h_json_session(&body, &session) == 0)
        m4h_http_answer_json(request, 200, &body);
    else
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
}

static const struct m4h_http_route routes[] = {
    {"GET", "/v1/session", show, true, M4H_GATEWAY_SCOPE_PUBLIC},
    {"POST", "/v1/session", sign_in, false, M4H_GATEWAY_SCOPE_PUBLIC},
    {"DELETE", "/v1/session", sign_out, false, M4H_GATEWAY_SCOPE_PUBLIC},
};

struct m4h_http_routes m4h_gateway_session_routes(struct m4h_gateway_access *access)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), access};
}
