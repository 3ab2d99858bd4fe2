/* Following the stream of events. */
#include "services/gateway/core/tail.h"

#include <stdlib.h>
#include <string.h>

/* A consumer that is silent for so long is not there any more. */
#define SILENT_MS (3 * M4H_GATEWAY_TAIL_HEARTBEAT_MS)
/* For so long it is waited for a stream that was there a moment ago. */
#define HOLD_MS        10000u
#define RETRY_SOON_MS  300u
#define RETRY_LATER_MS 5000u

/* Neither of bus and stream is later than the other by more than that. */
#define SETTLE_MS  5000u

#define TOKENS_MAX 12

static void look_anew(struct m4h_gateway_tail *tail, uint64_t now_ms)
{
    tail->state = M4H_GATEWAY_TAIL_LOOKING;
    tail->is_asked = false;
    tail->hold_until_ms = now_ms + HOLD_MS;
}

static void rest(struct m4h_gateway_tail *tail, uint64_t now_ms)
{
    tail->state = M4H_GATEWAY_TAIL_RESTING;
    tail->is_asked = false;
    tail->has_stream = tail->is_anchored;
    tail->retry_ms = now_ms + (tail->is_anchored ? RETRY_SOON_MS : RETRY_LATER_MS);
}

/* True: a stream that was there has not come back in time. */
static bool gives_up(struct m4h_gateway_tail *tail, uint64_t now_ms)
{
    if (!tail->is_anchored || now_ms < tail->hold_until_ms ||
        tail->state == M4H_GATEWAY_TAIL_LIVE || tail->state == M4H_GATEWAY_TAIL_AWAY)
        return false;
    tail->is_anchored = false;
    tail->has_stream = false;
    return true;
}

static uint64_t next_of(const struct m4h_gateway_tail *tail)
{
    uint64_t next_ms = UINT64_MAX;

    if (tail->state == M4H_GATEWAY_TAIL_LIVE)
        return tail->heard_ms + SILENT_MS;
    if (tail->state == M4H_GATEWAY_TAIL_RESTING)
        next_ms = tail->retry_ms;
    if (tail->is_anchored && tail->state != M4H_GATEWAY_TAIL_AWAY && tail->hold_until_ms < next_ms)
        next_ms = tail->hold_until_ms;
    return next_ms;
}

enum m4h_gateway_tail_action m4h_gateway_tail_turn(struct m4h_gateway_tail *tail, uint64_t now_ms,
                                                   uint64_t *next_ms)
{
    if (gives_up(tail, now_ms))
        return M4H_GATEWAY_TAIL_GIVE_UP;
    if ((tail->state == M4H_GATEWAY_TAIL_LIVE && now_ms >= tail->heard_ms + SILENT_MS) ||
        (tail->state == M4H_GATEWAY_TAIL_KNOWN && tail->is_wanted))
        look_anew(tail, now_ms);
    if (tail->state == M4H_GATEWAY_TAIL_RESTING && now_ms >= tail->retry_ms)
        tail->state = M4H_GATEWAY_TAIL_LOOKING;
    *next_ms = next_of(tail);
    if (tail->is_asked)
        return M4H_GATEWAY_TAIL_NOTHING;
    tail->is_asked =
        tail->state == M4H_GATEWAY_TAIL_LOOKING || tail->state == M4H_GATEWAY_TAIL_STARTING;
    if (!tail->is_asked)
        return M4H_GATEWAY_TAIL_NOTHING;
    if (tail->state == M4H_GATEWAY_TAIL_LOOKING)
        return M4H_GATEWAY_TAIL_LOOK;
    tail->generation++;
    tail->consumed = 0;
    return M4H_GATEWAY_TAIL_CREATE;
}

void m4h_gateway_tail_connected(struct m4h_gateway_tail *tail, bool connected, uint64_t now_ms)
{
    if (connected)
        look_anew(tail, now_ms);
    else
        tail->state = M4H_GATEWAY_TAIL_AWAY;
}

void m4h_gateway_tail_want(struct m4h_gateway_tail *tail, bool wanted)
{
    tail->is_wanted = wanted;
    if (wanted)
        return;
    tail->is_anchored = false;
    if (tail->state == M4H_GATEWAY_TAIL_LIVE || tail->state == M4H_GATEWAY_TAIL_STARTING)
        tail->state = M4H_GATEWAY_TAIL_KNOWN;
}

/* Where the next consumer begins, and what is missing before that. */
static const char *anchor(struct m4h_gateway_tail *tail, uint64_t first_seq, uint64_t last_seq)
{
    if (!tail->is_anchored || last_seq < tail->last_seq) {
        bool is_another = tail->is_anchored;

        tail->last_seq = last_seq;
        return is_another ? "no_stream" : NULL;
    }
    if (first_seq <= tail->last_seq + 1)
        return NULL;
    tail->last_seq = first_seq - 1;
    return "too_old";
}

const char *m4h_gateway_tail_looked(struct m4h_gateway_tail *tail, bool found, uint64_t first_seq,
                                    uint64_t last_seq, uint64_t now_ms)
{
    if (tail->state != M4H_GATEWAY_TAIL_LOOKING)
        return NULL;
    tail->is_asked = false;
    if (!found) {
        rest(tail, now_ms);
        return NULL;
    }
    tail->has_stream = true;
    tail->state = tail->is_wanted ? M4H_GATEWAY_TAIL_STARTING : M4H_GATEWAY_TAIL_KNOWN;
    return tail->is_wanted ? anchor(tail, first_seq, last_seq) : NULL;
}

static void come_alive(struct m4h_gateway_tail *tail, uint64_t now_ms)
{
    tail->state = M4H_GATEWAY_TAIL_LIVE;
    tail->is_asked = false;
    if (!tail->is_anchored)
        tail->settled_ms = now_ms + SETTLE_MS;
    tail->is_anchored = true;
    tail->heard_ms = now_ms;
}

void m4h_gateway_tail_created(struct m4h_gateway_tail *tail, uint32_t generation, bool made,
                              uint64_t now_ms)
{
    if (tail->state != M4H_GATEWAY_TAIL_STARTING || generation != tail->generation)
        return;
    if (made)
        come_alive(tail, now_ms);
    else
        rest(tail, now_ms);
}

/* Of this consumer; its first message may overtake the answer that it is made. */
static bool is_of_now(struct m4h_gateway_tail *tail, uint32_t generation, uint64_t now_ms)
{
    if (generation != tail->generation)
        return false;
    if (tail->state == M4H_GATEWAY_TAIL_STARTING && tail->is_asked)
        come_alive(tail, now_ms);
    return tail->state == M4H_GATEWAY_TAIL_LIVE;
}

bool m4h_gateway_tail_delivered(struct m4h_gateway_tail *tail, uint32_t generation,
                                uint64_t consumer_seq, uint64_t stream_seq, uint64_t now_ms)
{
    if (!is_of_now(tail, generation, now_ms))
        return false;
    if (consumer_seq != tail->consumed + 1 || stream_seq <= tail->last_seq) {
        look_anew(tail, now_ms);
        return false;
    }
    tail->consumed = consumer_seq;
    tail->last_seq = stream_seq;
    tail->heard_ms = now_ms;
    return true;
}

void m4h_gateway_tail_heard(struct m4h_gateway_tail *tail, uint32_t generation, uint64_t now_ms)
{
    if (is_of_now(tail, generation, now_ms))
        tail->heard_ms = now_ms;
}

bool m4h_gateway_tail_settles(const struct m4h_gateway_tail *tail, uint64_t now_ms)
{
    return tail->is_anchored && now_ms < tail->settled_ms;
}

static uint32_t generation_of(const char *name)
{
    size_t at = strcspn(name, ".");

    while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9')
        at--;
    return at > 0 && name[at - 1] == '-' ? (uint32_t)strtoul(name + at, NULL, 10) : 0;
}

/* "$JS.ACK.STREAM.CONSUMER.delivered.stream_seq.consumer_seq.time.pending"; later servers have the
 * domain and the account before the stream, and may have something behind. */
bool m4h_gateway_tail_parse(const char *reply, uint32_t *generation, uint64_t *stream_seq,
                            uint64_t *consumer_seq)
{
    const char *tokens[TOKENS_MAX];
    size_t count = 0, at;

    if (reply == NULL || strncmp(reply, "$JS.ACK.", 8) != 0)
        return false;
    for (; reply != NULL && count < TOKENS_MAX; count++) {
        tokens[count] = reply;
        reply = strchr(reply, '.');
        if (reply != NULL)
            reply++;
    }
    if (count != 9 && count < 11)
        return false;
    at = count == 9 ? 5 : 7;
    *generation = generation_of(tokens[at - 2]);
    *stream_seq = strtoull(tokens[at], NULL, 10);
    *consumer_seq = strtoull(tokens[at + 1], NULL, 10);
    return *stream_seq != 0 && *consumer_seq != 0;
}
