/* Status queries, and where devices hang. */
#include "services/master/io/service.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/wire/wire.h"

/* The problem that a query ends with before it is asked of the cluster; code 0:
 * none. `error` is that of decoding it. */
static struct m4h_problem problem_with(struct m4h_master *master, int error)
{
    struct m4h_problem problem = {0};

    if (error != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not such a status request");
    else
        m4h_master_answers(master, &problem);
    return problem;
}

static void count(struct m4h_master *master, const struct m4h_problem *problem)
{
    if (problem->code != 0)
        master->counters.status_problems++;
    else
        master->counters.status_answers++;
}

static void log_answer(const char *request_id, const char *what, const struct m4h_problem *problem)
{
    char id[2 * M4H_REQUEST_ID_MAX];

    if (!m4h_log_is_on(M4H_LOG_DEBUG))
        return;
    m4h_log(M4H_LOG_DEBUG, M4H_MASTER_LOG, "request=%s what=%s result=%s status is told",
            m4h_log_quote(id, sizeof(id), request_id), what,
            problem->code != 0 ? m4h_problem_code_name(problem->code) : "ok");
}

void m4h_master_on_cluster(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    char request_id[M4H_REQUEST_ID_MAX + 1] = "";
    struct m4h_problem problem = problem_with(
        master, m4h_wire_cluster_request_decode(message->data, message->len, request_id));
    struct m4h_cluster_status status = {0};
    size_t regions = 0;

    if (problem.code == 0) {
        m4h_cluster_status(master->cluster, &status, master->regions, &regions);
        m4h_text_copy(status.master_id, sizeof(status.master_id), master->config->id);
        m4h_text_copy(status.version, sizeof(status.version), M4H_VERSION);
        status.started_wall_ms = master->started_wall_ms;
        m4h_masters_status(&master->masters, m4h_master_moment(master).wall_ms, &status);
    }
    count(master, &problem);
    log_answer(request_id, "cluster", &problem);
    m4h_master_answer(
        master, message, M4H_MASTER_STATUS,
        m4h_wire_cluster_reply_encode(&status, master->regions, regions, &problem, &master->out));
}

void m4h_master_on_slaves(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_page_request request = {0};
    struct m4h_problem problem =
        problem_with(master, m4h_wire_slaves_request_decode(message->data, message->len, &request));
    char token[M4H_PAGE_TOKEN_MAX + 1] = "";
    size_t rows = 0;

    if (problem.code == 0)
        m4h_cluster_slaves(master->cluster, &request, master->slaves_page, &rows, token);
    count(master, &problem);
    log_answer(request.request_id, "slaves", &problem);
    m4h_master_answer(
        master, message, M4H_MASTER_STATUS,
        m4h_wire_slaves_reply_encode(master->slaves_page, rows, token, &problem, &master->out));
}

void m4h_master_on_tunnels(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_page_request request = {0};
    struct m4h_problem problem = problem_with(
        master, m4h_wire_tunnels_request_decode(message->data, message->len, &request));
    char token[M4H_PAGE_TOKEN_MAX + 1] = "";
    size_t rows = 0;

    if (problem.code == 0)
        m4h_cluster_tunnels(master->cluster, &request, master->tunnels_page, &rows, token);
    count(master, &problem);
    log_answer(request.request_id, "tunnels", &problem);
    m4h_master_answer(
        master, message, M4H_MASTER_STATUS,
        m4h_wire_tunnels_reply_encode(master->tunnels_page, rows, token, &problem, &master->out));
}

void m4h_master_on_tunnel(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    char client_key[M4H_CLIENT_KEY_MAX + 1], request_id[M4H_REQUEST_ID_MAX + 1] = "";
    struct m4h_problem problem =
        problem_with(master, m4h_wire_tunnel_request_decode(message->data, message->len, client_key,
                                                            request_id));
    struct m4h_tunnel_status tunnel = {0};

    if (problem.code == 0 && m4h_cluster_tunnel(master->cluster, client_key, &tunnel) != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_NOT_FOUND, "no tunnel of that client key is up");
    count(master, &problem);
    log_answer(request_id, "tunnel", &problem);
    m4h_master_answer(master, message, M4H_MASTER_STATUS,
                      m4h_wire_tunnel_reply_encode(&tunnel, &problem, &master->out));
}

static void locate(const struct m4h_master *master, const struct m4h_locate_request *request,
                   struct m4h_located *located, struct m4h_problem *problem)
{
    switch (m4h_cluster_locate(master->cluster, request->client_key, located)) {
    case 0:
        break;
    case M4H_ENOTFOUND:
        m4h_problem_set(problem, M4H_PROBLEM_NOT_FOUND, "no tunnel of that client key is up");
        break;
    default:
        m4h_problem_set(problem, M4H_PROBLEM_UNAVAILABLE,
                        "its slave has not said where it is reached");
        break;
    }
}

void m4h_master_on_locate(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_locate_request request = {0};
    struct m4h_problem problem =
        problem_with(master, m4h_wire_locate_request_decode(message->data, message->len, &request));
    struct m4h_located located = {0};

    if (problem.code == 0)
        locate(master, &request, &located, &problem);
    count(master, &problem);
    log_answer("", "locate", &problem);
    m4h_master_answer(
        master, message, M4H_MASTER_STATUS,
        m4h_wire_locate_reply_encode(&located, master->config->id, &problem, &master->out));
}
