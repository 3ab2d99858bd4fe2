/* Status over REST: each path is a view of what a master replies, and a question that
 * is shared with all who ask the same (io/shared.h). A question has two forms: its key,
 * and the message, which names the request that it is asked for, for the master's log. */
#include "services/gateway/io/status.h"

#include "lib/base/error.h"
#include "lib/json/json.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/page.h"
#include "services/gateway/core/problem.h"
#include "services/gateway/core/scope.h"
#include "services/gateway/core/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX 4096u

/* ---- views ------------------------------------------------------------------------- */

static int write_cluster(const uint8_t *data, size_t len, struct m4h_buffer *out,
                         struct m4h_problem *problem)
{
    struct m4h_region_status *regions = NULL;
    struct m4h_cluster_status cluster;
    size_t count;
    int error = m4h_wire_cluster_reply_decode(data, len, &cluster, &regions, &count, problem);

    if (error == 0 && problem->code == 0)
        error = m4h_json_cluster(out, &cluster, regions, count);
    free(regions);
    return error;
}

static int write_slaves(const uint8_t *data, size_t len, struct m4h_buffer *out,
                        struct m4h_problem *problem)
{
    char token[M4H_PAGE_TOKEN_MAX + 1], opaque[M4H_GATEWAY_TOKEN_MAX + 1];
    struct m4h_slave_status *slaves = NULL;
    size_t count;
    int error = m4h_wire_slaves_reply_decode(data, len, &slaves, &count, token, problem);

    if (error == 0 && problem->code == 0)
        error = m4h_json_slaves(out, slaves, count, m4h_gateway_token_encode(token, opaque));
    free(slaves);
    return error;
}

static int write_slave(const uint8_t *data, size_t len, struct m4h_buffer *out,
                       struct m4h_problem *problem)
{
    char token[M4H_PAGE_TOKEN_MAX + 1];
    struct m4h_slave_status *slave = NULL;
    size_t count;
    int error = m4h_wire_slaves_reply_decode(data, len, &slave, &count, token, problem);

    if (error == 0 && problem->code == 0 && count == 0)
        m4h_problem_set(problem, M4H_PROBLEM_NOT_FOUND, "there is no such slave");
    else if (error == 0 && problem->code == 0)
        error = m4h_json_slave(out, slave);
    free(slave);
    return error;
}

static int write_tunnels(const uint8_t *data, size_t len, struct m4h_buffer *out,
                         struct m4h_problem *problem)
{
    char token[M4H_PAGE_TOKEN_MAX + 1], opaque[M4H_GATEWAY_TOKEN_MAX + 1];
    struct m4h_tunnel_status *tunnels = NULL;
    size_t count;
    int error = m4h_wire_tunnels_reply_decode(data, len, &tunnels, &count, token, problem);

    if (error == 0 && problem->code == 0)
        error = m4h_json_tunnels(out, tunnels, count, m4h_gateway_token_encode(token, opaque));
    free(tunnels);
    return error;
}

static int write_tunnel(const uint8_t *data, size_t len, struct m4h_buffer *out,
                        struct m4h_problem *problem)
{
    struct m4h_tunnel_status tunnel;
    int error = m4h_wire_tunnel_reply_decode(data, len, &tunnel, problem);

    if (error == 0 && problem->code == 0)
        error = m4h_json_tunnel(out, &tunnel);
    return error;
}

static const struct m4h_gateway_view cluster_view = {M4H_GATEWAY_CLUSTER, true, write_cluster};
static const struct m4h_gateway_view slaves_view = {M4H_GATEWAY_SLAVES, true, write_slaves};
static const struct m4h_gateway_view tunnels_view = {M4H_GATEWAY_TUNNELS, true, write_tunnels};
/* Who asks for one thing waits for it to change. */
static const struct m4h_gateway_view slave_view = {M4H_GATEWAY_SLAVES, false, write_slave};
static const struct m4h_gateway_view tunnel_view = {M4H_GATEWAY_TUNNEL, false, write_tunnel};

/* ---- questions ------------------------------------------------------------------------ */

/* A question on its way, in both forms; `error` is that of encoding them. */
struct forms {
    struct m4h_buffer key;
    struct m4h_buffer message;
    int error;
};

#define FORMS_INIT                                                                                 \
    {                                                                                              \
        M4H_BUFFER_INIT(REQUEST_MAX), M4H_BUFFER_INIT(REQUEST_MAX), 0                              \
    }

/* Frees the forms. */
static void ask(struct m4h_gateway_shared *shared, const struct m4h_gateway_view *view,
                struct forms *forms, struct m4h_http_request *request)
{
    if (forms->error != 0)
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
    else
        m4h_gateway_shared_ask(shared, view, &forms->key, &forms->message, request);
    m4h_buffer_free(&forms->key);
    m4h_buffer_free(&forms->message);
}

static void ask_for_page(struct m4h_gateway_shared *shared, const struct m4h_gateway_view *view,
                         int (*encode)(const struct m4h_page_request *page, struct m4h_buffer *out),
                         struct m4h_page_request *page, struct m4h_http_request *request)
{
    struct forms forms = FORMS_INIT;

    forms.error = encode(page, &forms.key);
    m4h_text_copy(page->request_id, sizeof(page->request_id), m4h_http_request_id(request));
    if (forms.error == 0)
        forms.error = encode(page, &forms.message);
    ask(shared, view, &forms, request);
}

static void get_cluster(void *context, struct m4h_http_request *request)
{
    struct forms forms = FORMS_INIT;

    if (!m4h_http_check_accept(request, M4H_HTTP_JSON))
        return;
    forms.error = m4h_wire_cluster_request_encode(m4h_http_request_id(request), &forms.message);
    ask(context, &cluster_view, &forms, request);
}

/* False: the request is wrong, and answered. */
static bool read_page(struct m4h_http_request *request, struct m4h_page_request *page)
{
    struct m4h_gateway_page_query query = {
        .region = m4h_http_query(request, "region"),
        .slave_id = m4h_http_query(request, "slave"),
        .page_size = m4h_http_query(request, "page_size"),
        .page_token = m4h_http_query(request, "page_token"),
        .client_key_prefix = m4h_http_query(request, "client_key_prefix"),
    };
    struct m4h_problem problem;

    for (size_t i = 0; i < M4H_COUNT(query.labels); i++)
        query.labels[i] = m4h_http_query_at(request, "label", i);
    if (!m4h_http_check_accept(request, M4H_HTTP_JSON))
        return false;
    if (m4h_gateway_page_parse(&query, page, &problem) == 0)
        return true;
    m4h_http_answer_problem(request, m4h_gateway_problem_status(&problem),
                            m4h_problem_code_name(problem.code), problem.detail, 0);
    return false;
}

static void list_slaves(void *context, struct m4h_http_request *request)
{
    struct m4h_page_request page;

    if (read_page(request, &page))
        ask_for_page(context, &slaves_view, m4h_wire_slaves_request_encode, &page, request);
}

static void list_tunnels(void *context, struct m4h_http_request *request)
{
    struct m4h_page_request page;

    if (read_page(request, &page))
        ask_for_page(context, &tunnels_view, m4h_wire_tunnels_request_encode, &page, request);
}

static void get_slave(void *context, struct m4h_http_request *request)
{
    const char *slave_id = m4h_http_path_parameter(request, "slave_id");
    struct m4h_page_request page = {.page_size = 1};

    if (!m4h_http_check_accept(request, M4H_HTTP_JSON))
        return;
    if (!m4h_ident_id_is_valid(slave_id) ||
        !m4h_text_copy(page.slave_id, sizeof(page.slave_id), slave_id))
        m4h_http_answer_problem(request, 404, "not_found", "there is no such slave", 0);
    else
        ask_for_page(context, &slave_view, m4h_wire_slaves_request_encode, &page, request);
}

static void get_tunnel(void *context, struct m4h_http_request *request)
{
    const char *client_key = m4h_http_path_parameter(request, "client_key");
    struct forms forms = FORMS_INIT;

    if (!m4h_http_check_accept(request, M4H_HTTP_JSON))
        return;
    if (!m4h_ident_client_key_is_valid(client_key)) {
        m4h_http_answer_problem(request, 404, "not_found", "there is no such tunnel", 0);
        return;
    }
    forms.error = m4h_wire_tunnel_request_encode(client_key, "", &forms.key);
    if (forms.error == 0)
        forms.error = m4h_wire_tunnel_request_encode(client_key, m4h_http_request_id(request),
                                                     &forms.message);
    ask(context, &tunnel_view, &forms, request);
}

static const struct m4h_http_route routes[] = {
    {"GET", "/v1/cluster", get_cluster, false, M4H_GATEWAY_SCOPE_READ},
    {"GET", "/v1/slaves", list_slaves, false, M4H_GATEWAY_SCOPE_READ},
    {"GET", "/v1/slaves/{slave_id}", get_slave, false, M4H_GATEWAY_SCOPE_READ},
    {"GET", "/v1/tunnels", list_tunnels, false, M4H_GATEWAY_SCOPE_READ},
    {"GET", "/v1/tunnels/{client_key}", get_tunnel, false, M4H_GATEWAY_SCOPE_READ},
};

struct m4h_http_routes m4h_gateway_status_routes(struct m4h_gateway_shared *shared)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), shared};
}
