/* A libuv loop. */
#include "lib/net/loop.h"

#include "lib/base/error.h"
#include "lib/base/metrics.h"
#include "lib/net/lag.h"
#include "lib/net/poller.h"
#include "lib/net/rest.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

/* A handle that was closed is gone after one turn, or two. */
#define CLOSING_TURNS 10

struct m4h_loop {
    uv_loop_t uv;
    struct m4h_poller *poller; /* NULL until the first watch */
    struct m4h_rest *rest;     /* NULL until the first listener */
    struct m4h_lag lag;
};

int m4h_loop_create(struct m4h_loop **loop)
{
    *loop = calloc(1, sizeof(**loop));
    if (*loop == NULL)
        return M4H_ENOMEM;
    if (uv_loop_init(&(*loop)->uv) != 0) {
        free(*loop);
        *loop = NULL;
        return M4H_ESYSTEM;
    }
    m4h_lag_start(&(*loop)->lag, &(*loop)->uv);
    return 0;
}

void m4h_loop_run(struct m4h_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void m4h_loop_stop(struct m4h_loop *loop)
{
    uv_stop(&loop->uv);
}

void m4h_loop_destroy(struct m4h_loop *loop)
{
    int error = UV_EBUSY;

    if (loop == NULL)
        return;
    m4h_rest_close(loop->rest);
    m4h_poller_close(loop->poller);
    m4h_lag_close(&loop->lag);
    for (int turns = 0; turns < CLOSING_TURNS && error == UV_EBUSY; turns++) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        error = uv_loop_close(&loop->uv);
    }
    assert(error == 0);
    if (error == 0)
        free(loop);
}

uint64_t m4h_loop_now_ms(const struct m4h_loop *loop)
{
    return uv_now(&loop->uv);
}

uint64_t m4h_loop_busy_us(const struct m4h_loop *loop)
{
    return loop->lag.began_ns != 0 ? (uv_hrtime() - loop->lag.began_ns) / 1000 : 0;
}

void m4h_loop_write_lag(const struct m4h_loop *loop, const char *name, bool describe,
                        struct m4h_metrics *metrics)
{
    static const char metric[] = "mas4h_loop_lag_seconds";

    if (describe)
        m4h_metrics_describe(metrics, metric, "histogram",
                             "How long a turn of an event loop kept it busy.");
    m4h_metrics_histogram(metrics, metric, &(struct m4h_metric_label){"loop", name}, 1,
                          &loop->lag.histogram, 1e-6);
}

struct uv_loop_s *m4h_loop_uv(struct m4h_loop *loop)
{
    return &loop->uv;
}

struct m4h_poller *m4h_loop_poller(struct m4h_loop *loop)
{
    if (loop->poller == NULL && m4h_poller_create(&loop->poller, loop) != 0)
        return NULL;
    return loop->poller;
}

struct m4h_rest *m4h_loop_rest(struct m4h_loop *loop)
{
    if (loop->rest == NULL && m4h_rest_create(&loop->rest, loop) != 0)
        return NULL;
    return loop->rest;
}
