/* Requests that ask the cluster. */
#include "services/gateway/io/exchange.h"

#include "lib/base/error.h"
#include "services/gateway/core/problem.h"

#include <stdio.h>
#include <stdlib.h>

void m4h_gateway_answer_problem(struct m4h_http_request *request, const struct m4h_problem *problem)
{
    m4h_http_answer_problem(request, m4h_gateway_problem_status(problem),
                            m4h_problem_code_name(problem->code), problem->detail,
                            m4h_gateway_problem_retry_ms(problem));
}

void *m4h_gateway_exchange_begin(size_t size, struct m4h_gateway_rpc *rpc,
                                 struct m4h_http_request *request)
{
    struct m4h_gateway_exchange *exchange = calloc(1, size);

    if (exchange == NULL) {
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
        return NULL;
    }
    exchange->rpc = rpc;
    exchange->request = request;
    m4h_http_defer(request);
    return exchange;
}

void m4h_gateway_exchange_finish(struct m4h_gateway_exchange *exchange, int error,
                                 struct m4h_problem *problem, unsigned status,
                                 struct m4h_buffer *body)
{
    struct m4h_http_request *request = exchange->request;
    char whom[M4H_ID_MAX + 16] = "a master";

    /* A master that is not ready yet: another one may be. */
    if (error == 0 && problem->code == M4H_PROBLEM_UNAVAILABLE &&
        m4h_gateway_rpc_again(exchange->ask))
        return;
    if (exchange->asks_slave)
        snprintf(whom, sizeof(whom), "slave %s", exchange->slave_id);
    if (error != 0)
        m4h_gateway_problem_of_error(problem, error, whom);
    if (exchange->on_over != NULL)
        exchange->on_over(exchange, problem);
    free(exchange);
    if (problem->code != 0)
        m4h_gateway_answer_problem(request, problem);
    else if (body != NULL)
        m4h_http_answer_json(request, status, body);
    else
        m4h_http_answer(request, &(struct m4h_http_answer){.status = status});
    if (body != NULL)
        m4h_buffer_free(body);
}

void m4h_gateway_exchange_refuse(struct m4h_gateway_exchange *exchange, unsigned status,
                                 const char *code, const char *detail)
{
    m4h_http_answer_problem(exchange->request, status, code, detail, 0);
    free(exchange);
}

void m4h_gateway_exchange_ask(struct m4h_gateway_exchange *exchange, const char *subject,
                              bool may_repeat, struct m4h_buffer *message, int error,
                              m4h_gateway_rpc_on_end on_end)
{
    struct m4h_gateway_rpc_question question = {
        .subject = subject, .request = message, .may_repeat = may_repeat};
    struct m4h_problem problem = {0};

    if (error == 0)
        error = m4h_gateway_rpc_start(exchange->rpc, &question, on_end, exchange, &exchange->ask);
    m4h_buffer_free(message);
    if (error != 0)
        m4h_gateway_exchange_finish(exchange, error, &problem, 0, NULL);
}

bool m4h_gateway_read_reason(struct m4h_http_request *request, char reason[M4H_DETAIL_MAX + 1])
{
    const char *given = m4h_http_query(request, "reason");

    if (m4h_text_copy(reason, M4H_DETAIL_MAX + 1, given != NULL ? given : ""))
        return true;
    m4h_http_answer_problem(request, 400, "invalid", "reason must be at most 255 bytes", 0);
    return false;
}

void m4h_gateway_answer_document(struct m4h_http_request *request, int error, const char *detail)
{
    switch (error) {
    case M4H_EPROTOCOL:
        m4h_http_answer_problem(request, 400, "invalid", detail, 0);
        break;
    case M4H_EINVALID:
        m4h_http_answer_problem(request, 422, "invalid", detail, 0);
        break;
    case M4H_ETOOBIG:
        m4h_http_answer_problem(request, 413, "too_large", detail, 0);
        break;
    default:
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
    }
}
