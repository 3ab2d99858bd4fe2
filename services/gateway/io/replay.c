/* What one reader missed.
 *
 * Happy path: the stream's first and last number are asked for -> what lies between is asked for, a
 * window at a time, and given in order -> when the last that the follower gave out has been given
 * here too, the reader is handed over to it. A number that the stream does not hold any more is
 * passed over. A question that fails is asked again after a pause, for ever: the follower gives the
 * stream up where it does not come back, and the feed then ends the replay.
 *
 * STREAM.MSG.GET, and not a consumer for each reader: nothing has to be cleaned up, and a reader
 * that does not read asks for nothing. */
#include "services/gateway/io/replay.h"

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/json/json.h"
#include "lib/net/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW         32u
#define ASK_TIMEOUT_MS 2000u
#define PAUSE_MS       300u
#define PAYLOAD_MAX    65536u
#define REQUEST_MAX    64u
#define SUBJECT_BYTES  256

enum place {
    FREE,
    ASKED,
    HERE,
    MISSING
};

struct slot {
    struct m4h_gateway_replay *replay;
    enum place place;
    uint64_t seq;
    uint64_t bus_id;
    struct m4h_json_stored stored;
    struct m4h_buffer payload;
};

struct m4h_gateway_replay {
    struct m4h_gateway_replay_config config;
    struct m4h_timer *timer; /* the next try */
    bool is_known;           /* the stream's numbers were looked at */
    uint64_t look_id;        /* on the bus; 0: not asked */
    uint64_t next;           /* to be given */
    bool *is_gone;           /* set where it is destroyed in a callback; NULL: not in one */
    struct slot slots[WINDOW];
};

static void go_on_after_a_pause(struct m4h_gateway_replay *replay)
{
    m4h_timer_start(replay->timer, PAUSE_MS, 0);
}

/* ---- the stream's numbers ------------------------------------------------------------- */

/* Where it begins, and what cannot be given before that. */
static void begin(struct m4h_gateway_replay *replay, uint64_t first_seq, uint64_t last_seq)
{
    const struct m4h_gateway_replay_config *config = &replay->config;
    uint64_t after = replay->next - 1;

    replay->is_known = true;
    if (after > last_seq) {
        replay->next = last_seq + 1;
        config->on_gap(config->context, "unknown_id", after, 0);
    } else if (last_seq - after > config->events_max) {
        replay->next = last_seq - config->events_max + 1;
        config->on_gap(config->context, "too_many", after, replay->next);
    } else if (after + 1 < first_seq) {
        replay->next = first_seq;
        config->on_gap(config->context, "too_old", after, first_seq);
    }
}

static void on_looked(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_gateway_replay *replay = context;
    uint64_t first_seq, last_seq;

    replay->look_id = 0;
    if (error == 0)
        error = m4h_json_stream_state_parse(data, len, &first_seq, &last_seq);
    if (error != 0) {
        go_on_after_a_pause(replay);
        return;
    }
    begin(replay, first_seq, last_seq);
    m4h_gateway_replay_go_on(replay);
}

static void look(struct m4h_gateway_replay *replay)
{
    char subject[SUBJECT_BYTES];

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.INFO.%s", replay->config.stream);
    if (m4h_bus_request(replay->config.bus, subject, NULL, 0, m4h_loop_now_ms(replay->config.loop),
                        ASK_TIMEOUT_MS, on_looked, replay, &replay->look_id) == 0)
        return;
    replay->look_id = 0;
    go_on_after_a_pause(replay);
}

/* ---- one message --------------------------------------------------------------------------- */

static void on_message(void *context, int error, const uint8_t *data, size_t len)
{
    struct slot *slot = context;
    struct m4h_gateway_replay *replay = slot->replay;

    slot->bus_id = 0;
    m4h_buffer_clear(&slot->payload);
    if (error == 0)
        error = m4h_json_stored_parse(data, len, &slot->stored, &slot->payload);
    if (error == M4H_ETIMEOUT || error == M4H_EUNAVAILABLE) {
        slot->place = FREE;
        go_on_after_a_pause(replay);
        return;
    }
    slot->place = error == 0 && slot->stored.seq == slot->seq ? HERE : MISSING;
    m4h_gateway_replay_go_on(replay);
}

static bool ask(struct m4h_gateway_replay *replay, struct slot *slot, uint64_t seq)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(REQUEST_MAX);
    char subject[SUBJECT_BYTES];
    int error = m4h_json_stored_request(&body, seq);

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.MSG.GET.%s", replay->config.stream);
    if (error == 0)
        error = m4h_bus_request(replay->config.bus, subject, body.data, body.len,
                                m4h_loop_now_ms(replay->config.loop), ASK_TIMEOUT_MS, on_message,
                                slot, &slot->bus_id);
    m4h_buffer_free(&body);
    if (error != 0)
        return false;
    slot->place = ASKED;
    slot->seq = seq;
    return true;
}

/* ---- in order ---------------------------------------------------------------------------------
 */

/* Gives what is there. False: it was destroyed meanwhile. */
static bool give(struct m4h_gateway_replay *replay)
{
    const struct m4h_gateway_replay_config *config = &replay->config;
    bool is_gone = false;

    replay->is_gone = &is_gone;
    for (;;) {
        struct slot *slot = &replay->slots[replay->next % WINDOW];

        if (slot->seq != replay->next || (slot->place != HERE && slot->place != MISSING))
            break;
        replay->next++;
        if (slot->place == HERE)
            config->on_event(config->context, slot->seq, slot->stored.subject, slot->payload.data,
                             slot->payload.len);
        if (is_gone)
            return false;
        slot->place = FREE;
    }
    replay->is_gone = NULL;
    return true;
}

/* Asks for what the window and the reader have room for. */
static void ask_for_more(struct m4h_gateway_replay *replay, uint64_t last_seq)
{
    const struct m4h_gateway_replay_config *config = &replay->config;

    for (uint64_t seq = replay->next; seq <= last_seq && seq < replay->next + WINDOW; seq++) {
        struct slot *slot = &replay->slots[seq % WINDOW];

        if (slot->place != FREE)
            continue;
        if (!config->has_room(config->context))
            return;
        if (!ask(replay, slot, seq)) {
            go_on_after_a_pause(replay);
            return;
        }
    }
}

void m4h_gateway_replay_go_on(struct m4h_gateway_replay *replay)
{
    const struct m4h_gateway_replay_config *config = &replay->config;
    uint64_t last_seq;

    if (!replay->is_known) {
        if (replay->look_id == 0)
            look(replay);
        return;
    }
    if (!give(replay))
        return;
    last_seq = config->last_seq(config->context);
    if (last_seq == 0)
        go_on_after_a_pause(replay);
    else if (replay->next > last_seq)
        config->on_done(config->context, replay->next - 1);
    else
        ask_for_more(replay, last_seq);
}

static void on_time(void *context)
{
    m4h_gateway_replay_go_on(context);
}

/* ---- life
 * ---------------------------------------------------------------------------------------- */

int m4h_gateway_replay_create(struct m4h_gateway_replay **replay,
                              const struct m4h_gateway_replay_config *config, uint64_t after)
{
    struct m4h_gateway_replay *self = calloc(1, sizeof(*self));

    *replay = NULL;
    if (self == NULL)
        return M4H_ENOMEM;
    self->config = *config;
    self->next = after + 1;
    for (size_t i = 0; i < WINDOW; i++) {
        self->slots[i].replay = self;
        self->slots[i].payload.cap = PAYLOAD_MAX;
    }
    if (m4h_timer_create(&self->timer, config->loop, on_time, self) != 0) {
        free(self);
        return M4H_ENOMEM;
    }
    m4h_timer_start(self->timer, 0, 0);
    *replay = self;
    return 0;
}

void m4h_gateway_replay_destroy(struct m4h_gateway_replay *replay)
{
    if (replay == NULL)
        return;
    if (replay->is_gone != NULL)
        *replay->is_gone = true;
    if (replay->look_id != 0)
        m4h_bus_cancel(replay->config.bus, replay->look_id);
    for (size_t i = 0; i < WINDOW; i++) {
        if (replay->slots[i].bus_id != 0)
            m4h_bus_cancel(replay->config.bus, replay->slots[i].bus_id);
        m4h_buffer_free(&replay->slots[i].payload);
    }
    m4h_timer_close(replay->timer);
    free(replay);
}
