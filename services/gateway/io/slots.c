/* Slots.
 *
 * A request, of REST or of a WebSocket, becomes one question to the masters; its
 * end is the answer, in order of completion. A WebSocket that ends takes its open
 * questions with it. What is wrong with a message is answered by an error with
 * its request_id; what is no message of its subprotocol at all (binary, where that is
 * text) ends the connection. */
#include "services/gateway/io/slots.h"

#include "lib/base/error.h"
#include "lib/base/latency.h"
#include "lib/base/log.h"
#include "lib/http/websocket.h"
#include "lib/json/json.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/given.h"
#include "services/gateway/core/problem.h"
#include "services/gateway/core/scope.h"
#include "services/gateway/core/subject.h"
#include "services/gateway/io/dialect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define ANSWER_MAX  16384u
#define REQUEST_MAX 4096u

/* A request that waits for its answer: of REST, or of a socket. */
struct pending {
    struct m4h_gateway_slots *slots;
    struct m4h_http_request *request;  /* or NULL */
    struct m4h_gateway_socket *socket; /* or NULL */
    struct m4h_gateway_rpc_ask *ask;
    uint64_t began_us;                       /* of m4h_latency_clock_us */
    char request_id[M4H_REQUEST_ID_MAX + 1]; /* of the message */
    LIST_ENTRY(pending) link;                /* in its socket */
};

struct m4h_gateway_socket {
    struct m4h_gateway_slots *slots;
    struct m4h_websocket *websocket;
    const struct m4h_gateway_dialect *dialect;
    struct m4h_gateway_asker asker;
    uint32_t in_flight;
    bool is_leaving; /* closed when nothing is in flight any more */
    uint64_t requests;
    LIST_HEAD(, pending) pending;
    struct m4h_gateway_given given;
    char request_id[M4H_REQUEST_ID_MAX + 1]; /* of the handshake */
    LIST_ENTRY(m4h_gateway_socket) link;
};

/* ---- answers --------------------------------------------------------------------------- */

static void send_document(struct m4h_gateway_socket *socket, const struct m4h_buffer *document)
{
    int error = m4h_websocket_send(socket->websocket, socket->dialect->is_text, document->data,
                                   document->len);

    if (error == M4H_EFULL)
        m4h_log(M4H_LOG_WARNING, "gateway", "peer=%s request_id=%s slow reader cut off",
                m4h_websocket_peer(socket->websocket), socket->request_id);
}

static void send_problem(struct m4h_gateway_socket *socket, const char *request_id,
                         const struct m4h_problem *problem)
{
    struct m4h_buffer document = M4H_BUFFER_INIT(ANSWER_MAX);

    socket->slots->refused++;
    if (socket->dialect->write_problem(&document, request_id, problem) == 0)
        send_document(socket, &document);
    m4h_buffer_free(&document);
}

static void answer_problem(struct m4h_gateway_slots *slots, struct m4h_http_request *request,
                           const struct m4h_problem *problem)
{
    slots->refused++;
    m4h_http_answer_problem(request, m4h_gateway_problem_status(problem),
                            m4h_problem_code_name(problem->code), problem->detail,
                            m4h_gateway_problem_retry_ms(problem));
}

static void refuse(struct pending *pending, const struct m4h_problem *problem)
{
    if (pending->request != NULL)
        answer_problem(pending->slots, pending->request, problem);
    else
        send_problem(pending->socket, pending->request_id, problem);
}

static void give(struct pending *pending, const struct m4h_slot *slot)
{
    struct m4h_buffer document = M4H_BUFFER_INIT(ANSWER_MAX);
    const char *id = pending->request != NULL ? NULL : pending->request_id;
    struct m4h_problem problem;
    int error = pending->socket != NULL ? pending->socket->dialect->write_slot(&document, id, slot)
                                        : m4h_json_slot(&document, slot);

    if (error != 0) {
        m4h_gateway_problem_of_error(&problem, error, "a master");
        refuse(pending, &problem);
        return;
    }
    pending->slots->given++;
    if (pending->request != NULL)
        m4h_http_answer_json(pending->request, 200, &document);
    else {
        m4h_gateway_given_add(&pending->socket->given, slot->slave_id, id);
        send_document(pending->socket, &document);
    }
    m4h_buffer_free(&document);
}

/* ---- questions -------------------------------------------------------------------------- */

static void close_if_done(struct m4h_gateway_socket *socket)
{
    if (socket->is_leaving && socket->in_flight == 0)
        m4h_websocket_close(socket->websocket, M4H_WEBSOCKET_GOING_AWAY, M4H_WEBSOCKET_LEAVING);
}

static void free_pending(struct pending *pending)
{
    if (pending->socket != NULL) {
        LIST_REMOVE(pending, link);
        pending->socket->in_flight--;
    }
    free(pending);
}

static void on_end(void *context, int error, const uint8_t *data, size_t len)
{
    struct pending *pending = context;
    struct m4h_gateway_socket *socket = pending->socket;
    struct m4h_problem problem = {0};
    struct m4h_slot slot;

    if (error == 0)
        error = m4h_wire_dispatch_reply_decode(data, len, &slot, &problem);
    if (problem.code == M4H_PROBLEM_UNAVAILABLE && m4h_gateway_rpc_again(pending->ask))
        return; /* that master is not ready yet: another one may be */
    if (error != 0)
        m4h_gateway_problem_of_error(&problem, error, "a master");
    if (problem.code != 0)
        refuse(pending, &problem);
    else
        give(pending, &slot);
    m4h_latency_add(pending->request != NULL ? &pending->slots->rest_latency
                                             : &pending->slots->websocket_latency,
                    pending->began_us);
    free_pending(pending);
    if (socket != NULL)
        close_if_done(socket);
}

static int start(struct pending *pending, const struct m4h_dispatch_request *dispatch)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_gateway_rpc_question question = {
        .subject = M4H_GATEWAY_DISPATCH, .request = &message, .may_repeat = true};
    int error = m4h_wire_dispatch_request_encode(dispatch, &message);

    if (error == 0)
        error =
            m4h_gateway_rpc_start(pending->slots->rpc, &question, on_end, pending, &pending->ask);
    m4h_buffer_free(&message);
    return error;
}

/* Asks a master, for a request of REST or a message of a socket (the other is NULL). */
static void ask(struct m4h_gateway_slots *slots, struct m4h_http_request *request,
                struct m4h_gateway_socket *socket, const char *request_id,
                const struct m4h_dispatch_request *dispatch)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    struct pending refused = {.slots = slots, .request = request, .socket = socket};
    struct m4h_problem problem;
    int error = M4H_ENOMEM;

    if (pending != NULL) {
        *pending = refused;
        pending->began_us = m4h_latency_clock_us();
        snprintf(pending->request_id, sizeof(pending->request_id), "%s", request_id);
        error = start(pending, dispatch);
    }
    if (error != 0) {
        free(pending);
        snprintf(refused.request_id, sizeof(refused.request_id), "%s", request_id);
        m4h_gateway_problem_of_error(&problem, error, "a master");
        refuse(&refused, &problem);
        return;
    }
    if (request != NULL)
        m4h_http_defer(request);
    if (socket != NULL) {
        LIST_INSERT_HEAD(&socket->pending, pending, link);
        socket->in_flight++;
    }
}

/* ---- REST --------------------------------------------------------------------------------- */

static void post_slot(void *context, struct m4h_http_request *request)
{
    struct m4h_gateway_slots *slots = context;
    struct m4h_dispatch_request dispatch;
    struct m4h_problem problem;
    size_t len;
    const uint8_t *body = m4h_http_body(request, &len);
    int error;

    slots->rest_requests++;
    if (!m4h_http_check_accept(request, M4H_HTTP_JSON) ||
        !m4h_http_check_type(request, M4H_HTTP_JSON))
        return;
    error = m4h_json_slot_request_parse(body, len, &dispatch, &problem);
    if (error == M4H_EINVALID) {
        slots->refused++;
        m4h_http_answer_problem(request, 422, m4h_problem_code_name(problem.code), problem.detail,
                                0);
        return;
    }
    if (error != 0) {
        if (problem.code == 0)
            m4h_gateway_problem_of_error(&problem, error, "a master");
        answer_problem(slots, request, &problem);
        return;
    }
    snprintf(dispatch.request_id, sizeof(dispatch.request_id), "%s", m4h_http_request_id(request));
    ask(slots, request, NULL, "", &dispatch);
}

/* ---- WebSocket ------------------------------------------------------------------------------ */

/* What the master logs: the connection's id and the message's, where both fit. */
static void name_request(const struct m4h_gateway_socket *socket,
                         struct m4h_dispatch_request *dispatch)
{
    char both[2 * M4H_REQUEST_ID_MAX + 2];

    snprintf(both, sizeof(both), "%s/%s", socket->request_id, dispatch->request_id);
    if (strlen(both) <= M4H_REQUEST_ID_MAX)
        memcpy(dispatch->request_id, both, strlen(both) + 1);
}

/* What the socket may ask now. False: it is closed, or the message refused. */
static bool may_ask(struct m4h_gateway_socket *socket, uint32_t *retry_ms)
{
    struct m4h_gateway_access *access = socket->slots->access;

    *retry_ms = 0;
    if (!m4h_gateway_access_holds(access, &socket->asker, M4H_GATEWAY_SCOPE_SLOT)) {
        m4h_websocket_close(socket->websocket, M4H_WEBSOCKET_POLICY,
                            "the token is not valid any more");
        return false;
    }
    return m4h_gateway_access_counts(access, &socket->asker, retry_ms);
}

static void on_message(void *context, struct m4h_websocket *websocket, bool is_text,
                       const uint8_t *data, size_t len)
{
    struct m4h_gateway_socket *socket = context;
    char request_id[M4H_REQUEST_ID_MAX + 1];
    struct m4h_dispatch_request dispatch;
    struct m4h_problem problem;
    uint32_t retry_ms;
    int error;

    if (is_text != socket->dialect->is_text) {
        m4h_websocket_close(websocket, M4H_WEBSOCKET_UNACCEPTABLE,
                            is_text ? "this subprotocol is binary" : "this subprotocol is text");
        return;
    }
    if (!may_ask(socket, &retry_ms) && retry_ms == 0)
        return;
    socket->requests++;
    socket->slots->websocket_requests++;
    error = socket->dialect->read_request(data, len, &dispatch, &problem);
    if (error == 0 && retry_ms > 0) {
        m4h_problem_set(&problem, M4H_PROBLEM_THROTTLED, "too many requests");
        problem.retry_after_ms = retry_ms;
    } else if (error == 0 && socket->is_leaving)
        m4h_problem_set(&problem, M4H_PROBLEM_UNAVAILABLE, M4H_WEBSOCKET_LEAVING);
    else if (error == 0 && socket->in_flight >= socket->slots->in_flight_max)
        m4h_problem_set(&problem, M4H_PROBLEM_THROTTLED,
                        "too many requests of this connection wait for their answer");
    else if (error != 0 && problem.code == 0)
        m4h_gateway_problem_of_error(&problem, error, "a master");
    if (problem.code != 0) {
        send_problem(socket, dispatch.request_id, &problem);
        return;
    }
    memcpy(request_id, dispatch.request_id, sizeof(request_id));
    name_request(socket, &dispatch);
    ask(socket->slots, NULL, socket, request_id, &dispatch);
}

/* What it has asked already is answered first. */
static void on_drain(void *context, struct m4h_websocket *websocket)
{
    struct m4h_gateway_socket *socket = context;

    (void)websocket;
    socket->is_leaving = true;
    close_if_done(socket);
}

static void on_close(void *context, struct m4h_websocket *websocket, uint16_t code)
{
    struct m4h_gateway_socket *socket = context;
    struct pending *pending;

    m4h_log(M4H_LOG_INFO, "gateway",
            "peer=%s request_id=%s code=%u requests=%" PRIu64 " websocket closed",
            m4h_websocket_peer(websocket), socket->request_id, code, socket->requests);
    while ((pending = LIST_FIRST(&socket->pending)) != NULL) {
        m4h_gateway_rpc_cancel(pending->ask);
        free_pending(pending);
    }
    m4h_gateway_given_free(&socket->given);
    LIST_REMOVE(socket, link);
    free(socket);
}

static const struct m4h_websocket_handler handler = {
    .on_message = on_message,
    .on_drain = on_drain,
    .on_close = on_close,
};

static void get_slots(void *context, struct m4h_http_request *request)
{
    static const struct m4h_websocket_config config = {.subprotocols = m4h_gateway_dialect_names,
                                                       .handler = &handler};
    struct m4h_gateway_socket *socket = calloc(1, sizeof(*socket));

    if (socket == NULL) {
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
        return;
    }
    socket->slots = context;
    LIST_INIT(&socket->pending);
    m4h_gateway_access_keep(socket->slots->access, request, &socket->asker);
    snprintf(socket->request_id, sizeof(socket->request_id), "%s", m4h_http_request_id(request));
    if (m4h_websocket_accept(&socket->websocket, request, &config, socket) != 0) {
        free(socket);
        return;
    }
    socket->dialect = m4h_gateway_dialect_of(m4h_websocket_subprotocol(socket->websocket));
    LIST_INSERT_HEAD(&socket->slots->sockets, socket, link);
}

/* ---- notices --------------------------------------------------------------------------------- */

static void tell_of_drain(struct m4h_gateway_socket *socket, const char *slave_id)
{
    struct m4h_buffer document = M4H_BUFFER_INIT(ANSWER_MAX);
    struct m4h_drain_notice notice;

    notice.count = m4h_gateway_given_take(&socket->given, slave_id, notice.request_ids);
    if (notice.count == 0)
        return;
    snprintf(notice.slave_id, sizeof(notice.slave_id), "%s", slave_id);
    socket->slots->notices++;
    if (socket->dialect->write_notice(&document, &notice) == 0)
        send_document(socket, &document);
    m4h_buffer_free(&document);
}

void m4h_gateway_slots_draining(struct m4h_gateway_slots *slots, const char *slave_id)
{
    struct m4h_gateway_socket *socket;

    LIST_FOREACH(socket, &slots->sockets, link)
    {
        tell_of_drain(socket, slave_id);
    }
}

static const struct m4h_http_route routes[] = {
    {"GET", "/v1/slots", get_slots, false, M4H_GATEWAY_SCOPE_SLOT},
    {"POST", "/v1/slots", post_slot, false, M4H_GATEWAY_SCOPE_SLOT},
};

void m4h_gateway_slots_init(struct m4h_gateway_slots *slots)
{
    m4h_latency_init(&slots->rest_latency);
    m4h_latency_init(&slots->websocket_latency);
}

struct m4h_http_routes m4h_gateway_slots_routes(struct m4h_gateway_slots *slots)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), slots};
}
