/* Watches of a loop, in one epoll set that the loop watches as a whole.
 *
 * A slave has two descriptors for each tunnel. A libuv poll handle costs four system
 * calls to begin, two for each change and three times this memory; a descriptor here
 * costs two to begin, one for each change and one to end.
 *
 * Not wanting to read any more is said to the kernel only when there is something to
 * read: a session that waits for an answer to its last question wants nothing for a
 * millisecond, and mostly nothing comes.
 *
 * What epoll tells in one go is worked off in order, and a callback may close any
 * watch, also one whose turn is still to come: such a watch is kept, marked, until
 * all are worked off. */
#include "lib/net/watch.h"

#include "lib/base/error.h"
#include "lib/net/lag.h"
#include "lib/net/poller.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

/* Told in one go; what is beyond comes in the loop's next turn, after its timers. */
#define EVENTS_PER_TURN 256
#define AGAIN_MS        100

struct m4h_watch {
    struct m4h_poller *poller;
    int fd;
    unsigned events; /* that the owner wants */
    unsigned listed; /* that the kernel was asked for */
    bool is_listed;  /* in the epoll set */
    bool is_closed;
    struct m4h_watch *next_closed;
    bool is_unheard; /* the kernel could not be asked: it is asked again */
    struct m4h_watch *next_unheard;
    void (*on_event)(void *context, unsigned events);
    void *context;
};

struct m4h_poller {
    uv_poll_t uv;
    int epoll_fd;
    bool is_telling;
    struct m4h_watch *closed; /* to be freed when all is told */
    struct m4h_watch *unheard;
    uv_timer_t again; /* runs while there is one */
};

static int control(struct m4h_watch *watch, int operation, unsigned events)
{
    struct epoll_event event = {.data.ptr = watch};

    if (events & M4H_WATCH_READ)
        event.events |= EPOLLIN;
    if (events & M4H_WATCH_WRITE)
        event.events |= EPOLLOUT;
    if (events & M4H_WATCH_END)
        event.events |= EPOLLRDHUP;
    return epoll_ctl(watch->poller->epoll_fd, operation, watch->fd, &event);
}

static int ask_kernel(struct m4h_watch *watch)
{
    int rc = control(watch, watch->is_listed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->events);

    if (rc != 0)
        return rc;
    watch->is_listed = true;
    watch->listed = watch->events;
    return 0;
}

static void on_again(uv_timer_t *uv);

/* Asks the kernel for what the owner wants. It can fail for want of memory, or of watches
 * that this user may have: then it is tried until it is done, for a listener would hear
 * of nothing for ever. */
static void list(struct m4h_watch *watch)
{
    struct m4h_poller *poller = watch->poller;

    if (ask_kernel(watch) == 0 || watch->is_unheard)
        return;
    if (poller->unheard == NULL)
        uv_timer_start(&poller->again, on_again, AGAIN_MS, AGAIN_MS);
    watch->is_unheard = true;
    watch->next_unheard = poller->unheard;
    poller->unheard = watch;
}

static void take_off_unheard(struct m4h_watch *watch)
{
    struct m4h_watch **at = &watch->poller->unheard;

    if (!watch->is_unheard)
        return;
    while (*at != watch)
        at = &(*at)->next_unheard;
    *at = watch->next_unheard;
    watch->is_unheard = false;
    if (watch->poller->unheard == NULL)
        uv_timer_stop(&watch->poller->again);
}

/* Whether the kernel has to be asked for something else, at once. */
static bool must_list(const struct m4h_watch *watch)
{
    const unsigned write = M4H_WATCH_WRITE;

    if (!watch->is_listed)
        return watch->events != 0;
    return (watch->events & ~watch->listed) != 0 ||
           (watch->events & write) != (watch->listed & write);
}

static void on_again(uv_timer_t *uv)
{
    struct m4h_poller *poller = uv->data;
    struct m4h_watch *watch, *next;

    for (watch = poller->unheard; watch != NULL; watch = next) {
        next = watch->next_unheard;
        if (!must_list(watch) || ask_kernel(watch) == 0)
            take_off_unheard(watch);
    }
}

static void unlist(struct m4h_watch *watch)
{
    /* It fails where the descriptor is closed, and so out of the set, already. */
    if (watch->is_listed)
        (void)control(watch, EPOLL_CTL_DEL, 0);
    watch->is_listed = false;
}

static void tell(struct m4h_watch *watch, uint32_t told)
{
    unsigned befell = 0;

    if (watch->is_closed)
        return;
    /* The kernel tells of the end of a descriptor also where nothing is asked for. */
    if (watch->events == 0) {
        unlist(watch);
        return;
    }
    if (watch->events != watch->listed)
        list(watch);
    if (told & EPOLLIN)
        befell |= M4H_WATCH_READ;
    if (told & EPOLLOUT)
        befell |= M4H_WATCH_WRITE;
    if (told & EPOLLRDHUP)
        befell |= M4H_WATCH_END;
    befell &= watch->events;
    /* Of those the kernel tells unasked: M4H_WATCH_HANGUP keeps a watch listed for them. */
    if (told & (EPOLLERR | EPOLLHUP))
        befell = M4H_WATCH_READ | M4H_WATCH_WRITE;
    if (befell != 0)
        watch->on_event(watch->context, befell);
}

static void free_closed(struct m4h_poller *poller)
{
    while (poller->closed != NULL) {
        struct m4h_watch *watch = poller->closed;

        poller->closed = watch->next_closed;
        free(watch);
    }
}

static void on_ready(uv_poll_t *uv, int status, int events)
{
    struct m4h_poller *poller = uv->data;
    struct epoll_event told[EVENTS_PER_TURN];
    int count;

    m4h_lag_begin(uv->loop);
    count = epoll_wait(poller->epoll_fd, told, EVENTS_PER_TURN, 0);
    (void)status;
    (void)events;
    poller->is_telling = true;
    for (int i = 0; i < count; i++)
        tell(told[i].data.ptr, told[i].events);
    poller->is_telling = false;
    free_closed(poller);
}

int m4h_poller_create(struct m4h_poller **poller, struct m4h_loop *loop)
{
    struct m4h_poller *made = calloc(1, sizeof(*made));

    *poller = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->uv.data = made;
    made->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (made->epoll_fd < 0 || uv_poll_init(m4h_loop_uv(loop), &made->uv, made->epoll_fd) != 0) {
        if (made->epoll_fd >= 0)
            close(made->epoll_fd);
        free(made);
        return M4H_ESYSTEM;
    }
    uv_timer_init(m4h_loop_uv(loop), &made->again);
    made->again.data = made;
    uv_poll_start(&made->uv, UV_READABLE, on_ready);
    *poller = made;
    return 0;
}

static void on_closed(uv_handle_t *uv)
{
    free(uv->data);
}

static void on_timer_closed(uv_handle_t *uv)
{
    struct m4h_poller *poller = uv->data;

    uv_close((uv_handle_t *)&poller->uv, on_closed);
}

void m4h_poller_close(struct m4h_poller *poller)
{
    if (poller == NULL)
        return;
    uv_poll_stop(&poller->uv);
    close(poller->epoll_fd);
    uv_close((uv_handle_t *)&poller->again, on_timer_closed);
}

static bool make_non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && ((flags & O_NONBLOCK) || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

int m4h_watch_start(struct m4h_watch **watch, struct m4h_loop *loop, int fd, unsigned events,
                    void (*on_event)(void *context, unsigned events), void *context)
{
    struct m4h_watch *made = calloc(1, sizeof(*made));

    *watch = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->poller = m4h_loop_poller(loop);
    made->fd = fd;
    made->events = events;
    made->on_event = on_event;
    made->context = context;
    if (made->poller == NULL || !make_non_blocking(fd) || ask_kernel(made) != 0) {
        free(made);
        return M4H_ESYSTEM;
    }
    *watch = made;
    return 0;
}

void m4h_watch_set(struct m4h_watch *watch, unsigned events)
{
    watch->events = events;
    if (must_list(watch))
        list(watch);
}

void m4h_watch_close(struct m4h_watch *watch)
{
    if (watch == NULL)
        return;
    take_off_unheard(watch);
    unlist(watch);
    if (!watch->poller->is_telling) {
        free(watch);
        return;
    }
    watch->is_closed = true;
    watch->next_closed = watch->poller->closed;
    watch->poller->closed = watch;
}
