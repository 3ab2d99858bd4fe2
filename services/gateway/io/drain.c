/* The clean end: what is said to HTTP, and when. What it means there, lib/http/drain.c knows. */
#include "services/gateway/io/drain.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/net/timer.h"

#include <inttypes.h>
#include <stdlib.h>

#define LOOK_MS 50u

struct m4h_gateway_drain {
    struct m4h_loop *loop;
    struct m4h_http_server *http;
    struct m4h_timer *timer; /* the delay, then looks whether all is finished */
    bool has_begun;          /* the delay is over */
    uint32_t spread_ms;
    uint64_t allowed_ms; /* for the rest */
    uint64_t until_ms;
    void (*on_drained)(void *context);
    void *context;
};

static void begin(struct m4h_gateway_drain *drain)
{
    drain->has_begun = true;
    drain->until_ms = m4h_loop_now_ms(drain->loop) + drain->allowed_ms;
    m4h_log(M4H_LOG_INFO, "gateway", "takes no more connections");
    m4h_http_server_drain(drain->http, drain->spread_ms);
    m4h_timer_start(drain->timer, 0, LOOK_MS);
}

static void on_time(void *context)
{
    struct m4h_gateway_drain *drain = context;
    struct m4h_http_stats stats;

    if (!drain->has_begun) {
        begin(drain);
        return;
    }
    m4h_http_server_stats(drain->http, &stats);
    if (stats.open > 0 && m4h_loop_now_ms(drain->loop) < drain->until_ms)
        return;
    m4h_timer_stop(drain->timer);
    m4h_log(M4H_LOG_INFO, "gateway", "open=%u drained", stats.open);
    drain->on_drained(drain->context);
}

int m4h_gateway_drain_start(struct m4h_gateway_drain **drain, struct m4h_loop *loop,
                            struct m4h_http_server *http, const struct m4h_gateway_config *config,
                            void (*on_drained)(void *context), void *context)
{
    struct m4h_gateway_drain *self = calloc(1, sizeof(*self));
    int64_t spread_ms = config->drain_spread_ms;

    *drain = NULL;
    if (self == NULL || m4h_timer_create(&self->timer, loop, on_time, self) != 0) {
        free(self);
        return M4H_ENOMEM;
    }
    self->loop = loop;
    self->http = http;
    self->on_drained = on_drained;
    self->context = context;
    self->allowed_ms = (uint64_t)config->drain_ms;
    self->spread_ms = (uint32_t)(spread_ms < config->drain_ms ? spread_ms : config->drain_ms);
    m4h_log(M4H_LOG_INFO, "gateway", "delay_ms=%" PRId64 " draining", config->drain_delay_ms);
    m4h_http_server_leave(http);
    if (config->drain_delay_ms > 0)
        m4h_timer_start(self->timer, (uint64_t)config->drain_delay_ms, 0);
    else
        begin(self);
    *drain = self;
    return 0;
}

void m4h_gateway_drain_close(struct m4h_gateway_drain *drain)
{
    if (drain == NULL)
        return;
    m4h_timer_close(drain->timer);
    free(drain);
}
