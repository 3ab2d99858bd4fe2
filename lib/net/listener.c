/* Accepts a bounded number of connections in each turn, so that a flood on one
 * port does not starve the loop. When the process has no file left, accepting
 * rests: nothing is made for that then, since there is nothing left to make it
 * with. */
#include "lib/net/listener.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/net/rest.h"
#include "lib/net/socket.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 32
#define NO_FILES_WAIT_MS 200

struct m4h_listener {
    int fd;
    bool paused;
    bool accepting; /* inside on_ready: freeing waits */
    struct m4h_loop *loop;
    struct m4h_watch *watch;
    struct m4h_rester rester;
    m4h_listener_on_accept on_accept;
    void *context;
};

static void on_rested(struct m4h_rester *rester)
{
    struct m4h_listener *listener = M4H_CONTAINER_OF(rester, struct m4h_listener, rester);

    if (!listener->paused)
        m4h_watch_set(listener->watch, M4H_WATCH_READ);
}

/* All listeners of a thread share one limit of lines: a slave has thousands. */
static void wait_for_files(struct m4h_listener *listener, int number)
{
    static _Thread_local struct m4h_log_limit lines;
    uint32_t suppressed;

    if (m4h_log_limit_allows(&lines, m4h_loop_now_ms(listener->loop), &suppressed))
        m4h_log(M4H_LOG_WARNING, "net", "error=\"%s\" suppressed=%u cannot accept, waiting %d ms",
                strerror(number), suppressed, NO_FILES_WAIT_MS);
    m4h_watch_set(listener->watch, 0);
    m4h_rest_begin(m4h_loop_rest(listener->loop), &listener->rester, NO_FILES_WAIT_MS, on_rested);
}

/* Accepts one; false: nothing more to accept now. */
static bool accept_one(struct m4h_listener *listener)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    char peer[M4H_ADDRESS_TEXT_MAX];
    int fd = accept4(listener->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int number = errno;

    if (fd >= 0) {
        m4h_socket_address_text((struct sockaddr *)&from, peer);
        listener->on_accept(listener->context, fd, peer);
        return true;
    }
    if (number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM)
        wait_for_files(listener, number);
    return number == ECONNABORTED || number == EINTR;
}

static void on_ready(void *context, unsigned events)
{
    struct m4h_listener *listener = context;

    (void)events;
    listener->accepting = true;
    for (int i = 0; i < ACCEPTS_PER_TURN && listener->fd >= 0 && !listener->paused; i++) {
        if (!accept_one(listener))
            break;
    }
    listener->accepting = false;
    if (listener->fd < 0)
        free(listener);
}

int m4h_listener_start(struct m4h_listener **listener, struct m4h_loop *loop, int fd,
                       m4h_listener_on_accept on_accept, void *context)
{
    int error = M4H_ENOMEM;

    *listener = calloc(1, sizeof(**listener));
    if (*listener != NULL && m4h_loop_rest(loop) != NULL)
        error = m4h_watch_start(&(*listener)->watch, loop, fd, M4H_WATCH_READ, on_ready, *listener);
    if (error != 0) {
        free(*listener);
        *listener = NULL;
        close(fd);
        return error;
    }
    (*listener)->fd = fd;
    (*listener)->loop = loop;
    (*listener)->on_accept = on_accept;
    (*listener)->context = context;
    return 0;
}

void m4h_listener_pause(struct m4h_listener *listener)
{
    listener->paused = true;
    m4h_watch_set(listener->watch, 0);
}

void m4h_listener_resume(struct m4h_listener *listener)
{
    listener->paused = false;
    if (!listener->rester.rests)
        m4h_watch_set(listener->watch, M4H_WATCH_READ);
}

void m4h_listener_finish(struct m4h_listener *listener)
{
    while (!listener->paused && !listener->rester.rests && accept_one(listener))
        continue;
    m4h_listener_close(listener);
}

void m4h_listener_close(struct m4h_listener *listener)
{
    if (listener == NULL)
        return;
    m4h_watch_close(listener->watch);
    m4h_rest_end(m4h_loop_rest(listener->loop), &listener->rester);
    close(listener->fd);
    listener->fd = -1;
    if (!listener->accepting)
        free(listener);
}
