/* Answers: made at once as the library's response object, logged, and queued
 * when the library next asks for them. */
#include "lib/http/server.h"

#include "lib/base/latency.h"
#include "lib/base/log.h"
#include "lib/json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEM_MAX     4096
#define PATH_LOG_MAX    256
#define RETRY_TEXT      16
#define SUPPRESSED_TEXT 32
#define MS_PER_SECOND   1000u

bool m4h_http_response_header(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* A stranger must not choose how much is logged: of what he is refused, and of what
 * everybody may ask for, a bounded part is. */
static bool may_log(const struct m4h_http_request *request, uint32_t *suppressed)
{
    const struct m4h_http_route *route = request->match.route;
    struct m4h_http_server *server = request->server;
    bool is_for_all = route != NULL && route->scope == 0;

    *suppressed = 0;
    return request->asker[0] != '\0' ||
           (!is_for_all && (request->status < 400 || request->status >= 500)) ||
           m4h_log_limit_allows(&server->refusal_lines, m4h_loop_now_ms(server->loop), suppressed);
}

static void log_answer(const struct m4h_http_request *request)
{
    const struct m4h_http_server *server = request->server;
    bool quiet = request->match.route != NULL && request->match.route->quiet;
    enum m4h_log_level level = quiet ? M4H_LOG_DEBUG : M4H_LOG_INFO;
    char path[PATH_LOG_MAX], held_back[SUPPRESSED_TEXT] = "";
    uint32_t suppressed;

    if (!m4h_log_is_on(level) || !may_log(request, &suppressed))
        return;
    if (suppressed > 0)
        snprintf(held_back, sizeof(held_back), " suppressed=%" PRIu32, suppressed);
    m4h_log(
        level, server->config.component,
        "method=%s path=%s status=%u ms=%" PRIu64 " bytes=%zu peer=%s%s%s request_id=%s%s answered",
        request->method, m4h_log_quote(path, sizeof(path), request->path), request->status,
        (m4h_latency_clock_us() - request->started_us) / 1000, request->answer_len, request->peer,
        request->asker[0] != '\0' ? " token=" : "", request->asker, request->id, held_back);
}

static void count(struct m4h_http_stats *stats, unsigned status)
{
    stats->requests++;
    if (status >= 500)
        stats->answers_5xx++;
    else if (status >= 400)
        stats->answers_4xx++;
}

static void wake_up(struct m4h_http_request *request)
{
    TAILQ_REMOVE(&request->server->deferred, request, link);
    request->is_suspended = false;
    request->server->stats.deferred--;
    MHD_resume_connection(request->connection);
    m4h_http_server_turn(request->server);
}

struct MHD_Response *m4h_http_response_empty(void)
{
    return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
}

/* What every answer carries. */
static bool add_standard_headers(struct m4h_http_request *request)
{
    return m4h_http_response_header(request->response, "X-Request-Id", request->id) &&
           (!request->server->is_leaving || request->status == MHD_HTTP_SWITCHING_PROTOCOLS ||
            m4h_http_response_header(request->response, "Connection", "close"));
}

void m4h_http_request_end(struct m4h_http_request *request, unsigned status,
                          struct MHD_Response *response, size_t len)
{
    request->is_answered = true;
    request->response = response;
    request->status = status;
    request->answer_len = len;
    if (response == NULL || !add_standard_headers(request)) {
        if (response != NULL)
            MHD_destroy_response(response);
        request->response = m4h_http_response_empty();
        request->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        request->answer_len = 0;
    }
    count(&request->server->stats, request->status);
    m4h_http_durations_add(request->server->durations, request->match.route, request->status,
                           request->started_us);
    log_answer(request);
    if (request->is_suspended)
        wake_up(request);
}

void m4h_http_request_release(struct m4h_http_request *request)
{
    if (request->connection != NULL || request->is_deferred)
        return;
    if (request->response != NULL)
        MHD_destroy_response(request->response);
    m4h_buffer_free(&request->body);
    free(request);
}

bool m4h_http_request_take_back(struct m4h_http_request *request)
{
    request->is_deferred = false;
    if (!request->is_answered)
        return true;
    m4h_http_request_release(request);
    return false;
}

static struct MHD_Response *response_of(const struct m4h_http_answer *answer)
{
    struct m4h_buffer *body = answer->body;
    struct MHD_Response *response;
    bool ok = true;

    if (body == NULL || body->len == 0)
        response = m4h_http_response_empty();
    else
        response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        return NULL;
    if (body != NULL && body->len > 0)
        *body = (struct m4h_buffer)M4H_BUFFER_INIT(body->cap);
    if (answer->content_type != NULL)
        ok = m4h_http_response_header(response, "Content-Type", answer->content_type);
    for (size_t i = 0; i < answer->header_count && ok; i++)
        ok = m4h_http_response_header(response, answer->headers[i].name, answer->headers[i].value);
    if (ok)
        return response;
    MHD_destroy_response(response);
    return NULL;
}

/* As m4h_http_answer, where the handler need not hold the request. */
static void end_with(struct m4h_http_request *request, const struct m4h_http_answer *answer)
{
    size_t len = answer->body != NULL ? answer->body->len : 0;

    m4h_http_request_end(request, answer->status, response_of(answer), len);
    if (answer->body != NULL)
        m4h_buffer_free(answer->body);
}

void m4h_http_answer(struct m4h_http_request *request, const struct m4h_http_answer *answer)
{
    if (m4h_http_request_take_back(request))
        end_with(request, answer);
    else if (answer->body != NULL)
        m4h_buffer_free(answer->body);
}

void m4h_http_answer_json(struct m4h_http_request *request, unsigned status,
                          struct m4h_buffer *body)
{
    static const struct m4h_http_header no_store = {"Cache-Control", "no-store"};

    m4h_http_answer(request,
                    &(struct m4h_http_answer){status, "application/json", body, &no_store, 1});
}

static void end_with_problem(struct m4h_http_request *request,
                             const struct m4h_json_problem *problem,
                             const struct m4h_http_header *header)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(PROBLEM_MAX);
    struct m4h_http_header headers[2] = {{"Cache-Control", "no-store"}};
    struct m4h_http_answer answer = {problem->status, "application/problem+json", &body, headers,
                                     1};

    if (header != NULL && header->value != NULL)
        headers[answer.header_count++] = *header;
    if (m4h_json_problem(&body, problem) != 0)
        answer.content_type = NULL;
    end_with(request, &answer);
}

static void answer_problem(struct m4h_http_request *request, unsigned status, const char *code,
                           const char *detail, uint32_t retry_after_ms,
                           const struct m4h_http_header *header)
{
    struct m4h_json_problem problem = {status,        code,        detail,
                                       request->path, request->id, retry_after_ms};

    end_with_problem(request, &problem, header);
}

void m4h_http_answer_problem(struct m4h_http_request *request, unsigned status, const char *code,
                             const char *detail, uint32_t retry_after_ms)
{
    struct m4h_http_header retry = {"Retry-After", NULL};
    char seconds[RETRY_TEXT];

    if (!m4h_http_request_take_back(request))
        return;
    if (retry_after_ms != 0) {
        snprintf(seconds, sizeof(seconds), "%u", (retry_after_ms - 1) / MS_PER_SECOND + 1);
        retry.value = seconds;
    }
    answer_problem(request, status, code, detail, retry_after_ms, &retry);
}

void m4h_http_refuse(struct m4h_http_request *request, unsigned status, const char *code,
                     const char *detail, const char *header, const char *value)
{
    struct m4h_http_header added = {header, value};

    answer_problem(request, status, code, detail, 0, &added);
}

void m4h_http_request_give_up(struct m4h_http_request *request, unsigned status, const char *code,
                              const char *detail)
{
    answer_problem(request, status, code, detail, 0, NULL);
}
