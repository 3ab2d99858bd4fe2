/* A request of REST that asks the cluster one question after the other, and ends with one answer:
 * a problem in any reply is the answer, and so is a question that gets no reply. Runs on the
 * loop. */
#ifndef M4H_GATEWAY_EXCHANGE_H
#define M4H_GATEWAY_EXCHANGE_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/model.h"
#include "lib/http/http.h"
#include "services/gateway/io/rpc.h"

struct m4h_gateway_exchange;

/* It is over, and about to be answered: with a problem, where that has a code. */
typedef void (*m4h_gateway_exchange_on_over)(struct m4h_gateway_exchange *exchange,
                                             const struct m4h_problem *problem);

/* The beginning of the struct of who asks. */
struct m4h_gateway_exchange {
    struct m4h_gateway_rpc *rpc;
    struct m4h_http_request *request; /* deferred */
    bool asks_slave;                  /* the question that is open, for the problem */
    char slave_id[M4H_ID_MAX + 1];
    struct m4h_gateway_rpc_ask *ask;
    m4h_gateway_exchange_on_over on_over; /* NULL: nobody is told */
};

/* Begins one of `size` bytes, zeroes but for the exchange at its front, and defers the request.
 * NULL: it is answered (no memory). */
void *m4h_gateway_exchange_begin(size_t size, struct m4h_gateway_rpc *rpc,
                                 struct m4h_http_request *request);

/* Asks, or finishes where that fails. `message` was encoded with `error`; it is freed. `on_end`
 * gets the exchange. */
void m4h_gateway_exchange_ask(struct m4h_gateway_exchange *exchange, const char *subject,
                              bool may_repeat, struct m4h_buffer *message, int error,
                              m4h_gateway_rpc_on_end on_end);

/* The one end, from inside an on_end: `error` of the question, or the reply's problem, or the
 * answer. `body` is taken; NULL: there is none. Or no end yet: the question is repeated, and on_end
 * comes again. Frees the exchange, with free(). */
void m4h_gateway_exchange_finish(struct m4h_gateway_exchange *exchange, int error,
                                 struct m4h_problem *problem, unsigned status,
                                 struct m4h_buffer *body);
/* The same with a problem of this gateway, where no reply is behind it; on_over is not told. */
void m4h_gateway_exchange_refuse(struct m4h_gateway_exchange *exchange, unsigned status,
                                 const char *code, const char *detail);

/* The query's `reason`, empty where there is none. False: it is too long, and answered. */
bool m4h_gateway_read_reason(struct m4h_http_request *request, char reason[M4H_DETAIL_MAX + 1]);
/* Answers that the body is wrong; `error` is what a reader of lib/json said of it, and `detail` its
 * problem. */
void m4h_gateway_answer_document(struct m4h_http_request *request, int error, const char *detail);
/* Answers with a problem of the cluster. */
void m4h_gateway_answer_problem(struct m4h_http_request *request,
                                const struct m4h_problem *problem);

#endif
