/* Questions over the bus.
 *
 * Happy path: start -> the bus's request -> its reply -> on_end. A try that fails
 * is asked again where lib/base/tries.h says so, of another master where one is known
 * (lib/base/known_masters.h), else after a pause; on a timer. A try that the bus does
 * not even take fails on the timer too, so that on_end never comes from inside
 * m4h_gateway_rpc_start. */
#include "services/gateway/io/rpc.h"

#include "lib/base/error.h"
#include "lib/base/latency.h"
#include "lib/base/log.h"
#include "lib/base/tries.h"
#include "lib/net/timer.h"
#include "services/gateway/core/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

struct m4h_gateway_rpc_ask {
    struct m4h_gateway_rpc *rpc;
    struct m4h_tries tries;
    char subject[M4H_GATEWAY_SUBJECT_MAX];
    struct m4h_buffer request;
    char master[M4H_ID_MAX + 1]; /* that has it now; empty: the queue group, or a slave */
    uint64_t tried_ms;           /* since when */
    uint64_t began_us;           /* of m4h_latency_clock_us */
    bool of_group;
    uint64_t bus_id;         /* 0: not on the bus */
    struct m4h_timer *timer; /* made when it is first needed */
    bool is_ending;          /* inside on_end */
    bool is_put_off;         /* the answer was no more than "not now" */
    int error;               /* that the timer ends the try with; 0: it begins one */
    m4h_gateway_rpc_on_end on_end;
    void *context;
    LIST_ENTRY(m4h_gateway_rpc_ask) link;
};

struct m4h_gateway_rpc {
    struct m4h_loop *loop;
    struct m4h_bus *bus;
    struct m4h_gateway_readiness *readiness;
    uint32_t timeout_ms;
    bool is_closed;
    uint64_t random; /* never 0 */
    struct m4h_known_masters masters;
    struct m4h_gateway_rpc_stats stats;
    struct m4h_histogram masters_latency;
    struct m4h_histogram slaves_latency;
    LIST_HEAD(, m4h_gateway_rpc_ask) asks;
};

static void free_ask(struct m4h_gateway_rpc_ask *ask)
{
    LIST_REMOVE(ask, link);
    ask->rpc->stats.open--;
    m4h_timer_close(ask->timer);
    m4h_buffer_free(&ask->request);
    free(ask);
}

static bool is_to_masters(const struct m4h_gateway_rpc_ask *ask)
{
    static const char prefix[] = "mas4h.v1.rpc.";

    return strncmp(ask->subject, prefix, sizeof(prefix) - 1) == 0;
}

static void end(struct m4h_gateway_rpc_ask *ask, int error, const uint8_t *data, size_t len)
{
    ask->is_ending = true;
    ask->is_put_off = false;
    ask->on_end(ask->context, error, data, len);
    if (!ask->is_ending)
        return; /* it is asked again */
    m4h_latency_add(is_to_masters(ask) ? &ask->rpc->masters_latency : &ask->rpc->slaves_latency,
                    ask->began_us);
    if (error != 0)
        ask->rpc->stats.failed++;
    else if (!ask->is_put_off && is_to_masters(ask))
        m4h_gateway_readiness_proved(ask->rpc->readiness, m4h_loop_now_ms(ask->rpc->loop));
    free_ask(ask);
}

static void on_time(void *context);

/* Goes on after `delay_ms`: with the end of the try, or (0) with a new one. */
static int wait(struct m4h_gateway_rpc_ask *ask, uint32_t delay_ms, int error)
{
    if (ask->timer == NULL && m4h_timer_create(&ask->timer, ask->rpc->loop, on_time, ask) != 0)
        return M4H_ENOMEM;
    ask->error = error;
    m4h_timer_start(ask->timer, delay_ms, 0);
    return 0;
}

static uint64_t next_random(struct m4h_gateway_rpc *rpc)
{
    rpc->random ^= rpc->random << 13;
    rpc->random ^= rpc->random >> 7;
    rpc->random ^= rpc->random << 17;
    return rpc->random;
}

/* ---- the masters --------------------------------------------------------------- */

/* Names who is asked this time, or nobody; returns the subject. */
static const char *address(struct m4h_gateway_rpc_ask *ask, uint64_t now_ms, uint32_t *patience_ms,
                           char direct[M4H_KNOWN_MASTERS_SUBJECT_MAX])
{
    struct m4h_gateway_rpc *rpc = ask->rpc;
    const char *id = ask->of_group ? NULL
                                   : m4h_known_masters_choose(&rpc->masters, now_ms,
                                                              next_random(rpc), patience_ms);

    ask->master[0] = '\0';
    ask->tried_ms = now_ms;
    if (id == NULL || !m4h_known_masters_subject(direct, ask->subject, id)) {
        *patience_ms = UINT32_MAX;
        return ask->subject;
    }
    m4h_text_copy(ask->master, sizeof(ask->master), id);
    return direct;
}

/* What the end of a try says of the master that had it. */
static void judge_master(struct m4h_gateway_rpc_ask *ask, int error)
{
    struct m4h_known_masters *masters = &ask->rpc->masters;
    uint64_t now_ms = m4h_loop_now_ms(ask->rpc->loop);
    uint64_t took_ms = now_ms - ask->tried_ms;

    if (ask->master[0] == '\0' || !m4h_bus_is_connected(ask->rpc->bus))
        return;
    if (error == 0)
        m4h_known_masters_answered(masters, ask->master, took_ms);
    else if (m4h_known_masters_failed(masters, ask->master,
                                      error == M4H_ETIMEOUT ? took_ms : UINT64_MAX, now_ms))
        m4h_log(M4H_LOG_WARNING, "gateway", "master=%s reason=\"%s\" others are asked", ask->master,
                m4h_error_text(error));
}

/* Whether another try need not wait until somebody comes back. */
static bool is_another_there(struct m4h_gateway_rpc_ask *ask, uint64_t now_ms)
{
    uint32_t patience_ms;

    return ask->master[0] != '\0' && m4h_bus_is_connected(ask->rpc->bus) &&
           m4h_known_masters_choose(&ask->rpc->masters, now_ms, 0, &patience_ms) != NULL;
}

void m4h_gateway_rpc_heard(struct m4h_gateway_rpc *rpc, const struct m4h_master_hello *hello)
{
    m4h_known_masters_heard(&rpc->masters, hello, m4h_loop_now_ms(rpc->loop));
}

void m4h_gateway_rpc_near(struct m4h_gateway_rpc *rpc, const char *master_id)
{
    m4h_known_masters_near(&rpc->masters, master_id, m4h_loop_now_ms(rpc->loop));
}

void m4h_gateway_rpc_cut_off(struct m4h_gateway_rpc *rpc)
{
    m4h_known_masters_forget(&rpc->masters);
}

/* ---- tries ----------------------------------------------------------------------- */

/* True: another try follows one that ended with `error`. */
static bool repeat(struct m4h_gateway_rpc_ask *ask, int error)
{
    uint64_t now_ms = m4h_loop_now_ms(ask->rpc->loop);
    uint32_t pause_ms;

    if (ask->rpc->is_closed ||
        !m4h_tries_again(&ask->tries, error, now_ms, next_random(ask->rpc), &pause_ms) ||
        wait(ask, is_another_there(ask, now_ms) ? 0 : pause_ms, 0) != 0)
        return false;
    ask->rpc->stats.repeated++;
    return true;
}

static void finish_try(struct m4h_gateway_rpc_ask *ask, int error, const uint8_t *data, size_t len)
{
    ask->bus_id = 0;
    if (error == 0 || !repeat(ask, error))
        end(ask, error, data, len);
}

bool m4h_gateway_rpc_again(struct m4h_gateway_rpc_ask *ask)
{
    judge_master(ask, M4H_EUNAVAILABLE);
    ask->is_put_off = true;
    if (!repeat(ask, M4H_EUNAVAILABLE))
        return false;
    ask->is_ending = false;
    return true;
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    judge_master(context, error);
    finish_try(context, error, data, len);
}

/* Gives the question to the bus. */
static int try(struct m4h_gateway_rpc_ask *ask)
{
    uint64_t now_ms = m4h_loop_now_ms(ask->rpc->loop);
    char direct[M4H_KNOWN_MASTERS_SUBJECT_MAX];
    uint32_t patience_ms;
    const char *subject = address(ask, now_ms, &patience_ms, direct);
    uint32_t timeout_ms = m4h_tries_next(&ask->tries, now_ms, patience_ms);

    if (timeout_ms == 0)
        return M4H_ETIMEOUT;
    return m4h_bus_request(ask->rpc->bus, subject, ask->request.data, ask->request.len, now_ms,
                           timeout_ms, on_reply, ask, &ask->bus_id);
}

static void on_time(void *context)
{
    struct m4h_gateway_rpc_ask *ask = context;
    int error = ask->error != 0 ? ask->error : try(ask);

    if (error != 0)
        finish_try(ask, error, NULL, 0);
}

int m4h_gateway_rpc_start(struct m4h_gateway_rpc *rpc,
                          const struct m4h_gateway_rpc_question *question,
                          m4h_gateway_rpc_on_end on_end, void *context,
                          struct m4h_gateway_rpc_ask **ask)
{
    struct m4h_gateway_rpc_ask *made;
    int error;

    *ask = NULL;
    if (rpc->is_closed)
        return M4H_ECLOSED;
    made = calloc(1, sizeof(*made));
    if (made == NULL)
        return M4H_ENOMEM;
    made->rpc = rpc;
    made->on_end = on_end;
    made->context = context;
    made->began_us = m4h_latency_clock_us();
    made->of_group = question->of_group;
    made->request.cap = question->request->len;
    snprintf(made->subject, sizeof(made->subject), "%s", question->subject);
    m4h_tries_begin(&made->tries, m4h_loop_now_ms(rpc->loop), rpc->timeout_ms,
                    question->may_repeat);
    LIST_INSERT_HEAD(&rpc->asks, made, link);
    rpc->stats.open++;
    rpc->stats.asked++;
    error = m4h_buffer_add(&made->request, question->request->data, question->request->len);
    if (error == 0) {
        error = try(made);
        if (error != 0)
            error = wait(made, 0, error);
    }
    if (error != 0)
        free_ask(made);
    else
        *ask = made;
    return error;
}

void m4h_gateway_rpc_cancel(struct m4h_gateway_rpc_ask *ask)
{
    if (ask == NULL)
        return;
    if (ask->bus_id != 0)
        m4h_bus_cancel(ask->rpc->bus, ask->bus_id);
    free_ask(ask);
}

int m4h_gateway_rpc_create(struct m4h_gateway_rpc **rpc, struct m4h_loop *loop, struct m4h_bus *bus,
                           struct m4h_gateway_readiness *readiness, uint32_t timeout_ms)
{
    *rpc = calloc(1, sizeof(**rpc));
    if (*rpc == NULL)
        return M4H_ENOMEM;
    (*rpc)->loop = loop;
    (*rpc)->bus = bus;
    (*rpc)->readiness = readiness;
    (*rpc)->timeout_ms = timeout_ms;
    if (getrandom(&(*rpc)->random, sizeof((*rpc)->random), 0) != sizeof((*rpc)->random) ||
        (*rpc)->random == 0)
        (*rpc)->random = 1;
    m4h_latency_init(&(*rpc)->masters_latency);
    m4h_latency_init(&(*rpc)->slaves_latency);
    LIST_INIT(&(*rpc)->asks);
    return 0;
}

void m4h_gateway_rpc_close(struct m4h_gateway_rpc *rpc)
{
    struct m4h_gateway_rpc_ask *ask;

    rpc->is_closed = true;
    while ((ask = LIST_FIRST(&rpc->asks)) != NULL) {
        if (ask->bus_id != 0)
            m4h_bus_cancel(rpc->bus, ask->bus_id);
        end(ask, M4H_ECLOSED, NULL, 0);
    }
}

void m4h_gateway_rpc_destroy(struct m4h_gateway_rpc *rpc)
{
    free(rpc);
}

void m4h_gateway_rpc_write_latency(const struct m4h_gateway_rpc *rpc, struct m4h_metrics *metrics)
{
    static const char name[] = "mas4h_gateway_rpc_duration_seconds";

    m4h_metrics_describe(metrics, name, "histogram",
                         "How long questions to masters and slaves took, with all their tries.");
    m4h_metrics_histogram(metrics, name, &(struct m4h_metric_label){"to", "masters"}, 1,
                          &rpc->masters_latency, M4H_LATENCY_UNIT);
    m4h_metrics_histogram(metrics, name, &(struct m4h_metric_label){"to", "slaves"}, 1,
                          &rpc->slaves_latency, M4H_LATENCY_UNIT);
}

void m4h_gateway_rpc_stats(const struct m4h_gateway_rpc *rpc, struct m4h_gateway_rpc_stats *stats)
{
    *stats = rpc->stats;
    m4h_known_masters_count(&rpc->masters, m4h_loop_now_ms(rpc->loop), &stats->masters);
}
