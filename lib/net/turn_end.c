/* A libuv prepare handle, which runs only in turns in which it was asked for. */
#include "lib/net/turn_end.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <uv.h>

struct m4h_turn_end {
    uv_prepare_t uv;
    void (*at_end)(void *context);
    void *context;
};

int m4h_turn_end_create(struct m4h_turn_end **turn_end, struct m4h_loop *loop,
                        void (*at_end)(void *context), void *context)
{
    *turn_end = calloc(1, sizeof(**turn_end));
    if (*turn_end == NULL)
        return M4H_ENOMEM;
    uv_prepare_init(m4h_loop_uv(loop), &(*turn_end)->uv);
    (*turn_end)->uv.data = *turn_end;
    (*turn_end)->at_end = at_end;
    (*turn_end)->context = context;
    return 0;
}

static void on_prepare(uv_prepare_t *uv)
{
    struct m4h_turn_end *turn_end = uv->data;

    uv_prepare_stop(uv);
    turn_end->at_end(turn_end->context);
}

void m4h_turn_end_ask(void *context)
{
    struct m4h_turn_end *turn_end = context;

    uv_prepare_start(&turn_end->uv, on_prepare); /* does nothing when it is started */
}

static void on_closed(uv_handle_t *uv)
{
    free(uv->data);
}

void m4h_turn_end_close(struct m4h_turn_end *turn_end)
{
    if (turn_end != NULL)
        uv_close((uv_handle_t *)&turn_end->uv, on_closed);
}
