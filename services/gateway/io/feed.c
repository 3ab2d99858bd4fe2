/* The feed of events.
 *
 * Happy path: GET -> a reader, who is told `hello`. The follower gives the stream's events with
 * their numbers; each is written once, and each reader whose filter lets it pass gets a copy. One
 * who says where it stopped waits for its turn, is replayed what it missed, and is live from the
 * number on where that ends; nothing is twice and nothing is missing.
 *
 * Without a stream, and until the first consumer is there, events are taken from the bus. What came
 * that way just before the stream took over is not given again. What comes that way just after is
 * held for a moment, and given where the stream has not brought it.
 *
 * Failures: a reader does not read - its queue fills, it is told "slow" and ended, the others do
 * not notice; NATS was away and the stream cannot fill in, the stream does not come back, or the
 * bus dropped something - every reader is told of a gap. */
#include "services/gateway/io/feed.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/json/json.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/scope.h"
#include "services/gateway/core/sse.h"
#include "services/gateway/io/catch_up.h"
#include "services/gateway/io/feed_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MAX 65536u
#define NOTE_MAX     1024u
#define EVENTS       "mas4h.v1.events."
#define LOOK_MS      1000u
/* The last reader may come back: the stream is followed for so long after it went. */
#define LINGER_MS 5000u

/* ---- gaps ------------------------------------------------------------------------------ */

static void tell_all_of_a_gap(struct m4h_gateway_feed *feed, const char *reason)
{
    const char *after = feed->last_id[0] != '\0' ? feed->last_id : NULL;
    struct m4h_gateway_reader *reader;

    if (LIST_EMPTY(&feed->readers))
        return;
    feed->stats.gaps++;
    LIST_FOREACH(reader, &feed->readers, link)
    {
        m4h_gateway_reader_gap(reader, reason, after, NULL);
    }
}

static bool is_anchored(const struct m4h_gateway_feed *feed)
{
    uint64_t last_seq;

    return m4h_gateway_follower_is_anchored(feed->follower, &last_seq);
}

/* ---- events -------------------------------------------------------------------------------- */

/* What an event says of its sender must be what its subject says. */
static bool is_from_its_subject(const struct m4h_event *event, const char *subject)
{
    char sender[2 * M4H_ID_MAX + 64];
    size_t len =
        (size_t)snprintf(sender, sizeof(sender), EVENTS "%s.%s.", event->region, event->slave_id);

    return strncmp(sender, subject, len) == 0 &&
           (event->type == M4H_EVENT_OTHER ||
            strcmp(subject + len, m4h_event_type_name(event->type)) == 0);
}

/* False: it is no event of that subject, which is counted. */
static bool read_event(struct m4h_gateway_feed *feed, const char *subject, const uint8_t *data,
                       size_t len, struct m4h_event *event)
{
    uint32_t suppressed;
    char shown[200];

    if (strncmp(subject, EVENTS, sizeof(EVENTS) - 1) != 0)
        return false; /* the stream holds audits, too */
    feed->stats.received++;
    if (m4h_wire_event_decode(data, len, event) == 0 && is_from_its_subject(event, subject))
        return true;
    feed->stats.bad++;
    if (m4h_log_limit_allows(&feed->bad_lines, m4h_loop_now_ms(feed->loop), &suppressed))
        m4h_log(M4H_LOG_WARNING, "events", "subject=%s bytes=%zu suppressed=%u event is ignored",
                m4h_log_quote(shown, sizeof(shown), subject), len, suppressed);
    return false;
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

static void give_frame(struct m4h_gateway_feed *feed, struct m4h_gateway_reader *reader)
{
    if (!m4h_gateway_reader_give(reader, feed->frame.data, feed->frame.len))
        return;
    reader->sent++;
    feed->stats.sent++;
}

/* By which way an event comes. */
enum way {
    FROM_STREAM,
    FROM_BUS,
    LATE,   /* from the bus, and the stream passed it over */
    BESIDE, /* from the bus, and never in the stream, so that it has no place among the others */
};

/* Whether it is the reader's turn to get it. `found`: see m4h_gateway_recent_find. */
static bool is_for(const struct m4h_gateway_reader *reader, enum way way, uint64_t seq,
                   uint64_t found)
{
    if (way == BESIDE)
        return true;
    if (reader->place != M4H_GATEWAY_READER_LIVE)
        return false;
    if (way == FROM_STREAM)
        return seq > reader->after_seq && !m4h_gateway_recent_has(found, reader->live_since);
    /* One that was replayed has what lies before its place. */
    return way == FROM_BUS || reader->after_seq == 0;
}

/* Gives it to all who want it and do not have it; `seq` 0: it is not from the stream. */
static void fan_out(struct m4h_gateway_feed *feed, const struct m4h_event *event, enum way way,
                    uint64_t seq, const char *id)
{
    uint64_t found =
        way == FROM_STREAM ? m4h_gateway_recent_find(&feed->recent, event->event_id) : 0;
    struct m4h_gateway_reader *reader;
    bool is_written = false;

    LIST_FOREACH(reader, &feed->readers, link)
    {
        if (!is_for(reader, way, seq, found) || !m4h_gateway_filter_passes(&reader->filter, event))
            continue;
        if (!is_written && !write_frame(feed, event, id))
            return;
        is_written = true;
        give_frame(feed, reader);
    }
}

/* Without an id: its place lies behind what readers have. */
static void give_late(struct m4h_gateway_feed *feed)
{
    struct m4h_event *event;

    while ((event = m4h_gateway_late_take(&feed->late)) != NULL) {
        fan_out(feed, event, LATE, 0, NULL);
        free(event);
    }
}

/* Where there is no room, it is the newest that is not held: the likeliest to come from the stream.
 */
static void hold(struct m4h_gateway_feed *feed, const struct m4h_event *event)
{
    if (m4h_gateway_recent_find(&feed->recent, event->event_id) == 0 &&
        m4h_gateway_late_add(&feed->late, event) != 0)
        m4h_log(M4H_LOG_DEBUG, "events", "event_id=%s is left to the stream", event->event_id);
}

/* The bus may be later than the stream, or earlier. */
static void note_stored(struct m4h_gateway_feed *feed, const struct m4h_event *event)
{
    m4h_gateway_late_drop(&feed->late, event->event_id);
    if (m4h_gateway_follower_settles(feed->follower) &&
        m4h_gateway_recent_find(&feed->recent, event->event_id) == 0)
        m4h_gateway_recent_add(&feed->recent, event->event_id);
}

/* The stream holds events of these types only; a later type may come by the bus alone. */
static bool is_for_the_stream(const char *subject)
{
    const char *last = strrchr(subject, '.');

    for (unsigned type = M4H_EVENT_CONNECT; type < M4H_EVENT_TYPE_COUNT; type++) {
        if (type != M4H_EVENT_LOAD && last != NULL &&
            strcmp(last + 1, m4h_event_type_name((enum m4h_event_type)type)) == 0)
            return true;
    }
    return false;
}

void m4h_gateway_feed_event(struct m4h_gateway_feed *feed, const struct m4h_bus_message *message)
{
    bool is_stored = is_for_the_stream(message->subject);
    bool is_held = is_stored && is_anchored(feed);
    struct m4h_event event;

    if (LIST_EMPTY(&feed->readers) || (is_held && !m4h_gateway_follower_settles(feed->follower)) ||
        !read_event(feed, message->subject, message->data, message->len, &event))
        return;
    if (!is_stored) {
        fan_out(feed, &event, BESIDE, 0, NULL);
        return;
    }
    if (is_held) {
        hold(feed, &event);
        return;
    }
    memcpy(feed->last_id, event.event_id, sizeof(feed->last_id));
    m4h_gateway_recent_add(&feed->recent, event.event_id);
    fan_out(feed, &event, FROM_BUS, 0, event.event_id);
}

static void on_stored_event(void *context, uint64_t seq, const struct m4h_bus_message *message)
{
    struct m4h_gateway_feed *feed = context;
    char id[M4H_GATEWAY_SSE_ID_MAX];
    struct m4h_event event;

    snprintf(feed->last_id, sizeof(feed->last_id), "%s", m4h_gateway_sse_id_format(seq, id));
    if (!read_event(feed, message->subject, message->data, message->len, &event))
        return;
    fan_out(feed, &event, FROM_STREAM, seq, id);
    note_stored(feed, &event);
}

void m4h_gateway_feed_give_stored(struct m4h_gateway_feed *feed, struct m4h_gateway_reader *reader,
                                  uint64_t seq, const char *subject, const uint8_t *data,
                                  size_t len)
{
    char id[M4H_GATEWAY_SSE_ID_MAX];
    struct m4h_event event;

    if (read_event(feed, subject, data, len, &event) &&
        m4h_gateway_filter_passes(&reader->filter, &event) &&
        write_frame(feed, &event, m4h_gateway_sse_id_format(seq, id)))
        give_frame(feed, reader);
}

/* ---- those that missed something ---------------------------------------------------------- */

static void look_after_all(struct m4h_gateway_feed *feed)
{
    bool anchored = is_anchored(feed);
    struct m4h_gateway_reader *reader;

    LIST_FOREACH(reader, &feed->readers, link)
    {
        m4h_gateway_catch_up_look(reader, anchored);
    }
}

static void on_change(void *context)
{
    look_after_all(context);
}

/* Where the stream is gone, or made anew, its numbers say nothing any more: those that were to be
 * replayed have a gap now, like the others, and nobody waits for a number. */
static void on_gap(void *context, const char *reason)
{
    struct m4h_gateway_feed *feed = context;
    struct m4h_gateway_reader *reader;

    if (strcmp(reason, "no_stream") == 0) {
        LIST_FOREACH(reader, &feed->readers, link)
        {
            m4h_gateway_catch_up_skip(reader);
        }
    }
    tell_all_of_a_gap(feed, reason);
}

/* ---- the bus -------------------------------------------------------------------------------- */

void m4h_gateway_feed_connected(struct m4h_gateway_feed *feed, bool connected)
{
    bool was_away = feed->was_away || (!connected && feed->was_connected);

    feed->was_connected = connected;
    feed->was_away = was_away && !connected;
    if (connected && was_away && !is_anchored(feed))
        tell_all_of_a_gap(feed, "nats_away");
    m4h_gateway_follower_connected(feed->follower, connected);
}

void m4h_gateway_feed_dropped(struct m4h_gateway_feed *feed, uint64_t dropped)
{
    /* The follower notices by itself what it misses. */
    if (dropped > feed->dropped && !is_anchored(feed))
        tell_all_of_a_gap(feed, "overflow");
    feed->dropped = dropped;
}

const char *m4h_gateway_feed_subject(const struct m4h_gateway_feed *feed)
{
    return m4h_gateway_follower_subject(feed->follower);
}

void m4h_gateway_feed_stored(struct m4h_gateway_feed *feed, const struct m4h_bus_message *message)
{
    m4h_gateway_follower_message(feed->follower, message);
}

void m4h_gateway_feed_use(struct m4h_gateway_feed *feed, struct m4h_bus *bus)
{
    feed->bus = bus;
    m4h_gateway_follower_use(feed->follower, bus);
}

/* ---- readers -------------------------------------------------------------------------------- */

uint64_t m4h_gateway_feed_now(const struct m4h_gateway_feed *feed)
{
    return m4h_loop_now_ms(feed->loop);
}

void m4h_gateway_feed_count_slow(struct m4h_gateway_feed *feed)
{
    feed->stats.slow_readers++;
}

void m4h_gateway_feed_lost(struct m4h_gateway_feed *feed, struct m4h_gateway_reader *reader)
{
    LIST_REMOVE(reader, link);
    m4h_gateway_catch_up_end(reader);
    feed->stats.readers--;
    feed->left_ms = m4h_loop_now_ms(feed->loop);
}

static void welcome(struct m4h_gateway_reader *reader)
{
    struct m4h_gateway_feed *feed = reader->feed;
    struct m4h_buffer document = M4H_BUFFER_INIT(NOTE_MAX);

    m4h_gateway_reader_give(reader, M4H_GATEWAY_SSE_RETRY, strlen(M4H_GATEWAY_SSE_RETRY));
    if (m4h_json_feed_hello(&document, feed->config.gateway_id,
                            m4h_gateway_follower_has_stream(feed->follower)) == 0)
        m4h_gateway_reader_note(reader, "hello", &document);
    m4h_buffer_free(&document);
}

static void get_events(void *context, struct m4h_http_request *request)
{
    struct m4h_gateway_feed *feed = context;
    struct m4h_gateway_reader *reader;
    struct m4h_gateway_asker asker;

    if (feed->stats.readers >= feed->config.readers_max) {
        feed->stats.refused_readers++;
        m4h_http_answer_problem(request, 503, "unavailable", "too many readers of events", 5000);
        return;
    }
    m4h_gateway_access_keep(feed->config.access, request, &asker);
    reader = m4h_gateway_reader_open(feed, request, m4h_loop_now_ms(feed->loop));
    if (reader == NULL)
        return;
    reader->asker = asker;
    reader->live_since = feed->recent.count;
    LIST_INSERT_HEAD(&feed->readers, reader, link);
    welcome(reader);
    feed->stats.readers++;
    if (!feed->is_followed)
        m4h_gateway_follower_want(feed->follower, true);
    feed->is_followed = true;
    m4h_gateway_catch_up_look(reader, is_anchored(feed));
}

static const struct m4h_http_route routes[] = {
    {"GET", "/v1/events", get_events, false, M4H_GATEWAY_SCOPE_READ},
};

struct m4h_http_routes m4h_gateway_feed_routes(struct m4h_gateway_feed *feed)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), feed};
}

/* ---- life ----------------------------------------------------------------------------------- */

static void on_look(void *context)
{
    struct m4h_gateway_feed *feed = context;
    uint64_t now_ms = m4h_loop_now_ms(feed->loop);
    struct m4h_gateway_reader *reader;

    LIST_FOREACH(reader, &feed->readers, link)
    {
        if (reader->end == NULL &&
            !m4h_gateway_access_holds(feed->config.access, &reader->asker, M4H_GATEWAY_SCOPE_READ))
            m4h_gateway_reader_dismiss(reader, "forbidden");
        else if (now_ms - reader->heard_ms + LOOK_MS > feed->config.heartbeat_ms)
            m4h_gateway_reader_give(reader, M4H_GATEWAY_SSE_HEARTBEAT,
                                    strlen(M4H_GATEWAY_SSE_HEARTBEAT));
    }
    if (!m4h_gateway_follower_settles(feed->follower))
        give_late(feed);
    look_after_all(feed);
    if (feed->is_followed && feed->stats.readers == 0 && now_ms >= feed->left_ms + LINGER_MS) {
        feed->is_followed = false;
        m4h_gateway_follower_want(feed->follower, false);
    }
}

static int start(struct m4h_gateway_feed *feed)
{
    const struct m4h_gateway_follower_config follower = {
        .stream = feed->config.stream,
        .inbox_prefix = feed->config.inbox_prefix,
        .on_event = on_stored_event,
        .on_gap = on_gap,
        .on_change = on_change,
        .context = feed,
    };
    int error = m4h_timer_create(&feed->look, feed->loop, on_look, feed);

    if (error == 0)
        error = m4h_gateway_follower_create(&feed->follower, feed->loop, &follower);
    if (error == 0)
        m4h_timer_start(feed->look, LOOK_MS, LOOK_MS);
    return error;
}

int m4h_gateway_feed_create(struct m4h_gateway_feed **feed, struct m4h_loop *loop,
                            const struct m4h_gateway_feed_config *config)
{
    struct m4h_gateway_feed *self = calloc(1, sizeof(*self));
    int error;

    *feed = NULL;
    if (self == NULL)
        return M4H_ENOMEM;
    self->loop = loop;
    self->config = *config;
    self->document.cap = DOCUMENT_MAX;
    self->frame.cap = DOCUMENT_MAX + NOTE_MAX;
    LIST_INIT(&self->readers);
    error = start(self);
    if (error != 0) {
        m4h_gateway_feed_destroy(self);
        return error;
    }
    *feed = self;
    return 0;
}

void m4h_gateway_feed_destroy(struct m4h_gateway_feed *feed)
{
    if (feed == NULL)
        return;
    m4h_gateway_follower_destroy(feed->follower);
    m4h_timer_close(feed->look);
    m4h_gateway_late_free(&feed->late);
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
    stats->has_stream = m4h_gateway_follower_has_stream(feed->follower);
}
