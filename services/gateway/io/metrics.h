/* What a gateway counts, for Prometheus. */
#ifndef M4H_GATEWAY_METRICS_H
#define M4H_GATEWAY_METRICS_H

#include "lib/base/metrics.h"
#include "lib/bus/bus.h"
#include "lib/http/http.h"
#include "services/gateway/io/feed.h"
#include "services/gateway/io/rpc.h"
#include "services/gateway/io/shared.h"
#include "services/gateway/io/slots.h"

struct m4h_gateway_numbers {
    bool is_ready;
    bool is_connected;
    struct m4h_http_stats http;
    struct m4h_gateway_rpc_stats rpc;
    struct m4h_gateway_shared_stats shared;
    struct m4h_bus_stats bus;
    struct m4h_gateway_feed_stats feed;
    const struct m4h_gateway_slots *slots;
};

void m4h_gateway_metrics_write(struct m4h_metrics *metrics,
                               const struct m4h_gateway_numbers *numbers);

#endif
