/* An operator's TCP connection. */
#include "lib/net/connection.h"

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/net/watch.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct m4h_connection {
    int fd;
    bool want_read;
    bool want_hangup;
    bool finishing; /* shut down the write side when nothing is kept */
    bool broken;    /* a write failed: bytes are dropped, the next read tells */
    bool busy;      /* inside on_event: freeing waits */
    struct m4h_watch *watch;
    struct m4h_buffer kept;
    size_t sent; /* bytes at the front of `kept` that are out already */
    const struct m4h_connection_handler *handler;
    void *context;
};

static void update_watch(struct m4h_connection *connection)
{
    unsigned events = connection->want_read || connection->broken ? M4H_WATCH_READ : 0;

    if (m4h_connection_kept(connection) > 0 && !connection->broken)
        events |= M4H_WATCH_WRITE;
    if (connection->want_hangup)
        events |= M4H_WATCH_HANGUP;
    m4h_watch_set(connection->watch, events);
}

/* Sends what it can; returns how many bytes are out (or dropped). */
static size_t send_some(struct m4h_connection *connection, const uint8_t *data, size_t len)
{
    size_t out = 0;

    while (out < len && !connection->broken) {
        ssize_t n = send(connection->fd, data + out, len - out, MSG_NOSIGNAL);

        if (n >= 0)
            out += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return out;
        else if (errno != EINTR)
            connection->broken = true;
    }
    return connection->broken ? len : out;
}

static void flush_kept(struct m4h_connection *connection)
{
    size_t left = m4h_connection_kept(connection);

    if (left > 0)
        connection->sent += send_some(connection, connection->kept.data + connection->sent, left);
    if (m4h_connection_kept(connection) > 0)
        return;
    m4h_buffer_free(&connection->kept);
    connection->sent = 0;
    if (connection->finishing)
        shutdown(connection->fd, SHUT_WR);
}

static void on_event(void *context, unsigned events)
{
    struct m4h_connection *connection = context;

    connection->busy = true;
    if ((events & M4H_WATCH_WRITE) && m4h_connection_kept(connection) > 0) {
        flush_kept(connection);
        if (m4h_connection_kept(connection) == 0)
            connection->handler->on_drained(connection->context);
    }
    if ((events & M4H_WATCH_READ) && connection->fd >= 0)
        connection->handler->on_readable(connection->context);
    connection->busy = false;
    if (connection->fd < 0)
        free(connection);
    else
        update_watch(connection);
}

int m4h_connection_start(struct m4h_connection **connection, struct m4h_loop *loop, int fd,
                         size_t keep_max, const struct m4h_connection_handler *handler,
                         void *context)
{
    int error = M4H_ENOMEM;

    *connection = calloc(1, sizeof(**connection));
    if (*connection != NULL)
        error = m4h_watch_start(&(*connection)->watch, loop, fd, 0, on_event, *connection);
    if (error != 0) {
        free(*connection);
        *connection = NULL;
        close(fd);
        return error;
    }
    (*connection)->fd = fd;
    (*connection)->kept.cap = keep_max;
    (*connection)->handler = handler;
    (*connection)->context = context;
    return 0;
}

void m4h_connection_want_read(struct m4h_connection *connection, bool wanted)
{
    connection->want_read = wanted;
    update_watch(connection);
}

void m4h_connection_want_hangup(struct m4h_connection *connection)
{
    connection->want_hangup = true;
    update_watch(connection);
}

int m4h_connection_read(struct m4h_connection *connection, void *data, size_t size, size_t *len)
{
    ssize_t n;

    do
        n = recv(connection->fd, data, size, 0);
    while (n < 0 && errno == EINTR);
    *len = n > 0 ? (size_t)n : 0;
    if (n > 0)
        return 0;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && !connection->broken)
        return M4H_EAGAIN;
    return n == 0 && !connection->broken ? M4H_ECLOSED : M4H_EIO;
}

int m4h_connection_write(struct m4h_connection *connection, const void *data, size_t len)
{
    size_t kept = m4h_connection_kept(connection);
    size_t out;

    if (len > connection->kept.cap - kept)
        return M4H_ETOOBIG;
    out = kept == 0 ? send_some(connection, data, len) : 0;
    if (connection->sent > 0 && kept > 0) {
        m4h_buffer_consume(&connection->kept, connection->sent);
        connection->sent = 0;
    }
    if (out < len && m4h_buffer_add(&connection->kept, (const uint8_t *)data + out, len - out) != 0)
        connection->broken = true; /* part of it may be out: there is no way back */
    update_watch(connection);
    return 0;
}

bool m4h_connection_is_broken(const struct m4h_connection *connection)
{
    return connection->broken;
}

size_t m4h_connection_kept(const struct m4h_connection *connection)
{
    return connection->kept.len - connection->sent;
}

size_t m4h_connection_untaken(const struct m4h_connection *connection)
{
    int queued = 0;

    if (ioctl(connection->fd, SIOCOUTQ, &queued) != 0)
        queued = 0;
    return m4h_connection_kept(connection) + (size_t)queued;
}

void m4h_connection_hand_over(struct m4h_connection *connection,
                              const struct m4h_connection_handler *handler, void *context)
{
    connection->handler = handler;
    connection->context = context;
}

void m4h_connection_finish(struct m4h_connection *connection)
{
    connection->finishing = true;
    if (m4h_connection_kept(connection) == 0)
        shutdown(connection->fd, SHUT_WR);
}

void m4h_connection_close(struct m4h_connection *connection)
{
    if (connection == NULL)
        return;
    m4h_watch_close(connection->watch);
    close(connection->fd);
    connection->fd = -1;
    m4h_buffer_free(&connection->kept);
    if (!connection->busy)
        free(connection);
}
