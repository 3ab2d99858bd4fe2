/* A libuv async handle, a timer and a turn's end that call one function. */
#include "lib/net/pump.h"

#include "lib/base/error.h"
#include "lib/net/lag.h"
#include "lib/net/timer.h"
#include "lib/net/turn_end.h"

#include <stdlib.h>
#include <uv.h>

struct m4h_pump {
    uv_async_t uv;
    struct m4h_timer *timer;
    struct m4h_turn_end *turn_end;
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
    m4h_lag_begin(uv->loop);
    run(uv->data);
}

static int build(struct m4h_pump *pump)
{
    int error = m4h_timer_create(&pump->timer, pump->loop, run, pump);

    if (error == 0)
        error = m4h_turn_end_create(&pump->turn_end, pump->loop, run, pump);
    if (error == 0 && uv_async_init(m4h_loop_uv(pump->loop), &pump->uv, on_wake) != 0)
        error = M4H_ESYSTEM;
    if (error == 0)
        return 0;
    m4h_timer_close(pump->timer);
    m4h_turn_end_close(pump->turn_end);
    return error;
}

int m4h_pump_create(struct m4h_pump **pump, struct m4h_loop *loop, m4h_pump_run function,
                    void *context)
{
    struct m4h_pump *made = calloc(1, sizeof(*made));
    int error;

    *pump = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->uv.data = made;
    made->loop = loop;
    made->run = function;
    made->context = context;
    error = build(made);
    if (error != 0) {
        free(made);
        return error;
    }
    *pump = made;
    return 0;
}

void m4h_pump_wake(void *pump)
{
    uv_async_send(&((struct m4h_pump *)pump)->uv);
}

void m4h_pump_run_soon(void *pump)
{
    m4h_turn_end_ask(((struct m4h_pump *)pump)->turn_end);
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
    m4h_turn_end_close(pump->turn_end);
    uv_close((uv_handle_t *)&pump->uv, on_closed);
}
