/* Bytes both ways between a connection and a channel.
 *
 * To the channel: the connection is read only as far as the channel has room; what the
 * channel does not take after all is kept in `rest`, and until it is out nothing more is
 * read. To the connection: what the kernel does not take is kept by the connection;
 * above the configured mark the channel's data is left where it is, which closes the
 * window of its peer. Each side's end of data is passed on when all before it is through;
 * when both have ended, or either breaks, the conduit is over, and so it is when whoever is at
 * the connection takes no more, lest a device that minds no end keep it; a connection whose peer
 * still talks when the channel has ended is left to the attendance, so that what it was
 * sent is not lost.
 *
 * It does not know who is at either end. */
#include "services/slave/io/conduit.h"

#include "lib/base/error.h"
#include "lib/net/connection.h"
#include "lib/ssh/channel.h"
#include "services/slave/io/attendance.h"
#include "services/slave/io/worker.h"

#include <stdlib.h>
#include <string.h>

/* Beyond the configured mark: what the library may hand over at once when the
 * connection is read again. */
#define BACKLOG_MAX_BYTES (4u * 1024u * 1024u)

/* The owner closes it now, or frees it: touch nothing after this. */
static void end(struct m4h_conduit *conduit)
{
    conduit->handler->on_over(conduit->context);
}

/* True: nothing was left to do, and it is gone. */
static bool end_if_done(struct m4h_conduit *conduit)
{
    if (!conduit->channel_ended || m4h_connection_kept(conduit->connection) > 0)
        return false;
    if (conduit->channel != NULL && (!conduit->connection_ended || conduit->rest_len > 0))
        return false;
    if (conduit->answered && !conduit->connection_ended) {
        m4h_attendance_part(conduit->worker->attendance, conduit->connection);
        conduit->connection = NULL;
    }
    end(conduit);
    return true;
}

static void await_room(struct m4h_conduit *conduit)
{
    m4h_connection_want_read(conduit->connection, false);
    m4h_ssh_channel_want_write(conduit->channel, true);
}

/* ---- to the channel --------------------------------------------------------- */

/* Keeps what the channel does not take. M4H_ENOMEM. */
static int send(struct m4h_conduit *conduit, const uint8_t *data, size_t len)
{
    size_t taken = m4h_ssh_channel_write(conduit->channel, data, len);

    conduit->handler->on_sent(conduit->context, taken);
    if (taken == len)
        return 0;
    return m4h_conduit_put_first(conduit, data + taken, len - taken);
}

/* The connection has sent its last byte, and all is through. */
static void finish_channel(struct m4h_conduit *conduit)
{
    m4h_connection_want_read(conduit->connection, false);
    m4h_ssh_channel_want_write(conduit->channel, false);
    m4h_ssh_channel_finish(conduit->channel);
    if (!end_if_done(conduit))
        m4h_connection_want_hangup(conduit->connection);
}

/* The connection sends no more, or is gone; the channel may be already. */
static void end_connection(struct m4h_conduit *conduit, int error)
{
    if (error == M4H_ECLOSED && conduit->channel != NULL) {
        conduit->connection_ended = true;
        finish_channel(conduit);
    } else {
        end(conduit);
    }
}

/* Reads once, as much as the channel takes: a bulk sender leaves room for others. */
static int carry(struct m4h_conduit *conduit)
{
    const struct m4h_conduit_handler *handler = conduit->handler;
    uint8_t *scratch = conduit->worker->scratch;
    size_t room = m4h_ssh_channel_room(conduit->channel);
    size_t allowed = handler->on_ask != NULL ? handler->on_ask(conduit->context) : SIZE_MAX;
    size_t len;
    int error;

    if (room == 0) {
        await_room(conduit);
        return 0;
    }
    if (allowed == 0) {
        conduit->throttled = true;
        m4h_connection_want_read(conduit->connection, false);
        return 0;
    }
    if (room > M4H_RELAY_READ_BYTES)
        room = M4H_RELAY_READ_BYTES;
    if (room > allowed)
        room = allowed;
    error = m4h_connection_read(conduit->connection, scratch, room, &len);
    if (error == 0)
        error = send(conduit, scratch, len);
    if (error == 0 && conduit->rest_len > 0)
        await_room(conduit);
    return error;
}

/* Nobody takes it any more; what was sent before still goes out. */
static int drop(struct m4h_conduit *conduit)
{
    size_t len;
    int error = m4h_connection_read(conduit->connection, conduit->worker->scratch,
                                    M4H_RELAY_READ_BYTES, &len);

    if (error != M4H_ECLOSED)
        return error;
    conduit->connection_ended = true;
    m4h_connection_want_read(conduit->connection, false);
    m4h_connection_want_hangup(conduit->connection);
    return 0;
}

static void on_connection_readable(void *context)
{
    struct m4h_conduit *conduit = context;
    int error = M4H_EIO;

    if (!conduit->connection_ended && !m4h_connection_is_broken(conduit->connection))
        error = conduit->channel != NULL ? carry(conduit) : drop(conduit);
    if (error != 0 && error != M4H_EAGAIN)
        end_connection(conduit, error);
}

static void take_what_was_left(struct m4h_conduit *conduit)
{
    conduit->stalled = false;
    conduit->taking = true;
    m4h_ssh_channel_resume(conduit->channel);
    conduit->taking = false;
}

/* What was kept for the connection is out: more may come. */
static void on_connection_drained(void *context)
{
    struct m4h_conduit *conduit = context;

    if (conduit->stalled && conduit->channel != NULL)
        take_what_was_left(conduit);
    end_if_done(conduit);
}

static const struct m4h_connection_handler connection_handler = {
    .on_readable = on_connection_readable,
    .on_drained = on_connection_drained,
};

/* ---- from the channel ------------------------------------------------------- */

/* What goes first waits for the channel's room, else the connection is read. */
static void begin(struct m4h_conduit *conduit)
{
    conduit->is_open = true;
    if (conduit->rest_len > 0)
        await_room(conduit);
    else
        m4h_connection_want_read(conduit->connection, true);
}

static void on_channel_open(void *context)
{
    struct m4h_conduit *conduit = context;

    begin(conduit);
    if (conduit->handler->on_open != NULL)
        conduit->handler->on_open(conduit->context);
}

static size_t on_channel_data(void *context, const void *data, size_t len)
{
    struct m4h_conduit *conduit = context;
    size_t mark = conduit->worker->settings->buffer_bytes;

    if (!conduit->taking && m4h_connection_kept(conduit->connection) >= mark) {
        conduit->stalled = true;
        return 0;
    }
    if (m4h_connection_write(conduit->connection, data, len) != 0) {
        conduit->stalled = !conduit->taking;
        return 0;
    }
    conduit->answered = true;
    conduit->handler->on_received(conduit->context, len);
    return len;
}

static void on_channel_writable(void *context)
{
    struct m4h_conduit *conduit = context;
    uint8_t *rest = conduit->rest;
    size_t len = conduit->rest_len;
    int error = 0;

    conduit->rest = NULL;
    conduit->rest_len = 0;
    if (len > 0)
        error = send(conduit, rest, len);
    free(rest);
    if (error != 0) {
        end(conduit);
        return;
    }
    if (conduit->rest_len > 0)
        return;
    m4h_ssh_channel_want_write(conduit->channel, false);
    if (!conduit->connection_ended)
        m4h_connection_want_read(conduit->connection, true);
}

static void on_channel_eof(void *context)
{
    struct m4h_conduit *conduit = context;

    conduit->channel_ended = true;
    m4h_connection_finish(conduit->connection);
    end_if_done(conduit);
}

/* What was left may wait for whoever is at the connection, and he for us to read what the channel
 * takes no more: so it is kept here, and he is read. */
static void on_channel_parted(void *context)
{
    take_what_was_left(context);
}

/* Its peer refused the channel or closed it: what came still goes out. */
static void on_channel_closed(void *context)
{
    struct m4h_conduit *conduit = context;

    conduit->refusal = m4h_ssh_channel_refusal(conduit->channel);
    m4h_ssh_channel_close(conduit->channel);
    conduit->channel = NULL;
    conduit->throttled = false;
    if (!conduit->channel_ended)
        m4h_connection_finish(conduit->connection);
    conduit->channel_ended = true;
    if (!end_if_done(conduit))
        m4h_connection_want_read(conduit->connection, !conduit->connection_ended);
}

const struct m4h_ssh_channel_handler m4h_conduit_channel_handler = {
    .on_open = on_channel_open,
    .on_data = on_channel_data,
    .on_writable = on_channel_writable,
    .on_eof = on_channel_eof,
    .on_parted = on_channel_parted,
    .on_closed = on_channel_closed,
};

/* ---- its life --------------------------------------------------------------- */

int m4h_conduit_start(struct m4h_conduit *conduit, struct m4h_worker *worker, int fd,
                      const struct m4h_conduit_handler *handler, void *context)
{
    size_t keep_max = worker->settings->buffer_bytes + BACKLOG_MAX_BYTES;

    *conduit = (struct m4h_conduit){.worker = worker, .handler = handler, .context = context};
    return m4h_connection_start(&conduit->connection, worker->loop, fd, keep_max,
                                &connection_handler, conduit);
}

int m4h_conduit_put_first(struct m4h_conduit *conduit, const void *data, size_t len)
{
    conduit->rest = malloc(len);
    if (conduit->rest == NULL)
        return M4H_ENOMEM;
    memcpy(conduit->rest, data, len);
    conduit->rest_len = len;
    return 0;
}

void m4h_conduit_join(struct m4h_conduit *conduit, struct m4h_ssh_channel *channel, bool is_open)
{
    conduit->channel = channel;
    if (is_open)
        begin(conduit);
}

void m4h_conduit_resume(struct m4h_conduit *conduit)
{
    if (!conduit->throttled)
        return;
    conduit->throttled = false;
    m4h_connection_want_read(conduit->connection, true);
}

void m4h_conduit_close(struct m4h_conduit *conduit)
{
    m4h_connection_close(conduit->connection);
    m4h_ssh_channel_close(conduit->channel);
    free(conduit->rest);
    conduit->connection = NULL;
    conduit->channel = NULL;
    conduit->rest = NULL;
    conduit->rest_len = 0;
}
