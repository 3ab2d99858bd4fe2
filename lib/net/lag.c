/* From the first callback of a turn to the moment before the loop waits again, by a
 * prepare handle. Where nothing was called there is nothing to count: that is why not
 * every turn is timed from the outside, which would cost a system call in each (libuv's
 * own idle time polls twice). */
#include "lib/net/lag.h"

#include "lib/base/attributes.h"

static const uint64_t bounds_us[] = {100,   250,   500,    1000,   2500,   5000,    10000,
                                     25000, 50000, 100000, 250000, 500000, 1000000, 2500000};

static void on_prepare(uv_prepare_t *uv)
{
    struct m4h_lag *lag = uv->data;

    if (lag->began_ns == 0)
        return;
    m4h_histogram_add(&lag->histogram, (uv_hrtime() - lag->began_ns) / 1000);
    lag->began_ns = 0;
}

void m4h_lag_start(struct m4h_lag *lag, uv_loop_t *uv)
{
    m4h_histogram_init(&lag->histogram, bounds_us, M4H_COUNT(bounds_us));
    uv_prepare_init(uv, &lag->uv);
    lag->uv.data = lag;
    uv->data = lag;
    uv_prepare_start(&lag->uv, on_prepare);
    uv_unref((uv_handle_t *)&lag->uv); /* the loop need not run for it */
}

void m4h_lag_close(struct m4h_lag *lag)
{
    uv_close((uv_handle_t *)&lag->uv, NULL);
}

void m4h_lag_begin(const uv_loop_t *uv)
{
    struct m4h_lag *lag = uv->data;

    if (lag->began_ns == 0)
        lag->began_ns = uv_hrtime();
}
