/* Revocations over REST. The master that is asked tells all others, and all slaves. */
#include "services/gateway/io/revocations.h"

#include "lib/base/error.h"
#include "lib/base/revocations.h"
#include "lib/json/device.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/scope.h"
#include "services/gateway/core/subject.h"
#include "services/gateway/io/audit.h"
#include "services/gateway/io/exchange.h"

#define ANSWER_MAX  8192u
#define REQUEST_MAX 4096u

static void ask(struct m4h_gateway_rpc *rpc, struct m4h_http_request *request,
                struct m4h_revoke_request *revoke, m4h_gateway_rpc_on_end on_end)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_gateway_exchange *exchange;

    m4h_gateway_actor(request, revoke->actor);
    m4h_text_copy(revoke->request_id, sizeof(revoke->request_id), m4h_http_request_id(request));
    exchange = m4h_gateway_exchange_begin(sizeof(*exchange), rpc, request);
    /* A second answer to the end of a ban would be "there is none". */
    if (exchange != NULL)
        m4h_gateway_exchange_ask(exchange, M4H_GATEWAY_REVOKE, !revoke->lifts_only, &message,
                                 m4h_wire_revoke_request_encode(revoke, &message), on_end);
}

/* ---- revoke --------------------------------------------------------------------------- */

static void on_revoked(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(ANSWER_MAX);
    struct m4h_problem problem = {0};
    struct m4h_revoke revoke;

    if (error == 0)
        error = m4h_wire_revoke_reply_decode(data, len, &revoke, &problem);
    if (error == 0 && problem.code == 0)
        error = m4h_json_revocation(&body, &revoke);
    m4h_gateway_exchange_finish(context, error, &problem, 201, &body);
}

static void post_revocation(void *context, struct m4h_http_request *request)
{
    struct m4h_revoke_request revoke;
    char problem[M4H_DETAIL_MAX + 1];
    size_t len;
    const uint8_t *body = m4h_http_body(request, &len);
    int error;

    if (!m4h_http_check_accept(request, M4H_HTTP_JSON) ||
        !m4h_http_check_type(request, M4H_HTTP_JSON))
        return;
    error = m4h_json_revoke_request_parse(body, len, &revoke, problem);
    if (error != 0)
        m4h_gateway_answer_document(request, error, problem);
    else
        ask(context, request, &revoke, on_revoked);
}

/* ---- the end of a ban -------------------------------------------------------------------- */

static void on_lifted(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_problem problem = {0};
    struct m4h_revoke revoke;

    if (error == 0)
        error = m4h_wire_revoke_reply_decode(data, len, &revoke, &problem);
    m4h_gateway_exchange_finish(context, error, &problem, 204, NULL);
}

static void lift_ban(void *context, struct m4h_http_request *request)
{
    struct m4h_revoke_request revoke = {.lifts_only = true};

    if (!m4h_revocation_name_parse(m4h_http_path_parameter(request, "name"), revoke.key_fingerprint,
                                   revoke.client_key))
        m4h_http_answer_problem(request, 404, "not_found", "there is no such ban", 0);
    else if (m4h_gateway_read_reason(request, revoke.reason))
        ask(context, request, &revoke, on_lifted);
}

static const struct m4h_http_route routes[] = {
    {"POST", "/v1/revocations", post_revocation, false, M4H_GATEWAY_SCOPE_OPERATE},
    {"DELETE", "/v1/revocations/{name}", lift_ban, false, M4H_GATEWAY_SCOPE_OPERATE},
};

struct m4h_http_routes m4h_gateway_revocations_routes(struct m4h_gateway_rpc *rpc)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), rpc};
}
