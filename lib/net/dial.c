/* Connecting without waiting: connect() begins, and the socket becomes writable when it is
 * known how it went. */
#include "lib/net/dial.h"

#include "lib/base/error.h"
#include "lib/net/lookup.h"
#include "lib/net/timer.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct m4h_dial {
    struct m4h_loop *loop;
    struct m4h_lookup *lookup;
    struct m4h_lookup_address list[M4H_LOOKUP_MAX];
    size_t count, next;
    int fd; /* being connected; -1 */
    struct m4h_watch *watch;
    struct m4h_timer *timer;
    void (*on_done)(void *context, int fd, int error);
    void *context;
};

/* The owner may close it in there: nothing is touched afterwards. */
static void finish(struct m4h_dial *dial, int error)
{
    int fd = dial->fd;

    m4h_timer_stop(dial->timer);
    m4h_watch_close(dial->watch);
    dial->watch = NULL;
    dial->fd = -1;
    dial->on_done(dial->context, error == 0 ? fd : -1, error);
}

static void give_up_address(struct m4h_dial *dial)
{
    int saved = errno;

    m4h_watch_close(dial->watch);
    dial->watch = NULL;
    if (dial->fd >= 0)
        close(dial->fd);
    dial->fd = -1;
    errno = saved;
}

static void on_event(void *context, unsigned events);

/* Begins with an address. False: nothing will come of it; errno says why. */
static bool try_address(struct m4h_dial *dial, const struct m4h_lookup_address *address)
{
    dial->fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd < 0)
        return false;
    if (connect(dial->fd, (const struct sockaddr *)&address->at, address->len) != 0 &&
        errno != EINPROGRESS)
        return false;
    return m4h_watch_start(&dial->watch, dial->loop, dial->fd, M4H_WATCH_WRITE, on_event, dial) ==
           0;
}

static void try_next(struct m4h_dial *dial)
{
    while (dial->next < dial->count) {
        if (try_address(dial, &dial->list[dial->next++])) {
            if (dial->next < dial->count)
                m4h_timer_start(dial->timer, M4H_DIAL_ADDRESS_MS, 0);
            return;
        }
        give_up_address(dial);
    }
    finish(dial, M4H_EUNAVAILABLE);
}

static void on_event(void *context, unsigned events)
{
    struct m4h_dial *dial = context;
    int error = 0;
    socklen_t len = sizeof(error);

    (void)events;
    if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0) {
        finish(dial, 0);
        return;
    }
    m4h_timer_stop(dial->timer);
    errno = error;
    give_up_address(dial);
    try_next(dial);
}

static void on_time(void *context)
{
    struct m4h_dial *dial = context;

    give_up_address(dial);
    try_next(dial);
}

static void on_found(void *context, const struct m4h_lookup_address *list, size_t count)
{
    struct m4h_dial *dial = context;

    memcpy(dial->list, list, count * sizeof(*list));
    dial->count = count;
    if (count == 0)
        finish(dial, M4H_ENOTFOUND);
    else
        try_next(dial);
}

int m4h_dial_start(struct m4h_dial **dial, struct m4h_loop *loop, const char *host, uint16_t port,
                   void (*on_done)(void *context, int fd, int error), void *context)
{
    struct m4h_dial *made = calloc(1, sizeof(*made));
    int error;

    *dial = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->loop = loop;
    made->fd = -1;
    made->on_done = on_done;
    made->context = context;
    error = m4h_timer_create(&made->timer, loop, on_time, made);
    if (error == 0)
        error = m4h_lookup_start(&made->lookup, loop, host, port, on_found, made);
    if (error != 0) {
        m4h_dial_close(made);
        return error;
    }
    *dial = made;
    return 0;
}

void m4h_dial_close(struct m4h_dial *dial)
{
    if (dial == NULL)
        return;
    m4h_lookup_close(dial->lookup);
    m4h_timer_close(dial->timer);
    give_up_address(dial);
    free(dial);
}
