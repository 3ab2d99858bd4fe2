/* A libuv async handle and a timer that call one function. */
#include "lib/net/pump.h"

#include "lib/base/error.h"
#include "lib/net/timer.h"

#include <stdlib.h>
#include <uv.h>

struct m4h_pump {
    uv_async_t uv;
    struct m4h_timer *timer;
    struct m4h_loop *loop;
    m4h_pump_run run;
    void *context;
};

static void run(void *context)
{
    struct m4h_pump *pump = context;
    uint64_t now_ms = m4h_loop_now_ms(pump->loop);
    uint64_t again_ms = pump->run(pump->context, now_ms);

    if (again_ms == UINT64_MAX)
        m4h_timer_stop(pump->timer);
    else
        m4h_timer_start(pump->timer, again_ms > now_ms ? again_ms - now_ms : 0, 0);
}

static void on_wake(uv_async_t *uv)
{
    run(uv->data);
}

int m4h_pump_create(struct m4h_pump **pump, struct m4h_loop *loop, m4h_pump_run function,
                    void *context)
{
    *pump = calloc(1, sizeof(**pump));
    if (*pump == NULL)
        return M4H_ENOMEM;
    if (m4h_timer_create(&(*pump)->timer, loop, run, *pump) != 0) {
        free(*pump);
        *pump = NULL;
        return M4H_ENOMEM;
    }
    if (uv_async_init(m4h_loop_uv(loop), &(*pump)->uv, on_wake) != 0) {
        m4h_timer_close((*pump)->timer);
        free(*pump);
        *pump = NULL;
        return M4H_ESYSTEM;
    }
    (*pump)->uv.data = *pump;
    (*pump)->loop = loop;
    (*pump)->run = function;
    (*pump)->context = context;
    return 0;
}

void m4h_pump_wake(void *pump)
{
    uv_async_send(&((struct m4h_pump *)pump)->uv);
}

static void on_closed(uv_handle_t *uv)
{
    free(uv->data);
}

void m4h_pump_close(struct m4h_pump *pump)
{
    if (pump == NULL)
        return;
    m4h_timer_close(pump->timer);
    uv_close((uv_handle_t *)&pump->uv, on_closed);
}
