/* A body in pieces.
 *
 * Happy path: the library asks for bytes -> none are there, so its connection is put to sleep -> a
 * piece is sent and wakes it -> the library asks again, until it gets the end. Pieces are kept
 * whole until they have left, so that a stream which is given up ends between two of them.
 *
 * Failures: the client goes away - a watch of ours finds out (the library does not look while its
 * connection sleeps) and cuts it, so that the library completes the request, which is the end; it
 * reads nothing - the library stops asking, the queue fills, and a finished
 * stream is cut after a while by shutting its socket down; no memory for a last piece - it ends
 * without one.
 *
 * Must not know what a piece says. */
#include "lib/http/stream.h"

#include "lib/base/error.h"
#include "lib/http/server.h"
#include "lib/net/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BLOCK_BYTES 4096u

struct piece {
    STAILQ_ENTRY(piece) link;
    size_t len;
    uint8_t data[];
};

struct m4h_http_stream {
    struct m4h_http_server *server;
    struct MHD_Connection *connection;
    const struct m4h_http_stream_handler *handler;
    void *context;
    uint32_t queue_max;
    uint32_t linger_ms;
    STAILQ_HEAD(, piece) pieces;
    size_t queued;    /* bytes of all pieces that have not left */
    size_t first_out; /* bytes of the first piece that have left */
    bool is_asleep;   /* the library's connection */
    bool is_finished;
    bool is_gone;             /* the client */
    bool is_leaving;          /* its handler was told that the server ends */
    struct m4h_timer *linger; /* made at the end */
    struct m4h_watch *peer;   /* NULL where there was no memory for it */
    LIST_ENTRY(m4h_http_stream) link;
};

/* ---- the queue ----------------------------------------------------------------------- */

static int enqueue(struct m4h_http_stream *stream, const void *data, size_t len)
{
    struct piece *piece = malloc(sizeof(*piece) + len);

    if (piece == NULL)
        return M4H_ENOMEM;
    piece->len = len;
    memcpy(piece->data, data, len);
    STAILQ_INSERT_TAIL(&stream->pieces, piece, link);
    stream->queued += len;
    return 0;
}

static void drop_first(struct m4h_http_stream *stream)
{
    struct piece *piece = STAILQ_FIRST(&stream->pieces);

    stream->queued -= piece->len - stream->first_out;
    stream->first_out = 0;
    STAILQ_REMOVE_HEAD(&stream->pieces, link);
    free(piece);
}

/* All but a piece that has begun to leave. */
static void drop_what_has_not_begun(struct m4h_http_stream *stream)
{
    struct piece *begun = NULL;

    if (stream->first_out > 0) {
        begun = STAILQ_FIRST(&stream->pieces);
        STAILQ_REMOVE_HEAD(&stream->pieces, link);
    }
    while (!STAILQ_EMPTY(&stream->pieces)) {
        struct piece *piece = STAILQ_FIRST(&stream->pieces);

        STAILQ_REMOVE_HEAD(&stream->pieces, link);
        stream->queued -= piece->len;
        free(piece);
    }
    if (begun != NULL)
        STAILQ_INSERT_HEAD(&stream->pieces, begun, link);
}

static size_t dequeue(struct m4h_http_stream *stream, char *out, size_t size)
{
    struct piece *piece;
    size_t taken = 0;

    while (taken < size && (piece = STAILQ_FIRST(&stream->pieces)) != NULL) {
        size_t left = piece->len - stream->first_out;
        size_t len = left < size - taken ? left : size - taken;

        memcpy(out + taken, piece->data + stream->first_out, len);
        taken += len;
        stream->first_out += len;
        stream->queued -= len;
        if (len == left)
            drop_first(stream);
    }
    return taken;
}

/* ---- the library's side ----------------------------------------------------------------- */

static ssize_t on_read(void *context, uint64_t position, char *out, size_t size)
{
    struct m4h_http_stream *stream = context;

    (void)position;
    if (stream->is_gone) {
        /* Neither an error nor an end: after those the library (0.9.75) forgets the connection
         * for as long as an older one is there. That a byte cannot be sent it does notice. */
        out[0] = '\n';
        return 1;
    }
    if (STAILQ_EMPTY(&stream->pieces) && !stream->is_finished && stream->handler->on_room != NULL)
        stream->handler->on_room(stream->context, stream);
    if (!STAILQ_EMPTY(&stream->pieces))
        return (ssize_t)dequeue(stream, out, size);
    if (stream->is_finished)
        return MHD_CONTENT_READER_END_OF_STREAM;
    stream->is_asleep = true;
    MHD_suspend_connection(stream->connection);
    return 0;
}

static void wake(struct m4h_http_stream *stream)
{
    if (!stream->is_asleep)
        return;
    stream->is_asleep = false;
    MHD_resume_connection(stream->connection);
    m4h_http_server_turn(stream->server);
}

void m4h_http_stream_over(struct m4h_http_stream *stream)
{
    LIST_REMOVE(stream, link);
    stream->server->stats.streams--;
    m4h_timer_close(stream->linger);
    m4h_watch_close(stream->peer);
    stream->is_finished = true;
    stream->is_asleep = false;
    stream->handler->on_close(stream->context, stream);
    while (!STAILQ_EMPTY(&stream->pieces))
        drop_first(stream);
    free(stream);
}

static int fd_of(const struct m4h_http_stream *stream)
{
    return MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
        ->connect_fd;
}

static void cut(struct m4h_http_stream *stream)
{
    shutdown(fd_of(stream), SHUT_RDWR);
    m4h_http_server_turn(stream->server);
}

static void on_peer(void *context, unsigned events)
{
    struct m4h_http_stream *stream = context;

    (void)events;
    m4h_watch_set(stream->peer, 0);
    if (stream->is_finished)
        return; /* it may read the rest, and lingers */
    stream->is_gone = true;
    cut(stream);
    wake(stream);
}

/* ---- open ---------------------------------------------------------------------------------- */

static struct m4h_http_stream *create(struct m4h_http_request *request,
                                      const struct m4h_http_stream_config *config, void *context)
{
    struct m4h_http_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        return NULL;
    stream->server = request->server;
    stream->connection = request->connection;
    stream->handler = config->handler;
    stream->context = context;
    stream->queue_max = config->queue_max != 0 ? config->queue_max : 262144;
    stream->linger_ms = config->linger_ms != 0 ? config->linger_ms : 5000;
    STAILQ_INIT(&stream->pieces);
    return stream;
}

static struct MHD_Response *response_of(struct m4h_http_stream *stream,
                                        const struct m4h_http_stream_config *config)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, stream, NULL);
    bool ok;

    if (response == NULL)
        return NULL;
    ok = m4h_http_response_header(response, "Content-Type", config->content_type);
    for (size_t i = 0; i < config->header_count && ok; i++)
        ok = m4h_http_response_header(response, config->headers[i].name, config->headers[i].value);
    if (ok)
        return response;
    MHD_destroy_response(response);
    return NULL;
}

int m4h_http_stream_open(struct m4h_http_stream **stream, struct m4h_http_request *request,
                         const struct m4h_http_stream_config *config, void *context)
{
    struct m4h_http_stream *made;

    *stream = NULL;
    if (request->server->is_stopping) {
        m4h_http_answer_problem(request, 503, "unavailable", "the server is stopping", 1000);
        return M4H_ECLOSED;
    }
    made = create(request, config, context);
    m4h_http_request_end(request, MHD_HTTP_OK, made != NULL ? response_of(made, config) : NULL, 0);
    if (request->status != MHD_HTTP_OK) {
        free(made);
        return M4H_ENOMEM;
    }
    if (m4h_watch_start(&made->peer, made->server->loop, fd_of(made), M4H_WATCH_END, on_peer,
                        made) != 0)
        m4h_log(M4H_LOG_DEBUG, "http", "the end of a stream's reader will be noticed late");
    LIST_INSERT_HEAD(&made->server->streams, made, link);
    made->server->stats.streams++;
    request->stream = made;
    *stream = made;
    return 0;
}

/* ---- what handlers do ------------------------------------------------------------------------ */

size_t m4h_http_stream_queued(const struct m4h_http_stream *stream)
{
    return stream->queued;
}

int m4h_http_stream_send(struct m4h_http_stream *stream, const void *data, size_t len)
{
    int error;

    if (stream->is_finished)
        return M4H_ECLOSED;
    if (len == 0)
        return 0;
    if (stream->queued + len > stream->queue_max)
        return M4H_EFULL;
    error = enqueue(stream, data, len);
    if (error == 0)
        wake(stream);
    return error;
}

/* Its reader took too long: the library finds the end. */
static void on_linger(void *context)
{
    cut(context);
}

void m4h_http_stream_finish(struct m4h_http_stream *stream, const void *last, size_t len,
                            bool drops)
{
    if (stream->is_finished)
        return;
    if (drops)
        drop_what_has_not_begun(stream);
    if (last != NULL && len > 0)
        (void)enqueue(stream, last, len);
    stream->is_finished = true;
    if (m4h_timer_create(&stream->linger, stream->server->loop, on_linger, stream) == 0)
        m4h_timer_start(stream->linger, stream->linger_ms, 0);
    wake(stream);
}

/* ---- the server's end ---------------------------------------------------------------------------
 */

void m4h_http_streams_drain(struct m4h_http_server *server)
{
    struct m4h_http_stream *stream, *next;

    for (stream = LIST_FIRST(&server->streams); stream != NULL; stream = next) {
        next = LIST_NEXT(stream, link);
        if (stream->is_finished || stream->is_leaving)
            continue;
        stream->is_leaving = true;
        stream->handler->on_drain(stream->context, stream);
    }
}

void m4h_http_streams_cut(struct m4h_http_server *server)
{
    struct m4h_http_stream *stream;

    LIST_FOREACH(stream, &server->streams, link)
    {
        m4h_http_stream_finish(stream, NULL, 0, true);
    }
}
