/* One reader of the feed. What is sent to it is text already; which events, the feed knows. */
#include "services/gateway/io/reader.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/json/json.h"
#include "services/gateway/core/problem.h"
#include "services/gateway/core/sse.h"
#include "services/gateway/io/feed_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_MAX 1024u

/* ---- to it --------------------------------------------------------------------------- */

void m4h_gateway_reader_dismiss(struct m4h_gateway_reader *reader, const char *reason)
{
    struct m4h_buffer document = M4H_BUFFER_INIT(NOTE_MAX), frame = M4H_BUFFER_INIT(NOTE_MAX);

    reader->end = reason;
    if (m4h_json_feed_end(&document, reason) != 0 ||
        m4h_gateway_sse_event(&frame, "end", NULL, &document) != 0)
        m4h_buffer_clear(&frame);
    m4h_http_stream_finish(reader->stream, frame.data, frame.len, true);
    m4h_buffer_free(&document);
    m4h_buffer_free(&frame);
}

bool m4h_gateway_reader_give(struct m4h_gateway_reader *reader, const void *data, size_t len)
{
    int error = m4h_http_stream_send(reader->stream, data, len);

    if (error == 0)
        reader->heard_ms = m4h_gateway_feed_now(reader->feed);
    if (error != M4H_EFULL && error != M4H_ENOMEM)
        return error == 0;
    m4h_gateway_feed_count_slow(reader->feed);
    m4h_gateway_reader_dismiss(reader, "slow");
    return false;
}

void m4h_gateway_reader_note(struct m4h_gateway_reader *reader, const char *name,
                             const struct m4h_buffer *document)
{
    struct m4h_buffer frame = M4H_BUFFER_INIT(2 * NOTE_MAX);

    if (m4h_gateway_sse_event(&frame, name, NULL, document) == 0)
        m4h_gateway_reader_give(reader, frame.data, frame.len);
    m4h_buffer_free(&frame);
}

void m4h_gateway_reader_gap(struct m4h_gateway_reader *reader, const char *reason,
                            const char *after_id, const char *before_id)
{
    struct m4h_buffer document = M4H_BUFFER_INIT(NOTE_MAX);

    if (m4h_json_feed_gap(&document, reason, after_id, before_id) == 0)
        m4h_gateway_reader_note(reader, "gap", &document);
    m4h_buffer_free(&document);
}

/* ---- from its stream --------------------------------------------------------------------- */

static void on_drain(void *context, struct m4h_http_stream *stream)
{
    (void)stream;
    m4h_gateway_reader_dismiss(context, "stopping");
}

static void on_room(void *context, struct m4h_http_stream *stream)
{
    struct m4h_gateway_reader *reader = context;

    (void)stream;
    if (reader->replay != NULL)
        m4h_gateway_replay_go_on(reader->replay);
}

static void on_close(void *context, struct m4h_http_stream *stream)
{
    struct m4h_gateway_reader *reader = context;

    (void)stream;
    m4h_gateway_feed_lost(reader->feed, reader);
    m4h_log(M4H_LOG_INFO, "events",
            "peer=%s request_id=%s events=%" PRIu64 " age_ms=%" PRIu64 " reason=%s reader is gone",
            reader->peer, reader->request_id, reader->sent,
            m4h_gateway_feed_now(reader->feed) - reader->since_ms,
            reader->end != NULL ? reader->end : "client");
    free(reader);
}

static const struct m4h_http_stream_handler handler = {
    .on_drain = on_drain,
    .on_room = on_room,
    .on_close = on_close,
};

/* ---- its request ------------------------------------------------------------------------------
 */

/* False: a filter is wrong, and the request answered. */
static bool read_filter(struct m4h_http_request *request, struct m4h_gateway_filter *filter)
{
    static const char *const names[] = {"region", "slave", "client_key", "type"};
    struct m4h_problem problem;
    const char *value;

    for (size_t i = 0; i < M4H_COUNT(names); i++) {
        for (size_t n = 0; (value = m4h_http_query_at(request, names[i], n)) != NULL; n++) {
            if (m4h_gateway_filter_add(filter, names[i], value, &problem) == 0)
                continue;
            m4h_http_answer_problem(request, m4h_gateway_problem_status(&problem),
                                    m4h_problem_code_name(problem.code), problem.detail, 0);
            return false;
        }
    }
    return true;
}

/* A client that comes back by itself sends the header, and the query that it had at first. */
static const char *last_event_id(const struct m4h_http_request *request)
{
    const char *id = m4h_http_header(request, "Last-Event-ID");

    if (id == NULL)
        id = m4h_http_query(request, "last_event_id");
    return id != NULL && id[0] != '\0' ? id : NULL;
}

static const struct m4h_http_header headers[] = {
    {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}, /* nginx would keep events back */
};

static bool open_stream(struct m4h_gateway_reader *reader, struct m4h_http_request *request)
{
    static const struct m4h_http_stream_config config = {.content_type = "text/event-stream",
                                                         .headers = headers,
                                                         .header_count = M4H_COUNT(headers),
                                                         .handler = &handler};

    if (strcmp(m4h_http_method(request), "HEAD") != 0)
        return m4h_http_stream_open(&reader->stream, request, &config, reader) == 0;
    m4h_http_answer(request, &(struct m4h_http_answer){200, "text/event-stream", NULL, headers,
                                                       M4H_COUNT(headers)});
    return false;
}

static void note_place(struct m4h_gateway_reader *reader, const char *id)
{
    if (id == NULL)
        return;
    reader->place = M4H_GATEWAY_READER_WAITING;
    /* What is no number of the stream is behind its end: a gap. */
    if (!m4h_gateway_sse_id_parse(id, &reader->after_seq))
        reader->after_seq = M4H_GATEWAY_SSE_UNKNOWN;
}

struct m4h_gateway_reader *m4h_gateway_reader_open(struct m4h_gateway_feed *feed,
                                                   struct m4h_http_request *request,
                                                   uint64_t now_ms)
{
    struct m4h_gateway_reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL) {
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
        return NULL;
    }
    reader->feed = feed;
    reader->since_ms = reader->heard_ms = now_ms;
    snprintf(reader->peer, sizeof(reader->peer), "%s", m4h_http_peer(request));
    snprintf(reader->request_id, sizeof(reader->request_id), "%s", m4h_http_request_id(request));
    note_place(reader, last_event_id(request));
    if (read_filter(request, &reader->filter) && open_stream(reader, request))
        return reader;
    free(reader);
    return NULL;
}
