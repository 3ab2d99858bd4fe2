/* libcurl's multi interface on a loop of ours. libcurl calls us back only from within a call of
 * ours to it, and nothing of the owner is called from there. */
#include "lib/fetch/driver.h"

#include "lib/base/error.h"
#include "lib/net/watch.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* A descriptor of libcurl's, which closes it after it has said CURL_POLL_REMOVE. */
struct m4h_fetch_socket {
    struct m4h_fetch_driver *driver;
    curl_socket_t fd;
    struct m4h_watch *watch;
    struct m4h_fetch_socket *prev, *next;
};

static void on_ready(void *context, unsigned events)
{
    struct m4h_fetch_socket *socket = context;
    struct m4h_fetch_driver *driver = socket->driver;
    int what = 0, running;

    if (events & M4H_WATCH_READ)
        what |= CURL_CSELECT_IN;
    if (events & M4H_WATCH_WRITE)
        what |= CURL_CSELECT_OUT;
    curl_multi_socket_action(driver->multi, socket->fd, what, &running);
    driver->on_progress(driver->context);
}

static void on_time(void *context)
{
    struct m4h_fetch_driver *driver = context;
    int running;

    curl_multi_socket_action(driver->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    driver->on_progress(driver->context);
}

static void forget(struct m4h_fetch_socket *socket)
{
    m4h_watch_close(socket->watch);
    DL_DELETE(socket->driver->sockets, socket);
    free(socket);
}

static struct m4h_fetch_socket *remember(struct m4h_fetch_driver *driver, curl_socket_t fd)
{
    struct m4h_fetch_socket *socket = calloc(1, sizeof(*socket));

    if (socket == NULL)
        return NULL;
    socket->driver = driver;
    socket->fd = fd;
    if (m4h_watch_start(&socket->watch, driver->loop, fd, 0, on_ready, socket) != 0) {
        free(socket);
        return NULL;
    }
    DL_APPEND(driver->sockets, socket);
    curl_multi_assign(driver->multi, fd, socket);
    return socket;
}

static unsigned events_of(int what)
{
    unsigned events = 0;

    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= M4H_WATCH_READ;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= M4H_WATCH_WRITE;
    return events;
}

static int on_socket(CURL *curl, curl_socket_t fd, int what, void *context, void *fd_context)
{
    struct m4h_fetch_driver *driver = context;
    struct m4h_fetch_socket *socket = fd_context;

    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL)
            forget(socket);
        return 0;
    }
    if (socket == NULL)
        socket = remember(driver, fd);
    if (socket == NULL)
        return -1;
    m4h_watch_set(socket->watch, events_of(what));
    return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *context)
{
    struct m4h_fetch_driver *driver = context;

    (void)multi;
    if (timeout_ms < 0)
        m4h_timer_stop(driver->timer);
    else
        m4h_timer_start(driver->timer, (uint64_t)timeout_ms, 0);
    return 0;
}

int m4h_fetch_driver_open(struct m4h_fetch_driver *driver, struct m4h_loop *loop,
                          void (*on_progress)(void *context), void *context)
{
    *driver = (struct m4h_fetch_driver){
        .loop = loop, .on_progress = on_progress, .context = context, .multi = curl_multi_init()};
    if (driver->multi == NULL)
        return M4H_ENOMEM;
    curl_multi_setopt(driver->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(driver->multi, CURLMOPT_SOCKETDATA, driver);
    curl_multi_setopt(driver->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(driver->multi, CURLMOPT_TIMERDATA, driver);
    return m4h_timer_create(&driver->timer, loop, on_time, driver);
}

void m4h_fetch_driver_nudge(struct m4h_fetch_driver *driver)
{
    m4h_timer_start(driver->timer, 0, 0);
}

/* libcurl stops its timer and forgets its sockets while it is cleaned up. */
void m4h_fetch_driver_close(struct m4h_fetch_driver *driver)
{
    if (driver->multi != NULL)
        curl_multi_cleanup(driver->multi);
    while (driver->sockets != NULL)
        forget(driver->sockets);
    m4h_timer_close(driver->timer);
    memset(driver, 0, sizeof(*driver));
}
