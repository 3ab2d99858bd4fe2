/* Orders over REST: each asks the cluster two questions (io/exchange.h).
 *
 * Happy path of a kick: which slave has the tunnel (a master knows) -> that slave
 * cuts it -> 204. Of a drain: is there such a slave -> it drains -> 202. A problem
 * in any reply is the answer; so is a question that gets none. */
#include "services/gateway/io/operations.h"

#include "lib/base/error.h"
#include "lib/json/json.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/scope.h"
#include "services/gateway/core/subject.h"
#include "services/gateway/io/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX  4096u
#define REQUEST_MAX 4096u

enum order_kind {
    DRAIN,
    KICK,
};

struct order {
    struct m4h_gateway_exchange exchange; /* the first */
    struct m4h_audit *audit;
    enum order_kind kind;
    const char *target; /* of the request's path: a client key, or a slave */
};

/* Of a drain that begins its slave tells, in its event. */
static void on_over(struct m4h_gateway_exchange *exchange, const struct m4h_problem *problem)
{
    const struct order *order = (const struct order *)exchange;

    if (order->kind == KICK || problem->code != 0)
        m4h_gateway_audit_order(order->audit, exchange->request,
                                order->kind == KICK ? "kick" : "drain", order->target, problem);
}

/* Begins an exchange; NULL: it is answered (no memory). */
static struct m4h_gateway_exchange *begin(struct m4h_gateway_operations *operations,
                                          struct m4h_http_request *request, enum order_kind kind)
{
    struct order *order = m4h_gateway_exchange_begin(sizeof(*order), operations->rpc, request);

    if (order == NULL)
        return NULL;
    order->exchange.on_over = on_over;
    order->audit = operations->audit;
    order->kind = kind;
    order->target = m4h_http_path_parameter(request, kind == KICK ? "client_key" : "slave_id");
    return &order->exchange;
}

static void answer_not_found(struct m4h_http_request *request, const char *detail)
{
    m4h_http_answer_problem(request, 404, "not_found", detail, 0);
}

/* ---- one slave ------------------------------------------------------------------------- */

/* Asks a master for the slave of the path. */
static void ask_for_slave(struct m4h_gateway_operations *operations,
                          struct m4h_http_request *request, m4h_gateway_rpc_on_end on_end)
{
    const char *slave_id = m4h_http_path_parameter(request, "slave_id");
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_page_request page = {.page_size = 1};
    struct m4h_gateway_exchange *exchange;

    if (!m4h_http_check_accept(request, M4H_HTTP_JSON))
        return;
    if (!m4h_ident_id_is_valid(slave_id) ||
        !m4h_text_copy(page.slave_id, sizeof(page.slave_id), slave_id)) {
        answer_not_found(request, "there is no such slave");
        return;
    }
    exchange = begin(operations, request, DRAIN);
    if (exchange == NULL)
        return;
    memcpy(exchange->slave_id, page.slave_id, sizeof(exchange->slave_id));
    m4h_text_copy(page.request_id, sizeof(page.request_id), m4h_http_request_id(request));
    m4h_gateway_exchange_ask(exchange, M4H_GATEWAY_SLAVES, true, &message,
                             m4h_wire_slaves_request_encode(&page, &message), on_end);
}

/* Reads the answer to ask_for_slave; `*slave` is allocated. A slave that is not
 * there is a problem. */
static int read_slave(const uint8_t *data, size_t len, struct m4h_slave_status **slave,
                      struct m4h_problem *problem)
{
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count;
    int error = m4h_wire_slaves_reply_decode(data, len, slave, &count, token, problem);

    if (error == 0 && problem->code == 0 && count == 0)
        m4h_problem_set(problem, M4H_PROBLEM_NOT_FOUND, "there is no such slave");
    return error;
}

static void ask_slave(struct m4h_gateway_exchange *exchange, const char *command, bool may_repeat,
                      struct m4h_buffer *message, int error, m4h_gateway_rpc_on_end on_end)
{
    char subject[M4H_GATEWAY_SUBJECT_MAX];

    exchange->asks_slave = true;
    m4h_gateway_exchange_ask(exchange,
                             m4h_gateway_slave_subject(subject, exchange->slave_id, command),
                             may_repeat, message, error, on_end);
}

static void on_draining(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_gateway_exchange *exchange = context;
    struct m4h_buffer body = M4H_BUFFER_INIT(ANSWER_MAX);
    struct m4h_problem problem = {0};
    uint32_t tunnels;

    if (error == 0)
        error = m4h_wire_drain_reply_decode(data, len, &tunnels, &problem);
    if (error == 0 && problem.code == 0)
        error = m4h_json_draining(&body, exchange->slave_id, tunnels);
    m4h_gateway_exchange_finish(exchange, error, &problem, 202, &body);
}

static void on_slave_to_drain(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_gateway_exchange *exchange = context;
    struct m4h_slave_status *slave = NULL;
    struct m4h_drain_request drain;
    struct m4h_problem problem = {0};
    bool has_stopped;

    if (error == 0)
        error = read_slave(data, len, &slave, &problem);
    has_stopped = error == 0 && problem.code == 0 && slave->state == M4H_SLAVE_STOPPED;
    free(slave);
    if (has_stopped) {
        m4h_gateway_exchange_refuse(exchange, 409, "conflict", "the slave has stopped");
        return;
    }
    if (error != 0 || problem.code != 0) {
        m4h_gateway_exchange_finish(exchange, error, &problem, 0, NULL);
        return;
    }
    m4h_gateway_actor(exchange->request, drain.actor);
    ask_slave(exchange, "drain", true, &message, m4h_wire_drain_request_encode(&drain, &message),
              on_draining);
}

static void drain_slave(void *context, struct m4h_http_request *request)
{
    ask_for_slave(context, request, on_slave_to_drain);
}

/* ---- one tunnel ------------------------------------------------------------------------ */

/* Asks a master for the tunnel of the path. */
static void ask_for_tunnel(struct m4h_gateway_operations *operations,
                           struct m4h_http_request *request, m4h_gateway_rpc_on_end on_end)
{
    const char *client_key = m4h_http_path_parameter(request, "client_key");
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_gateway_exchange *exchange;

    if (!m4h_ident_client_key_is_valid(client_key)) {
        answer_not_found(request, "there is no such tunnel");
        return;
    }
    exchange = begin(operations, request, KICK);
    if (exchange != NULL)
        m4h_gateway_exchange_ask(
            exchange, M4H_GATEWAY_TUNNEL, true, &message,
            m4h_wire_tunnel_request_encode(client_key, m4h_http_request_id(request), &message),
            on_end);
}

static void on_kicked(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_problem problem = {0};

    if (error == 0)
        error = m4h_wire_kick_reply_decode(data, len, &problem);
    m4h_gateway_exchange_finish(context, error, &problem, 204, NULL);
}

static void on_tunnel_to_kick(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_gateway_exchange *exchange = context;
    struct m4h_kick_request kick = {.reason = M4H_DISCONNECT_KICKED};
    struct m4h_tunnel_status tunnel;
    struct m4h_problem problem = {0};

    if (error == 0)
        error = m4h_wire_tunnel_reply_decode(data, len, &tunnel, &problem);
    if (error != 0 || problem.code != 0) {
        m4h_gateway_exchange_finish(exchange, error, &problem, 0, NULL);
        return;
    }
    memcpy(exchange->slave_id, tunnel.slave_id, sizeof(exchange->slave_id));
    memcpy(kick.client_key, tunnel.tunnel.client_key, sizeof(kick.client_key));
    kick.tunnel_id = tunnel.tunnel.tunnel_id;
    m4h_gateway_actor(exchange->request, kick.actor);
    /* Not repeated: the second answer to the same kick would be "not found". */
    ask_slave(exchange, "kick", false, &message, m4h_wire_kick_request_encode(&kick, &message),
              on_kicked);
}

static void kick_tunnel(void *context, struct m4h_http_request *request)
{
    ask_for_tunnel(context, request, on_tunnel_to_kick);
}

static const struct m4h_http_route routes[] = {
    {"POST", "/v1/slaves/{slave_id}/drain", drain_slave, false, M4H_GATEWAY_SCOPE_OPERATE},
    {"DELETE", "/v1/tunnels/{client_key}", kick_tunnel, false, M4H_GATEWAY_SCOPE_OPERATE},
};

struct m4h_http_routes m4h_gateway_operations_routes(struct m4h_gateway_operations *operations)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), operations};
}
