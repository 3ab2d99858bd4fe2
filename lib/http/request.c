/* A request on its way from libmicrohttpd to its handler and back.
 *
 * The library calls on_target with the request line, then on_request with the
 * head, with each piece of the body, and with nothing when it is complete. We
 * look at the head once: what cannot be served is refused there, unread. The
 * handler runs at the end of the body. If it defers, the library's connection is
 * put to sleep; when the answer is there it wakes, calls on_request again, and
 * gets it. on_completed comes in any case, at the end.
 *
 * Failures: the client goes away while the request sleeps - nobody notices until
 * the answer is written, which then fails in the library; no memory - the
 * connection is closed. */
#include "lib/http/server.h"

#include "lib/base/error.h"
#include "lib/base/latency.h"
#include "lib/http/accept.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A body that goes on so long after it was found too large ends the connection. */
#define BODY_WASTE_MAX (1024u * 1024u)
#define ACCEPT_MAX     1024

void *m4h_http_on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct m4h_http_server *server = context;
    const char *path = m4h_http_target_path(target);
    size_t len = strnlen(path, M4H_HTTP_TARGET_MAX + 1);
    struct m4h_http_request *request;
    size_t kept = len > M4H_HTTP_TARGET_MAX ? 0 : len;

    request = calloc(1, sizeof(*request) + 2 * (kept + 1));
    if (request == NULL)
        return NULL;
    request->server = server;
    request->connection = connection;
    request->too_long = len > M4H_HTTP_TARGET_MAX;
    request->started_us = m4h_latency_clock_us();
    request->body.cap = server->config.body_max;
    memcpy(request->text, path, kept);
    memcpy(request->text + kept + 1, path, kept);
    request->path = request->text;
    request->parts = request->text + kept + 1;
    request->path[strcspn(request->path, "?")] = '\0';
    request->query_text = request->parts + strcspn(request->parts, "?");
    if (*request->query_text == '?')
        *request->query_text++ = '\0';
    return request;
}

/* ---- the head ------------------------------------------------------------------- */

static bool is_request_id(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return len > 0 && len <= M4H_REQUEST_ID_MAX && text[len] == '\0';
}

/* Numbers that do not repeat and do not tell how many there were (splitmix64). */
static uint64_t next_id(struct m4h_http_server *server)
{
    uint64_t id = server->id_seed += 0x9e3779b97f4a7c15u;

    id = (id ^ (id >> 30)) * 0xbf58476d1ce4e5b9u;
    id = (id ^ (id >> 27)) * 0x94d049bb133111ebu;
    return id ^ (id >> 31);
}

static void identify(struct m4h_http_request *request, const char *method)
{
    const char *id = m4h_http_header(request, "X-Request-Id");

    /* What is none is refused, and not logged as it came. */
    snprintf(request->method, sizeof(request->method), "%s",
             m4h_http_is_token(method) ? method : "?");
    if (id != NULL && is_request_id(id))
        snprintf(request->id, sizeof(request->id), "%s", id);
    else
        snprintf(request->id, sizeof(request->id), "%016" PRIx64, next_id(request->server));
    m4h_http_find_client(request);
}

/* The length that the client announced, or 0. */
static uint64_t announced(const struct m4h_http_request *request)
{
    const char *text = m4h_http_header(request, "Content-Length");

    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static bool is_admitted(struct m4h_http_request *request)
{
    const struct m4h_http_config *config = &request->server->config;

    return config->admit == NULL ||
           config->admit(config->admit_context, request, request->match.route->scope);
}

/* Finds the handler and checks what is known before the body; a refusal is the answer. */
static void begin(struct m4h_http_request *request)
{
    const struct m4h_http_config *config = &request->server->config;
    int error;

    if (request->too_long) {
        m4h_http_answer_problem(request, 414, "target_too_long", NULL, 0);
        return;
    }
    if (*request->method == '?' || !m4h_http_head_is_sound(request)) {
        m4h_http_refuse(request, 400, "invalid", "the head can be read in more than one way",
                        "Connection", "close");
        return;
    }
    error = m4h_http_route_find(config->routes, config->routes_count, request->method,
                                request->parts, &request->match);
    if (error == M4H_ENOTFOUND)
        m4h_http_answer_problem(request, 404, "not_found", "there is nothing at this path", 0);
    else if (error == M4H_EEXIST)
        m4h_http_refuse(request, 405, "method_not_allowed", NULL, "Allow", request->match.allow);
    else if (error != 0)
        m4h_http_answer_problem(request, 400, "invalid", "the path is not valid text", 0);
    else if (m4h_http_query_parse(request->query_text, request->query, &request->query_count) != 0)
        m4h_http_answer_problem(request, 400, "invalid", "the query is not valid", 0);
    else if (is_admitted(request) && announced(request) > config->body_max)
        m4h_http_answer_problem(request, 413, "too_large", NULL, 0);
}

/* ---- the body, the handler, the answer --------------------------------------------- */

static enum MHD_Result take_body(struct m4h_http_request *request, const char *data, size_t *len)
{
    size_t taken = *len;

    *len = 0;
    if (!request->body_too_large && m4h_buffer_add(&request->body, data, taken) == 0)
        return MHD_YES;
    request->body_too_large = true;
    request->body_wasted += taken;
    return request->body_wasted > BODY_WASTE_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result queue_answer(struct m4h_http_request *request)
{
    enum MHD_Result result = MHD_NO;

    if (request->response != NULL) {
        result = MHD_queue_response(request->connection, request->status, request->response);
        MHD_destroy_response(request->response);
        request->response = NULL;
    }
    return result;
}

static void sleep_until_answered(struct m4h_http_request *request)
{
    struct m4h_http_server *server = request->server;

    request->deferred_ms = m4h_loop_now_ms(server->loop);
    request->is_suspended = true;
    TAILQ_INSERT_TAIL(&server->deferred, request, link);
    server->stats.deferred++;
    m4h_http_server_expect(server, server->config.answer_timeout_ms);
    MHD_suspend_connection(request->connection);
}

/* The request is complete. */
static enum MHD_Result handle(struct m4h_http_request *request)
{
    if (!request->is_answered && request->body_too_large)
        m4h_http_answer_problem(request, 413, "too_large", NULL, 0);
    else if (!request->is_answered && !request->is_deferred)
        request->match.route->handler(request->match.context, request);
    if (request->is_answered)
        return queue_answer(request);
    if (!request->is_deferred)
        return MHD_NO; /* a handler that did neither: our bug */
    sleep_until_answered(request);
    return MHD_YES;
}

static enum MHD_Result look_at_head(struct m4h_http_request *request, const char *method,
                                    const char *version)
{
    struct m4h_http_connection *connection = m4h_http_connection_of(request->connection);

    request->begun = true;
    request->is_http_1_1 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
    if (connection == NULL)
        return MHD_NO;
    connection->in_request = true;
    connection->has_asked = true;
    m4h_http_connection_receives(connection, true); /* the body */
    identify(request, method);
    begin(request);
    return request->is_answered ? queue_answer(request) : MHD_YES;
}

enum MHD_Result m4h_http_on_request(void *server, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *upload, size_t *upload_len, void **context)
{
    struct m4h_http_request *request = *context;

    (void)server;
    (void)url;
    if (request == NULL)
        return MHD_NO;
    if (!request->begun)
        return look_at_head(request, method, version);
    if (*upload_len > 0)
        return take_body(request, upload, upload_len);
    m4h_http_connection_receives(m4h_http_connection_of(connection), false);
    return handle(request);
}

void m4h_http_on_completed(void *server, struct MHD_Connection *connection, void **context,
                           enum MHD_RequestTerminationCode code)
{
    struct m4h_http_request *request = *context;
    struct m4h_http_connection *ours = m4h_http_connection_of(connection);

    (void)server;
    if (request == NULL)
        return;
    *context = NULL;
    if (request->websocket != NULL)
        m4h_websocket_abandon(request->websocket);
    if (request->stream != NULL)
        m4h_http_stream_over(request->stream);
    if (ours != NULL && code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        ours->in_request = false;
        m4h_http_connection_receives(ours, true); /* the next request */
    }
    request->connection = NULL;
    if (request->is_deferred)
        request->server = NULL;
    m4h_http_request_release(request);
}

/* ---- what handlers read ----------------------------------------------------------- */

const char *m4h_http_method(const struct m4h_http_request *request)
{
    return request->method;
}

const char *m4h_http_path(const struct m4h_http_request *request)
{
    return request->path;
}

const char *m4h_http_peer(const struct m4h_http_request *request)
{
    return request->peer;
}

const struct m4h_ip *m4h_http_source(const struct m4h_http_request *request)
{
    return &request->source;
}

bool m4h_http_is_encrypted(const struct m4h_http_request *request)
{
    return request->is_encrypted;
}

const char *m4h_http_request_id(const struct m4h_http_request *request)
{
    return request->id;
}

const char *m4h_http_path_parameter(const struct m4h_http_request *request, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < request->match.parameter_count; i++) {
        const char *in_pattern = request->match.parameters[i].name;

        if (strncmp(in_pattern, name, len) == 0 && in_pattern[len] == '}')
            return request->match.parameters[i].value;
    }
    return NULL;
}

const char *m4h_http_query_at(const struct m4h_http_request *request, const char *name,
                              size_t index)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (strcmp(request->query[i].name, name) == 0 && index-- == 0)
            return request->query[i].value;
    }
    return NULL;
}

const char *m4h_http_query(const struct m4h_http_request *request, const char *name)
{
    return m4h_http_query_at(request, name, 0);
}

const char *m4h_http_header(const struct m4h_http_request *request, const char *name)
{
    if (request->connection == NULL)
        return NULL;
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

void m4h_http_set_asker(struct m4h_http_request *request, const char *name)
{
    snprintf(request->asker, sizeof(request->asker), "%s", name);
}

const char *m4h_http_asker(const struct m4h_http_request *request)
{
    return request->asker;
}

struct join {
    const char *name;
    char *out;
    size_t size;
};

static enum MHD_Result join_one(void *context, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    struct join *join = context;
    size_t len = strlen(join->out);

    (void)kind;
    if (value != NULL && strcasecmp(name, join->name) == 0)
        snprintf(join->out + len, join->size - len, "%s%s", len > 0 ? ", " : "", value);
    return MHD_YES;
}

void m4h_http_header_join(const struct m4h_http_request *request, const char *name, char *out,
                          size_t out_size)
{
    struct join join = {name, out, out_size};

    out[0] = '\0';
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, join_one, &join);
}

bool m4h_http_check_accept(struct m4h_http_request *request, const char *type)
{
    char accept[ACCEPT_MAX];

    m4h_http_header_join(request, "Accept", accept, sizeof(accept));
    /* One that was cut may have named the type further on. */
    if (strlen(accept) == sizeof(accept) - 1 || m4h_http_accept_allows(accept, type))
        return true;
    m4h_http_answer_problem(request, 406, "not_acceptable", NULL, 0);
    return false;
}

bool m4h_http_check_type(struct m4h_http_request *request, const char *type)
{
    const char *sent = m4h_http_header(request, "Content-Type");

    if (request->body.len == 0 || sent == NULL || m4h_http_type_is(sent, type) ||
        m4h_http_type_is(sent, "application/x-www-form-urlencoded"))
        return true;
    m4h_http_refuse(request, 415, "unsupported_media_type", NULL, "Accept", type);
    return false;
}

const uint8_t *m4h_http_body(const struct m4h_http_request *request, size_t *len)
{
    *len = request->body.len;
    return request->body.data;
}

void m4h_http_defer(struct m4h_http_request *request)
{
    request->is_deferred = true;
}
