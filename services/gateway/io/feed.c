/* Readers of events.
 *
 * Happy path: GET -> the query becomes a filter -> a stream of lib/http, with `hello` in it. A
 * message of the bus becomes an event, its document is written once, and each reader whose filter
 * lets it pass gets a copy. A reader that goes away ends its stream.
 *
 * Failures: a reader does not read - its queue fills, it is told "slow" and ended, the others do
 * not notice; NATS was away, or the bus dropped something - every reader is told of a gap. */
#include "services/gateway/io/feed.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/http/stream.h"
#include "lib/json/json.h"
#include "lib/net/timer.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/filter.h"
#include "services/gateway/core/problem.h"
#include "services/gateway/core/scope.h"
#include "services/gateway/core/sse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define DOCUMENT_MAX 65536u
#define NOTE_MAX     1024u
#define LOOK_MS      1000u

struct reader {
    struct m4h_gateway_feed *feed;
    struct m4h_http_stream *stream;
    struct m4h_gateway_filter filter;
    struct m4h_gateway_asker asker;
    uint64_t since_ms;
    uint64_t heard_ms; /* when it was last sent something */
    uint64_t sent;     /* events */
    const char *end;   /* the reason, once it is ended by us */
    char peer[M4H_ADDRESS_TEXT_MAX];
    char request_id[M4H_REQUEST_ID_MAX + 1];
    LIST_ENTRY(reader) link;
};

struct m4h_gateway_feed {
    struct m4h_loop *loop;
    struct m4h_gateway_feed_config config;
    struct m4h_timer *look;
    struct m4h_buffer document, frame; /* of the event at hand */
    bool was_connected;
    bool was_away;
    uint64_t dropped;
    char last_id[M4H_EVENT_ID_MAX + 1]; /* of the last event; empty: none yet */
    struct m4h_log_limit bad_lines;
    struct m4h_gateway_feed_stats stats;
    LIST_HEAD(, reader) readers;
};

/* ---- to a reader --------------------------------------------------------------------- */

static void dismiss(struct reader *reader, const char *reason)
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

/* False: it is ended, or was before. */
static bool give(struct reader *reader, const void *data, size_t len)
{
    int error = m4h_http_stream_send(reader->stream, data, len);

    if (error == 0)
        reader->heard_ms = m4h_loop_now_ms(reader->feed->loop);
    if (error != M4H_EFULL && error != M4H_ENOMEM)
        return error == 0;
    reader->feed->stats.slow_readers++;
    dismiss(reader, "slow");
    return false;
}

/* Gives a note of the feed itself; its document is in `feed->document` unless `error`. */
static void give_note(struct reader *reader, const char *name, int error)
{
    struct m4h_gateway_feed *feed = reader->feed;

    m4h_buffer_clear(&feed->frame);
    if (error == 0)
        error = m4h_gateway_sse_event(&feed->frame, name, NULL, &feed->document);
    if (error == 0)
        give(reader, feed->frame.data, feed->frame.len);
}

static void give_gap(struct reader *reader, const char *reason)
{
    struct m4h_gateway_feed *feed = reader->feed;
    const char *after = feed->last_id[0] != '\0' ? feed->last_id : NULL;

    m4h_buffer_clear(&feed->document);
    give_note(reader, "gap", m4h_json_feed_gap(&feed->document, reason, after, NULL));
}

static void tell_all_of_a_gap(struct m4h_gateway_feed *feed, const char *reason)
{
    struct reader *reader;

    feed->stats.gaps++;
    LIST_FOREACH(reader, &feed->readers, link)
    {
        give_gap(reader, reason);
    }
}

/* ---- events ----------------------------------------------------------------------------- */

/* What an event says of its sender must be what its subject says. */
static bool is_from_its_subject(const struct m4h_event *event, const char *subject)
{
    char sender[2 * M4H_ID_MAX + 64];
    size_t len = (size_t)snprintf(sender, sizeof(sender), "mas4h.v1.events.%s.%s.", event->region,
                                  event->slave_id);

    return strncmp(sender, subject, len) == 0 &&
           (event->type == M4H_EVENT_OTHER ||
            strcmp(subject + len, m4h_event_type_name(event->type)) == 0);
}

static void refuse_event(struct m4h_gateway_feed *feed, const struct m4h_bus_message *message)
{
    uint32_t suppressed;
    char subject[200];

    feed->stats.bad++;
    if (m4h_log_limit_allows(&feed->bad_lines, m4h_loop_now_ms(feed->loop), &suppressed))
        m4h_log(M4H_LOG_WARNING, "events", "subject=%s bytes=%zu suppressed=%u event is ignored",
                m4h_log_quote(subject, sizeof(subject), message->subject), message->len,
                suppressed);
}

/* Writes the event as readers get it; false where it cannot be. */
static bool write_frame(struct m4h_gateway_feed *feed, const struct m4h_event *event,
                        const char *id)
{
    m4h_buffer_clear(&feed->document);
    m4h_buffer_clear(&feed->frame);
    return m4h_json_event(&feed->document, event) == 0 &&
           m4h_gateway_sse_event(&feed->frame, m4h_event_type_name(event->type), id,
                                 &feed->document) == 0;
}

/* Gives it to all who want it. */
static void fan_out(struct m4h_gateway_feed *feed, const struct m4h_event *event, const char *id)
{
    struct reader *reader;
    bool is_written = false;

    LIST_FOREACH(reader, &feed->readers, link)
    {
        if (!m4h_gateway_filter_passes(&reader->filter, event))
            continue;
        if (!is_written && !write_frame(feed, event, id))
            return;
        is_written = true;
        if (!give(reader, feed->frame.data, feed->frame.len))
            continue;
        reader->sent++;
        feed->stats.sent++;
    }
}

void m4h_gateway_feed_event(struct m4h_gateway_feed *feed, const struct m4h_bus_message *message)
{
    struct m4h_event event;
    bool is_load;

    if (LIST_EMPTY(&feed->readers))
        return;
    feed->stats.received++;
    if (m4h_wire_event_decode(message->data, message->len, &event) != 0 ||
        !is_from_its_subject(&event, message->subject)) {
        refuse_event(feed, message);
        return;
    }
    /* A load event is a look at now: nothing is resumed from it. */
    is_load = event.type == M4H_EVENT_LOAD;
    if (!is_load)
        memcpy(feed->last_id, event.event_id, sizeof(feed->last_id));
    fan_out(feed, &event, is_load ? NULL : event.event_id);
}

void m4h_gateway_feed_connected(struct m4h_gateway_feed *feed, bool connected)
{
    if (!connected)
        feed->was_away = feed->was_connected;
    else if (feed->was_away)
        tell_all_of_a_gap(feed, "nats_away");
    feed->was_connected = connected;
    feed->was_away = feed->was_away && !connected;
}

void m4h_gateway_feed_dropped(struct m4h_gateway_feed *feed, uint64_t dropped)
{
    if (dropped > feed->dropped)
        tell_all_of_a_gap(feed, "overflow");
    feed->dropped = dropped;
}

/* ---- readers ------------------------------------------------------------------------------- */

static void on_drain(void *context, struct m4h_http_stream *stream)
{
    (void)stream;
    dismiss(context, "stopping");
}

static void on_close(void *context, struct m4h_http_stream *stream)
{
    struct reader *reader = context;
    struct m4h_gateway_feed *feed = reader->feed;

    (void)stream;
    LIST_REMOVE(reader, link);
    feed->stats.readers--;
    m4h_log(M4H_LOG_INFO, "events",
            "peer=%s request_id=%s events=%" PRIu64 " age_ms=%" PRIu64 " reason=%s reader is gone",
            reader->peer, reader->request_id, reader->sent,
            m4h_loop_now_ms(feed->loop) - reader->since_ms,
            reader->end != NULL ? reader->end : "client");
    free(reader);
}

static const struct m4h_http_stream_handler handler = {.on_drain = on_drain, .on_close = on_close};

/* Reads the query. False: it is wrong, and the request answered. */
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

static void welcome(struct reader *reader)
{
    struct m4h_gateway_feed *feed = reader->feed;

    give(reader, M4H_GATEWAY_SSE_RETRY, strlen(M4H_GATEWAY_SSE_RETRY));
    m4h_buffer_clear(&feed->document);
    give_note(reader, "hello",
              m4h_json_feed_hello(&feed->document, feed->config.gateway_id, false));
}

static const struct m4h_http_header headers[] = {
    {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}, /* nginx would keep events back */
};

static void open_stream(struct reader *reader, struct m4h_http_request *request)
{
    static const struct m4h_http_stream_config config = {.content_type = "text/event-stream",
                                                         .headers = headers,
                                                         .header_count = M4H_COUNT(headers),
                                                         .handler = &handler};
    struct m4h_gateway_feed *feed = reader->feed;

    if (m4h_http_stream_open(&reader->stream, request, &config, reader) != 0) {
        free(reader);
        return;
    }
    LIST_INSERT_HEAD(&feed->readers, reader, link);
    feed->stats.readers++;
    welcome(reader);
}

static struct reader *make_reader(struct m4h_gateway_feed *feed,
                                  const struct m4h_http_request *request)
{
    struct reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL)
        return NULL;
    reader->feed = feed;
    reader->since_ms = reader->heard_ms = m4h_loop_now_ms(feed->loop);
    m4h_gateway_access_keep(feed->config.access, request, &reader->asker);
    snprintf(reader->peer, sizeof(reader->peer), "%s", m4h_http_peer(request));
    snprintf(reader->request_id, sizeof(reader->request_id), "%s", m4h_http_request_id(request));
    return reader;
}

static void get_events(void *context, struct m4h_http_request *request)
{
    struct m4h_gateway_feed *feed = context;
    struct reader *reader;

    if (feed->stats.readers >= feed->config.readers_max) {
        feed->stats.refused_readers++;
        m4h_http_answer_problem(request, 503, "unavailable", "too many readers of events", 5000);
        return;
    }
    reader = make_reader(feed, request);
    if (reader == NULL)
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
    else if (!read_filter(request, &reader->filter))
        free(reader);
    else if (strcmp(m4h_http_method(request), "HEAD") == 0) {
        m4h_http_answer(request, &(struct m4h_http_answer){200, "text/event-stream", NULL, headers,
                                                           M4H_COUNT(headers)});
        free(reader);
    } else
        open_stream(reader, request);
}

static const struct m4h_http_route routes[] = {
    {"GET", "/v1/events", get_events, false, M4H_GATEWAY_SCOPE_READ},
};

struct m4h_http_routes m4h_gateway_feed_routes(struct m4h_gateway_feed *feed)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), feed};
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void on_look(void *context)
{
    struct m4h_gateway_feed *feed = context;
    uint64_t now_ms = m4h_loop_now_ms(feed->loop);
    struct reader *reader;

    LIST_FOREACH(reader, &feed->readers, link)
    {
        if (reader->end == NULL &&
            !m4h_gateway_access_holds(feed->config.access, &reader->asker, M4H_GATEWAY_SCOPE_READ))
            dismiss(reader, "forbidden");
        else if (now_ms - reader->heard_ms + LOOK_MS > feed->config.heartbeat_ms)
            give(reader, M4H_GATEWAY_SSE_HEARTBEAT, strlen(M4H_GATEWAY_SSE_HEARTBEAT));
    }
}

int m4h_gateway_feed_create(struct m4h_gateway_feed **feed, struct m4h_loop *loop,
                            const struct m4h_gateway_feed_config *config)
{
    struct m4h_gateway_feed *self = calloc(1, sizeof(*self));

    *feed = NULL;
    if (self == NULL)
        return M4H_ENOMEM;
    self->loop = loop;
    self->config = *config;
    self->document.cap = DOCUMENT_MAX;
    self->frame.cap = DOCUMENT_MAX + NOTE_MAX;
    LIST_INIT(&self->readers);
    if (m4h_timer_create(&self->look, loop, on_look, self) != 0) {
        m4h_gateway_feed_destroy(self);
        return M4H_ENOMEM;
    }
    m4h_timer_start(self->look, LOOK_MS, LOOK_MS);
    *feed = self;
    return 0;
}

void m4h_gateway_feed_destroy(struct m4h_gateway_feed *feed)
{
    if (feed == NULL)
        return;
    m4h_timer_close(feed->look);
    m4h_buffer_free(&feed->document);
    m4h_buffer_free(&feed->frame);
    free(feed);
}

void m4h_gateway_feed_limit(struct m4h_gateway_feed *feed, uint32_t readers_max)
{
    feed->config.readers_max = readers_max;
}

void m4h_gateway_feed_stats(const struct m4h_gateway_feed *feed,
                            struct m4h_gateway_feed_stats *stats)
{
    *stats = feed->stats;
}
