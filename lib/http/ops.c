/* /healthz, /readyz and /metrics. */
#include "lib/http/ops.h"

#include <string.h>

#define TEXT_MAX    256u
#define METRICS_MAX (1024u * 1024u)

static void answer_text(struct m4h_http_request *request, unsigned status, const char *text)
{
    static const struct m4h_http_header no_store = {"Cache-Control", "no-store"};
    struct m4h_buffer body = M4H_BUFFER_INIT(TEXT_MAX);

    if (m4h_buffer_printf(&body, "%s\n", text) != 0)
        m4h_buffer_clear(&body);
    m4h_http_answer(request, &(struct m4h_http_answer){status, "text/plain; charset=utf-8", &body,
                                                       &no_store, 1});
}

static void on_healthz(void *context, struct m4h_http_request *request)
{
    (void)context;
    answer_text(request, 200, "ok");
}

static void on_readyz(void *context, struct m4h_http_request *request)
{
    struct m4h_http_ops *ops = context;
    char reason[M4H_HTTP_REASON_MAX] = "";

    if (ops->is_ready(ops->context, reason, sizeof(reason)))
        answer_text(request, 200, "ready");
    else
        answer_text(request, 503, reason);
}

static void on_metrics(void *context, struct m4h_http_request *request)
{
    struct m4h_http_ops *ops = context;
    struct m4h_buffer body = M4H_BUFFER_INIT(METRICS_MAX);
    struct m4h_metrics metrics = {&body, 0};

    m4h_metrics_process(&metrics, ops->service);
    ops->write_metrics(ops->context, &metrics);
    if (metrics.error != 0) {
        m4h_buffer_free(&body);
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
        return;
    }
    m4h_http_answer(request,
                    &(struct m4h_http_answer){200, "text/plain; version=0.0.4", &body, NULL, 0});
}

static const struct m4h_http_route routes[] = {
    {"GET", "/healthz", on_healthz, true, 0},
    {"GET", "/readyz", on_readyz, true, 0},
    {"GET", "/metrics", on_metrics, true, M4H_HTTP_SCOPE_METRICS},
};

struct m4h_http_routes m4h_http_ops_routes(struct m4h_http_ops *ops)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), ops};
}
