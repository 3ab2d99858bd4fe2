/* A libuv timer. */
#include "lib/net/timer.h"

#include "lib/base/error.h"
#include "lib/net/lag.h"

#include <stdlib.h>
#include <uv.h>

struct m4h_timer {
    uv_timer_t uv;
    void (*on_time)(void *context);
    void *context;
};

int m4h_timer_create(struct m4h_timer **timer, struct m4h_loop *loop,
                     void (*on_time)(void *context), void *context)
{
    *timer = calloc(1, sizeof(**timer));
    if (*timer == NULL)
        return M4H_ENOMEM;
    uv_timer_init(m4h_loop_uv(loop), &(*timer)->uv);
    (*timer)->uv.data = *timer;
    (*timer)->on_time = on_time;
    (*timer)->context = context;
    return 0;
}

static void on_uv_time(uv_timer_t *uv)
{
    struct m4h_timer *timer = uv->data;

    m4h_lag_begin(uv->loop);
    timer->on_time(timer->context);
}

void m4h_timer_start(struct m4h_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
    uv_timer_start(&timer->uv, on_uv_time, delay_ms, repeat_ms);
}

void m4h_timer_stop(struct m4h_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

static void on_closed(uv_handle_t *uv)
{
    free(uv->data);
}

void m4h_timer_close(struct m4h_timer *timer)
{
    if (timer != NULL)
        uv_close((uv_handle_t *)&timer->uv, on_closed);
}
