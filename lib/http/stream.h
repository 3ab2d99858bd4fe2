/* An answer that goes on: its body comes in pieces, as they happen, until one side has had enough
 * (server-sent events, say). On the loop of the HTTP server, all on its thread.
 *
 * A handler of a GET route calls m4h_http_stream_open instead of an answer. From then on:
 * on_drain at most once, when the server begins to end; on_close exactly once at the end, after
 * which the stream is gone. No callback ever comes from inside a call here.
 *
 * A reader that ends its side of the connection is gone, at once and with all that waits for it.
 * One that vanished without a word is noticed when something is sent to it, so send now and then.
 * One that does not read lets its queue grow to the bound, then m4h_http_stream_send refuses. */
#ifndef M4H_HTTP_STREAM_H
#define M4H_HTTP_STREAM_H

#include "lib/base/attributes.h"
#include "lib/http/http.h"

#include <stddef.h>
#include <stdint.h>

struct m4h_http_stream;

struct m4h_http_stream_handler {
    void (*on_drain)(void *context, struct m4h_http_stream *stream); /* should finish it soon */
    void (*on_room)(void *context, struct m4h_http_stream *stream);  /* all has left; may be NULL */
    void (*on_close)(void *context, struct m4h_http_stream *stream);
};

struct m4h_http_stream_config {
    const char *content_type;
    const struct m4h_http_header *headers; /* copied */
    size_t header_count;
    const struct m4h_http_stream_handler *handler; /* borrowed for its life */
    uint32_t queue_max;                            /* bytes that wait for the reader [262144] */
    uint32_t linger_ms; /* after the end, before a reader that takes nothing is cut [5000] */
};

/* Answers 200 with a body that goes on; the request is ended, also on error. Not after
 * m4h_http_defer. `*stream` is NULL on error: M4H_ECLOSED (the server stops; it answered 503),
 * M4H_ENOMEM (500). */
M4H_MUST_CHECK int m4h_http_stream_open(struct m4h_http_stream **stream,
                                        struct m4h_http_request *request,
                                        const struct m4h_http_stream_config *config, void *context);

/* Bytes that have not left yet. */
size_t m4h_http_stream_queued(const struct m4h_http_stream *stream);

/* Sends a piece (copied). M4H_EFULL (beyond the bound: nothing is sent; the stream stays),
 * M4H_ECLOSED (it is finished), M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_http_stream_send(struct m4h_http_stream *stream, const void *data,
                                        size_t len);

/* Ends it: what waits is sent, then `last` (copied; may be NULL), then the body is over. Where
 * `drops` is true, pieces of which no byte has left are thrown away first. Does nothing when it is
 * finished. */
void m4h_http_stream_finish(struct m4h_http_stream *stream, const void *last, size_t len,
                            bool drops);

#endif
