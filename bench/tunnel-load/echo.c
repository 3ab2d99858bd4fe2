/*
 * Echoes on forwarded channels. libssh hands the data to on_data(), often in
 * the middle of another call of ours (a write reads too), so the callback only
 * copies; serve() sends it back later.
 *
 * Back-pressure: with HIGH_WATER_BYTES waiting here, on_data() takes nothing more,
 * libssh keeps the rest and, once that fills the channel's window, the server has
 * to stop. When all has been sent, the rest is taken in one piece: libssh reopens
 * the window at each read, however much it still holds, so reading it in small
 * pieces would let it grow without bound.
 *
 * Must not know about sockets, epoll or devices.
 */
#include "echo.h"

#include <libssh/callbacks.h>
#include <stdlib.h>
#include <string.h>

#define HIGH_WATER_BYTES (256 * 1024)

struct echo {
    struct echo *next;
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    struct echo_totals *totals;
    char *pending; /* bytes `start` to `end` wait to be sent back */
    size_t start;
    size_t end;
    size_t capacity;
    bool writing; /* libssh reads `pending` now: it must not move */
    bool backlog; /* libssh holds data that on_data() did not take */
    bool broken;
};

static size_t waiting(const struct echo *echo)
{
    return echo->end - echo->start;
}

static bool make_room(struct echo *echo, size_t bytes)
{
    size_t capacity = echo->capacity ? echo->capacity : 4096;
    char *grown;

    if (waiting(echo) == 0)
        echo->start = echo->end = 0;
    while (capacity - echo->end < bytes)
        capacity *= 2;
    if (capacity == echo->capacity)
        return true;

    grown = realloc(echo->pending, capacity);
    if (!grown)
        return false;
    echo->pending = grown;
    echo->capacity = capacity;
    return true;
}

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t len,
                   int is_stderr, void *userdata)
{
    struct echo *echo = userdata;

    (void)session;
    (void)channel;
    (void)is_stderr;
    if (echo->backlog || echo->writing || waiting(echo) >= HIGH_WATER_BYTES ||
        !make_room(echo, len)) {
        echo->backlog = true;
        return 0;
    }
    memcpy(echo->pending + echo->end, data, len);
    echo->end += len;
    return (int)len;
}

static void take_backlog(struct echo *echo)
{
    int held = ssh_channel_poll(echo->channel, 0);
    int got;

    echo->backlog = false;
    if (held <= 0)
        return;
    if (!make_room(echo, (size_t)held)) {
        echo->broken = true;
        return;
    }
    got = ssh_channel_read_nonblocking(echo->channel, echo->pending + echo->end, (uint32_t)held, 0);
    if (got > 0)
        echo->end += (size_t)got;
}

static void send_waiting(struct echo *echo)
{
    while (waiting(echo) > 0) {
        int sent;

        echo->writing = true;
        sent =
            ssh_channel_write(echo->channel, echo->pending + echo->start, (uint32_t)waiting(echo));
        echo->writing = false;
        if (sent < 0)
            echo->broken = true;
        if (sent <= 0)
            return; /* window full or keys being renewed: an answer will come */
        echo->start += (size_t)sent;
        echo->totals->bytes += (size_t)sent;
    }
}

bool echo_set_add(struct echo_set *set, ssh_channel channel, struct echo_totals *totals)
{
    struct echo *echo = calloc(1, sizeof(*echo));
    struct echo **end = &set->first;

    if (!echo)
        return false;
    echo->channel = channel;
    echo->totals = totals;
    echo->callbacks.userdata = echo;
    echo->callbacks.channel_data_function = on_data;
    ssh_callbacks_init(&echo->callbacks);
    ssh_set_channel_callbacks(channel, &echo->callbacks);
    totals->channels++;
    while (*end) /* at the end: echo_set_serve() may be walking the list now */
        end = &(*end)->next;
    *end = echo;
    return true;
}

/* False when the connection is over. */
static bool serve(struct echo *echo)
{
    send_waiting(echo);
    if (waiting(echo) == 0 && echo->backlog) {
        take_backlog(echo);
        send_waiting(echo);
    }
    if (echo->broken || ssh_channel_is_closed(echo->channel))
        return false;
    if (waiting(echo) > 0 || echo->backlog || !ssh_channel_is_eof(echo->channel))
        return true;
    ssh_channel_send_eof(echo->channel);
    return false;
}

static bool has_work(const struct echo *echo)
{
    if (ssh_channel_is_closed(echo->channel))
        return true;
    if (waiting(echo) > 0)
        return ssh_channel_window_size(echo->channel) > 0;
    return echo->backlog || ssh_channel_is_eof(echo->channel);
}

static void destroy(struct echo *echo)
{
    ssh_remove_channel_callbacks(echo->channel, &echo->callbacks);
    ssh_channel_close(echo->channel);
    ssh_channel_free(echo->channel);
    free(echo->pending);
    free(echo);
}

bool echo_set_serve(struct echo_set *set)
{
    struct echo **link = &set->first;

    while (*link) {
        struct echo *echo = *link;

        if (serve(echo)) {
            link = &echo->next;
        } else {
            *link = echo->next;
            destroy(echo);
        }
    }
    /* Serving one may have read data for another, so look only now. */
    for (const struct echo *echo = set->first; echo; echo = echo->next) {
        if (has_work(echo))
            return true;
    }
    return false;
}

void echo_set_clear(struct echo_set *set)
{
    while (set->first) {
        struct echo *echo = set->first;

        set->first = echo->next;
        destroy(echo);
    }
}
