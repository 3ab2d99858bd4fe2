/* Who waits to be replayed what it missed, who is, and who is let go on without.
 *
 * Happy path: a reader says where it stopped and waits; when the stream is known and it is its
 * turn, a replay gives it what it missed; it is live from the number on where that ends.
 *
 * Failures: there is no stream, or none comes in time - the reader is told of a gap and is live at
 * once; no memory for a replay - it waits for the next look. */
#include "services/gateway/io/catch_up.h"

#include "services/gateway/core/sse.h"
#include "services/gateway/io/feed_parts.h"

/* Readers that are replayed at a time; the others wait for their turn. */
#define REPLAYS_MAX 16u
/* While so much of it waits, a reader is replayed no more. */
#define REPLAY_QUEUE_BYTES 65536u
/* A reader that would resume waits so long for a stream that may be there. */
#define STREAM_WAIT_MS 5000u

static uint64_t replay_last_seq(void *context)
{
    const struct m4h_gateway_reader *reader = context;
    uint64_t last_seq;

    if (!m4h_gateway_follower_is_anchored(reader->feed->follower, &last_seq))
        return 0;
    /* An empty stream has no last number, and nothing that was missed. */
    return last_seq != 0 ? last_seq : 1;
}

static bool replay_has_room(void *context)
{
    const struct m4h_gateway_reader *reader = context;

    return reader->end == NULL && m4h_http_stream_queued(reader->stream) < REPLAY_QUEUE_BYTES;
}

static void on_replay_event(void *context, uint64_t seq, const char *subject, const uint8_t *data,
                            size_t len)
{
    struct m4h_gateway_reader *reader = context;

    m4h_gateway_feed_give_stored(reader->feed, reader, seq, subject, data, len);
}

static void on_replay_gap(void *context, const char *reason, uint64_t after, uint64_t before)
{
    struct m4h_gateway_reader *reader = context;
    char after_id[M4H_GATEWAY_SSE_ID_MAX], before_id[M4H_GATEWAY_SSE_ID_MAX];

    reader->feed->stats.gaps++;
    m4h_gateway_reader_gap(
        reader, reason,
        after < M4H_GATEWAY_SSE_UNKNOWN ? m4h_gateway_sse_id_format(after, after_id) : NULL,
        before != 0 ? m4h_gateway_sse_id_format(before, before_id) : NULL);
}

void m4h_gateway_catch_up_end(struct m4h_gateway_reader *reader)
{
    if (reader->replay == NULL)
        return;
    m4h_gateway_replay_destroy(reader->replay);
    reader->replay = NULL;
    reader->feed->replays--;
}

static void go_live(struct m4h_gateway_reader *reader)
{
    if (reader->place != M4H_GATEWAY_READER_LIVE)
        reader->live_since = reader->feed->recent.count;
    reader->place = M4H_GATEWAY_READER_LIVE;
}

static void on_replay_done(void *context, uint64_t seq)
{
    struct m4h_gateway_reader *reader = context;

    m4h_gateway_catch_up_end(reader);
    go_live(reader);
    reader->after_seq = seq;
}

static void start_replay(struct m4h_gateway_reader *reader)
{
    struct m4h_gateway_feed *feed = reader->feed;
    const struct m4h_gateway_replay_config config = {
        .loop = feed->loop,
        .bus = feed->bus,
        .stream = feed->config.stream,
        .events_max = feed->config.replay_max,
        .last_seq = replay_last_seq,
        .has_room = replay_has_room,
        .on_event = on_replay_event,
        .on_gap = on_replay_gap,
        .on_done = on_replay_done,
        .context = reader,
    };

    if (m4h_gateway_replay_create(&reader->replay, &config, reader->after_seq) != 0)
        return; /* tried again at the next look */
    reader->place = M4H_GATEWAY_READER_REPLAYED;
    feed->replays++;
    feed->stats.resumed++;
}

void m4h_gateway_catch_up_skip(struct m4h_gateway_reader *reader)
{
    m4h_gateway_catch_up_end(reader);
    go_live(reader);
    reader->after_seq = 0;
}

void m4h_gateway_catch_up_look(struct m4h_gateway_reader *reader, bool anchored)
{
    struct m4h_gateway_feed *feed = reader->feed;
    bool has_waited =
        m4h_loop_now_ms(feed->loop) >= reader->since_ms + STREAM_WAIT_MS && feed->was_connected;

    if (reader->place != M4H_GATEWAY_READER_WAITING || reader->end != NULL)
        return;
    if (anchored && feed->replays < REPLAYS_MAX)
        start_replay(reader);
    else if (!anchored && (has_waited || !m4h_gateway_follower_is_hopeful(feed->follower))) {
        m4h_gateway_catch_up_skip(reader);
        on_replay_gap(reader, "no_stream", M4H_GATEWAY_SSE_UNKNOWN, 0);
    }
}
