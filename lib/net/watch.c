/* A libuv poll handle. */
#include "lib/net/watch.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <uv.h>

struct m4h_watch {
    uv_poll_t uv;
    unsigned events;
    void (*on_event)(void *context, unsigned events);
    void *context;
};

static void on_uv_event(uv_poll_t *uv, int status, int events);

static void poll_for(struct m4h_watch *watch, unsigned events)
{
    int uv_events = 0;

    if (events & M4H_WATCH_READ)
        uv_events |= UV_READABLE;
    if (events & M4H_WATCH_WRITE)
        uv_events |= UV_WRITABLE;
    if (uv_events == 0)
        uv_poll_stop(&watch->uv);
    else
        uv_poll_start(&watch->uv, uv_events, on_uv_event);
}

static void on_uv_event(uv_poll_t *uv, int status, int events)
{
    struct m4h_watch *watch = uv->data;
    unsigned befell = 0;

    if (status < 0) {
        befell = M4H_WATCH_READ | M4H_WATCH_WRITE;
        /* libuv has stopped; the owner may have other bytes to read first. */
        poll_for(watch, watch->events);
    }
    if (events & UV_READABLE)
        befell |= M4H_WATCH_READ;
    if (events & UV_WRITABLE)
        befell |= M4H_WATCH_WRITE;
    watch->on_event(watch->context, befell);
}

int m4h_watch_start(struct m4h_watch **watch, struct m4h_loop *loop, int fd, unsigned events,
                    void (*on_event)(void *context, unsigned events), void *context)
{
    *watch = calloc(1, sizeof(**watch));
    if (*watch == NULL)
        return M4H_ENOMEM;
    if (uv_poll_init(m4h_loop_uv(loop), &(*watch)->uv, fd) != 0) {
        free(*watch);
        *watch = NULL;
        return M4H_ESYSTEM;
    }
    (*watch)->uv.data = *watch;
    (*watch)->on_event = on_event;
    (*watch)->context = context;
    m4h_watch_set(*watch, events);
    return 0;
}

void m4h_watch_set(struct m4h_watch *watch, unsigned events)
{
    if (events == watch->events)
        return;
    watch->events = events;
    poll_for(watch, events);
}

static void on_closed(uv_handle_t *uv)
{
    free(uv->data);
}

void m4h_watch_close(struct m4h_watch *watch)
{
    if (watch == NULL)
        return;
    uv_poll_stop(&watch->uv);
    uv_close((uv_handle_t *)&watch->uv, on_closed);
}
