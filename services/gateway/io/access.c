/* The guard: reads who asks, judges, counts, answers what is refused. */
#include "services/gateway/io/access.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/walltime.h"
#include "lib/crypto/crypto.h"
#include "lib/http/ops.h"
#include "services/gateway/core/scope.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* A source is the one that has such a prefix: of IPv6 a network is given to each. */
#define SOURCE_V4_BITS 32
#define SOURCE_V6_BITS 64
#define DETAIL_MAX     128

_Static_assert(M4H_TOKEN_HASH_LEN + 1 == M4H_SHA256_HEX_MAX, "a hash is a SHA-256 in hex");

int m4h_gateway_access_open(struct m4h_gateway_access *access, struct m4h_loop *loop,
                            const struct m4h_gateway_config *config)
{
    uint64_t seed = 0;

    *access = (struct m4h_gateway_access){.loop = loop, .config = config};
    if (getrandom(&seed, sizeof(seed), 0) < 0)
        seed = m4h_walltime_now_ms();
    m4h_token_file_open(&access->tokens, config->access_tokens_file);
    return m4h_rates_create(&access->rates, seed);
}

void m4h_gateway_access_close(struct m4h_gateway_access *access)
{
    m4h_token_file_close(&access->tokens);
    m4h_rates_destroy(access->rates);
    access->rates = NULL;
}

bool m4h_gateway_access_needs_token(const struct m4h_gateway_access *access)
{
    return access->tokens.path[0] != '\0';
}

/* ---- who asks --------------------------------------------------------------------- */

/* Also one that has expired. */
static const struct m4h_token *find_token(const struct m4h_gateway_access *access,
                                          const struct m4h_http_request *request,
                                          enum m4h_credential_kind *kind)
{
    const struct m4h_token *token = NULL;
    struct m4h_credential credential;
    char hash[M4H_SHA256_HEX_MAX];

    m4h_credential_read(m4h_http_header(request, "Authorization"),
                        m4h_http_header(request, "Cookie"), &credential);
    *kind = credential.kind;
    if (credential.token[0] != '\0' &&
        m4h_crypto_sha256_hex(credential.token, strlen(credential.token), hash) == 0)
        token = m4h_tokens_find(&access->tokens.tokens, hash);
    m4h_crypto_wipe(&credential, sizeof(credential));
    return token;
}

const struct m4h_token *m4h_gateway_access_token(const struct m4h_gateway_access *access,
                                                 const struct m4h_http_request *request,
                                                 enum m4h_credential_kind *kind)
{
    const struct m4h_token *token = find_token(access, request, kind);

    return token != NULL && token->expires_wall_ms > m4h_walltime_now_ms() ? token : NULL;
}

static struct m4h_ip source_of(const struct m4h_http_request *request)
{
    return m4h_ip_prefix(m4h_http_source(request), SOURCE_V4_BITS, SOURCE_V6_BITS);
}

/* ---- rates ------------------------------------------------------------------------- */

static struct m4h_rate_key key_of_source(const struct m4h_ip *source)
{
    struct m4h_rate_key key;

    memcpy(&key, source->bytes, sizeof(key));
    return key;
}

/* Counts one request of the source, and of the token where there is one. */
static bool count(struct m4h_gateway_access *access, const struct m4h_ip *source,
                  const struct m4h_token *token, uint32_t *retry_ms)
{
    const struct m4h_gateway_config *config = access->config;
    uint64_t now_ms = m4h_loop_now_ms(access->loop);
    struct m4h_rate rate = {(uint32_t)config->access_source_rate,
                            (uint32_t)config->access_burst_ms};

    if (!m4h_rates_take(access->rates, key_of_source(source), rate, now_ms, retry_ms))
        return false;
    if (token == NULL)
        return true;
    rate.per_second = token->rate != 0 ? token->rate : (uint32_t)config->access_token_rate;
    /* No source begins so: it would be a multicast address. */
    return m4h_rates_take(access->rates,
                          (struct m4h_rate_key){UINT64_MAX, m4h_ident_hash(token->name)}, rate,
                          now_ms, retry_ms);
}

/* ---- the guard ----------------------------------------------------------------------- */

static void answer_no_scope(struct m4h_http_request *request, unsigned scope)
{
    const char *name = m4h_token_scope_name(scope);
    char detail[DETAIL_MAX], header[DETAIL_MAX];

    snprintf(detail, sizeof(detail), "this needs a token with the scope %s", name);
    snprintf(header, sizeof(header),
             "Bearer realm=\"mas4h\", error=\"insufficient_scope\", scope=\"%s\"", name);
    m4h_http_refuse(request, 403, "forbidden", detail, "WWW-Authenticate", header);
}

static void answer_unauthorized(struct m4h_http_request *request, enum m4h_access_verdict verdict)
{
    static const char invalid[] = "Bearer realm=\"mas4h\", error=\"invalid_token\"";

    if (verdict == M4H_ACCESS_NO_TOKEN)
        m4h_http_refuse(request, 401, "unauthorized", "send Authorization: Bearer TOKEN",
                        "WWW-Authenticate", "Bearer realm=\"mas4h\"");
    else
        m4h_http_refuse(request, 401, "unauthorized",
                        verdict == M4H_ACCESS_EXPIRED ? "this token has expired"
                                                      : "this token is not known",
                        "WWW-Authenticate", invalid);
}

static void refuse(struct m4h_http_request *request, enum m4h_access_verdict verdict,
                   unsigned scope)
{
    if (verdict == M4H_ACCESS_NO_SCOPE)
        answer_no_scope(request, scope);
    else if (verdict == M4H_ACCESS_FOREIGN)
        m4h_http_refuse(
            request, 403, "forbidden",
            "a page of another site may have sent this: by cookie, send X-Mas4h-Request: 1 "
            "from our own pages, else Authorization: Bearer",
            NULL, NULL);
    else if (verdict == M4H_ACCESS_HOST)
        m4h_http_refuse(request, 403, "forbidden",
                        "without tokens only localhost, IP addresses and [http] host_names are "
                        "served: a page of another site may have made its name point here",
                        NULL, NULL);
    else
        answer_unauthorized(request, verdict);
}

static bool is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

bool m4h_gateway_access_admit(void *context, struct m4h_http_request *request, unsigned scope)
{
    struct m4h_gateway_access *access = context;
    struct m4h_access_question question = {
        .scope = scope,
        .needs_token = m4h_gateway_access_needs_token(access),
        .needs_host = scope != M4H_GATEWAY_SCOPE_PUBLIC &&
                      !m4h_gateway_access_needs_token(access) && !access->config->http_open_access,
        .is_safe = is_safe(m4h_http_method(request)),
        .is_upgrade = m4h_http_header(request, "Upgrade") != NULL,
        .is_by_script = m4h_http_header(request, "X-Mas4h-Request") != NULL,
        .origin = m4h_http_header(request, "Origin"),
        .host = m4h_http_header(request, "Host"),
        .host_names = access->config->http_host_names,
        .wall_ms = m4h_walltime_now_ms(),
    };
    struct m4h_ip source = source_of(request);
    enum m4h_access_verdict verdict;
    uint32_t retry_ms = 0;

    if (scope == M4H_HTTP_SCOPE_METRICS)
        question.scope =
            access->config->access_metrics_open ? M4H_GATEWAY_SCOPE_PUBLIC : M4H_GATEWAY_SCOPE_READ;
    question.token = find_token(access, request, &question.credential);
    verdict = m4h_gateway_access_judge(&question);
    if (question.scope != M4H_GATEWAY_SCOPE_PUBLIC &&
        !count(access, &source, verdict == M4H_ACCESS_GRANTED ? question.token : NULL, &retry_ms))
        verdict = M4H_ACCESS_TOO_FAST;
    access->verdicts[verdict]++;
    if (question.token != NULL)
        m4h_http_set_asker(request, question.token->name);
    if (verdict == M4H_ACCESS_TOO_FAST)
        m4h_http_answer_problem(request, 429, "throttled", "too many requests", retry_ms);
    else if (verdict != M4H_ACCESS_GRANTED)
        refuse(request, verdict, question.scope);
    return verdict == M4H_ACCESS_GRANTED;
}

/* ---- what stays open -------------------------------------------------------------------- */

/* The token of before, looked up anew where the file was read since. */
static const struct m4h_token *token_of(const struct m4h_gateway_access *access,
                                        struct m4h_gateway_asker *asker)
{
    if (asker->loads != access->tokens.loads) {
        asker->token = m4h_tokens_find(&access->tokens.tokens, asker->hash);
        asker->loads = access->tokens.loads;
    }
    return asker->token;
}

void m4h_gateway_access_keep(const struct m4h_gateway_access *access,
                             const struct m4h_http_request *request,
                             struct m4h_gateway_asker *asker)
{
    enum m4h_credential_kind kind;

    *asker = (struct m4h_gateway_asker){.source = source_of(request),
                                        .token = find_token(access, request, &kind),
                                        .loads = access->tokens.loads};
    if (asker->token != NULL)
        memcpy(asker->hash, asker->token->hash, sizeof(asker->hash));
}

bool m4h_gateway_access_holds(const struct m4h_gateway_access *access,
                              struct m4h_gateway_asker *asker, unsigned scope)
{
    const struct m4h_token *token = token_of(access, asker);

    if (!m4h_gateway_access_needs_token(access))
        return true;
    return token != NULL && token->expires_wall_ms > m4h_walltime_now_ms() &&
           m4h_token_scopes_allow(token->scopes, scope);
}

bool m4h_gateway_access_counts(struct m4h_gateway_access *access, struct m4h_gateway_asker *asker,
                               uint32_t *retry_ms)
{
    if (count(access, &asker->source, token_of(access, asker), retry_ms))
        return true;
    access->verdicts[M4H_ACCESS_TOO_FAST]++;
    return false;
}

/* ---- metrics ---------------------------------------------------------------------------- */

void m4h_gateway_access_write_metrics(const struct m4h_gateway_access *access,
                                      struct m4h_metrics *metrics)
{
    const char *name = "mas4h_gateway_access_refusals_total";
    const struct m4h_token_file *file = &access->tokens;

    m4h_metrics_describe(
        metrics, name, "counter",
        "Requests that were not let in, WebSocket messages among them, by reason.");
    for (unsigned i = M4H_ACCESS_GRANTED + 1; i < M4H_ACCESS_VERDICTS; i++) {
        struct m4h_metric_label reason = {"reason",
                                          m4h_access_verdict_name((enum m4h_access_verdict)i)};

        m4h_metrics_value(metrics, name, &reason, 1, (double)access->verdicts[i]);
    }
    m4h_metrics_single(metrics, "mas4h_gateway_tokens", "gauge", "Tokens that are known.",
                       (double)file->tokens.count);
    m4h_metrics_single(metrics, "mas4h_gateway_tokens_file_skipped_lines", "gauge",
                       "Lines of the tokens file that are wrong.", file->faults);
    m4h_metrics_single(metrics, "mas4h_gateway_tokens_file_failures_total", "counter",
                       "Attempts to read the tokens file that failed.", (double)file->failures);
}
