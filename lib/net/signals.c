/* libuv signal handles. */
#include "lib/net/signals.h"

#include "lib/base/error.h"
#include "lib/net/lag.h"

#include <signal.h>
#include <stdlib.h>
#include <uv.h>

static const int watched[] = {SIGTERM, SIGINT, SIGHUP};

struct m4h_signals {
    uv_signal_t uv[M4H_COUNT(watched)];
    size_t open; /* handles that are not closed yet */
    void (*on_signal)(void *context, int number);
    void *context;
};

static void on_uv_signal(uv_signal_t *uv, int number)
{
    struct m4h_signals *signals = uv->data;

    m4h_lag_begin(uv->loop);
    signals->on_signal(signals->context, number);
}

static void on_closed(uv_handle_t *uv)
{
    struct m4h_signals *signals = uv->data;

    if (--signals->open == 0)
        free(signals);
}

int m4h_signals_start(struct m4h_signals **signals, struct m4h_loop *loop,
                      void (*on_signal)(void *context, int number), void *context)
{
    signal(SIGPIPE, SIG_IGN);
    *signals = calloc(1, sizeof(**signals));
    if (*signals == NULL)
        return M4H_ENOMEM;
    (*signals)->on_signal = on_signal;
    (*signals)->context = context;
    for (size_t i = 0; i < M4H_COUNT(watched); i++) {
        uv_signal_t *uv = &(*signals)->uv[i];

        uv_signal_init(m4h_loop_uv(loop), uv);
        uv->data = *signals;
        (*signals)->open++;
        if (uv_signal_start(uv, on_uv_signal, watched[i]) != 0) {
            m4h_signals_close(*signals);
            *signals = NULL;
            return M4H_ESYSTEM;
        }
    }
    return 0;
}

void m4h_signals_close(struct m4h_signals *signals)
{
    size_t open = signals != NULL ? signals->open : 0;

    for (size_t i = 0; i < open; i++)
        uv_close((uv_handle_t *)&signals->uv[i], on_closed);
}
