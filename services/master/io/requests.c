/* Requests for a slot, and how all requests are answered. */
#include "services/master/io/service.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"

#include <string.h>

bool m4h_master_answers(const struct m4h_master *master, struct m4h_problem *problem)
{
    const char *lack = m4h_master_readiness_lack(&master->readiness);

    if (lack == NULL)
        return true;
    m4h_problem_set(problem, M4H_PROBLEM_UNAVAILABLE, lack);
    problem->retry_after_ms = 1000;
    return false;
}

void m4h_master_answer_to(struct m4h_master *master, const char *reply, uint64_t arrived_us,
                          enum m4h_master_request kind, int error)
{
    if (error == 0 && reply != NULL)
        error = m4h_bus_publish(master->bus, reply, M4H_BUS_FRESH, NULL, master->out.data,
                                master->out.len);
    if (error != 0)
        master->counters.answers_lost++;
    m4h_latency_add(&master->latency[kind], arrived_us);
    m4h_buffer_clear(&master->out);
}

void m4h_master_answer(struct m4h_master *master, const struct m4h_bus_message *message,
                       enum m4h_master_request kind, int error)
{
    m4h_master_answer_to(master, m4h_bus_is_request(message) ? message->reply : NULL,
                         message->arrived_us, kind, error);
}

/* ---- dispatch ------------------------------------------------------------- */

static enum m4h_dispatch_result result_of(const struct m4h_problem *problem)
{
    switch (problem->code) {
    case M4H_PROBLEM_NO_CAPACITY:
        return M4H_DISPATCH_NO_CAPACITY;
    case M4H_PROBLEM_THROTTLED:
        return M4H_DISPATCH_THROTTLED;
    case M4H_PROBLEM_UNAVAILABLE:
        return M4H_DISPATCH_NOT_READY;
    case M4H_PROBLEM_INVALID:
    case M4H_PROBLEM_NOT_FOUND:
    case M4H_PROBLEM_INTERNAL:
    case M4H_PROBLEM_CONFLICT:
        return M4H_DISPATCH_FAILED;
    }
    return M4H_DISPATCH_SLOT;
}

static void log_dispatch(const struct m4h_dispatch_request *request, const struct m4h_slot *slot,
                         const struct m4h_problem *problem)
{
    char id[2 * M4H_REQUEST_ID_MAX];

    if (!m4h_log_is_on(M4H_LOG_DEBUG))
        return;
    m4h_log_quote(id, sizeof(id), request->request_id);
    if (problem->code == 0)
        m4h_log(M4H_LOG_DEBUG, M4H_MASTER_LOG, "request=%s region=%s slave=%s slot is given", id,
                request->region, slot->slave_id);
    else
        m4h_log(M4H_LOG_DEBUG, M4H_MASTER_LOG, "request=%s region=%s reason=%s no slot is given",
                id, request->region, m4h_problem_code_name(problem->code));
}

/* Chooses, and lets the other masters know: a device that gets no slot now has lost the
 * one that was kept for it. */
static void dispatch(struct m4h_master *master, const struct m4h_dispatch_request *request,
                     struct m4h_slot *slot, struct m4h_problem *problem)
{
    bool had_slot = m4h_cluster_keeps_slot(master->cluster, request->client_key);

    if (m4h_cluster_dispatch(master->cluster, request, m4h_master_moment(master),
                             m4h_master_random(master), slot, problem) == 0)
        m4h_master_share(master, slot->slave_id, request->client_key);
    else if (had_slot)
        m4h_master_share(master, "", request->client_key);
}

void m4h_master_on_dispatch(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_dispatch_request request = {0};
    struct m4h_problem problem = {0};
    struct m4h_slot slot;

    if (!m4h_bus_is_request(message) ||
        m4h_wire_dispatch_request_decode(message->data, message->len, &request) != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a dispatch request");
    else if (m4h_master_answers(master, &problem))
        dispatch(master, &request, &slot, &problem);
    master->counters.dispatches[result_of(&problem)]++;
    log_dispatch(&request, &slot, &problem);
    m4h_master_answer(master, message, M4H_MASTER_DISPATCH,
                      m4h_wire_dispatch_reply_encode(&slot, &problem, &master->out));
}
