/* The routes that every service has for its operators: /healthz (the process
 * answers), /readyz (it does its work: 200, or 503 with the reason) and /metrics
 * (Prometheus). */
#ifndef M4H_HTTP_OPS_H
#define M4H_HTTP_OPS_H

#include "lib/base/metrics.h"
#include "lib/http/http.h"

#include <stdbool.h>
#include <stddef.h>

/* The scope of /metrics; that of the others is 0. */
#define M4H_HTTP_SCOPE_METRICS (~0u)

/* Room for the reason of not being ready. */
#define M4H_HTTP_REASON_MAX 128

/* Owned by the service, for the server's life. Callbacks run on the loop and
 * answer at once from what is known. */
struct m4h_http_ops {
    /* Not ready: writes why. */
    bool (*is_ready)(void *context, char *reason, size_t reason_size);
    /* Writes the service's metrics; m4h_metrics_process is added here. */
    void (*write_metrics)(void *context, struct m4h_metrics *metrics);
    void *context;
    const char *service; /* "mas4h-slave", for mas4h_build_info */
};

/* The routes, for m4h_http_config.routes. */
struct m4h_http_routes m4h_http_ops_routes(struct m4h_http_ops *ops);

#endif
