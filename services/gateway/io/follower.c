/* The stream of events, followed.
 *
 * Happy path: the stream's state is asked for -> a consumer is made behind its last event -> it
 * pushes messages to a subject of ours, and says that it lives while there are none. It is made by
 * JetStream's API over our bus: the library's own calls block. Consumers that are given up are
 * deleted by name; those of a gateway that died go by themselves. */
#include "services/gateway/io/follower.h"

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/json/json.h"
#include "lib/net/timer.h"
#include "services/gateway/core/tail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ASK_TIMEOUT_MS 2000u
#define INACTIVE_MS    30000u
#define DOCUMENT_MAX   4096u
#define NAME_BYTES     64
/* One that is given up and still speaks is deleted so often. */
#define STRAY_MS 1000u

struct m4h_gateway_follower {
    struct m4h_gateway_follower_config config;
    struct m4h_loop *loop;
    struct m4h_bus *bus;
    struct m4h_timer *timer;
    struct m4h_gateway_tail tail;
    bool had_stream;   /* as it was last logged */
    uint32_t alive;    /* generation of the consumer that has not been deleted; 0: none */
    uint64_t stray_ms; /* when one that spoke though it is given up was last deleted */
    uint64_t unique;
    char subject[M4H_GATEWAY_FOLLOWER_SUBJECT_MAX];
};

static void turn(struct m4h_gateway_follower *follower);

static uint64_t now_of(const struct m4h_gateway_follower *follower)
{
    return m4h_loop_now_ms(follower->loop);
}

/* Asks JetStream's API; `body` may be NULL. */
static int ask(struct m4h_gateway_follower *follower, const char *call, const char *name,
               const struct m4h_buffer *body, m4h_bus_on_reply on_reply)
{
    char subject[M4H_GATEWAY_FOLLOWER_SUBJECT_MAX];
    uint64_t id;

    snprintf(subject, sizeof(subject), "$JS.API.%s.%s%s%s", call, follower->config.stream,
             name != NULL ? "." : "", name != NULL ? name : "");
    return m4h_bus_request(follower->bus, subject, body != NULL ? body->data : NULL,
                           body != NULL ? body->len : 0, now_of(follower), ASK_TIMEOUT_MS, on_reply,
                           follower, &id);
}

static const char *name_of(const struct m4h_gateway_follower *follower, uint32_t generation,
                           char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "feed-%016" PRIx64 "-%" PRIu32, follower->unique, generation);
    return name;
}

/* ---- what is asked --------------------------------------------------------------------- */

static void on_looked(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_gateway_follower *follower = context;
    uint64_t first_seq = 0, last_seq = 0;
    const char *missing;

    if (error == 0)
        error = m4h_json_stream_state_parse(data, len, &first_seq, &last_seq);
    missing =
        m4h_gateway_tail_looked(&follower->tail, error == 0, first_seq, last_seq, now_of(follower));
    if (missing != NULL)
        follower->config.on_gap(follower->config.context, missing);
    turn(follower);
}

static void look(struct m4h_gateway_follower *follower)
{
    if (ask(follower, "STREAM.INFO", NULL, NULL, on_looked) != 0)
        m4h_gateway_tail_looked(&follower->tail, false, 0, 0, now_of(follower));
}

static void on_created(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_gateway_follower *follower = context;
    struct m4h_json_stream_reply reply = {0};

    if (error == 0)
        error = m4h_json_stream_reply_parse(data, len, &reply);
    if (error == 0 && reply.error_code != 0)
        m4h_log(M4H_LOG_WARNING, "events", "stream=%s code=%" PRIu32 " reason=\"%s\" no consumer",
                follower->config.stream, reply.error_code, reply.description);
    /* One of an earlier generation is not asked about any more. */
    m4h_gateway_tail_created(&follower->tail, follower->tail.generation,
                             error == 0 && reply.error_code == 0, now_of(follower));
    turn(follower);
}

static int ask_for_consumer(struct m4h_gateway_follower *follower)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(DOCUMENT_MAX);
    char name[NAME_BYTES];
    const struct m4h_json_consumer consumer = {
        .stream = follower->config.stream,
        .name = name_of(follower, follower->tail.generation, name),
        .deliver_subject = follower->subject,
        .start_seq = follower->tail.last_seq + 1,
        .heartbeat_ms = M4H_GATEWAY_TAIL_HEARTBEAT_MS,
        .inactive_ms = INACTIVE_MS,
    };
    int error = m4h_json_consumer(&body, &consumer);

    if (error == 0)
        error = ask(follower, "CONSUMER.CREATE", name, &body, on_created);
    m4h_buffer_free(&body);
    return error;
}

static void create(struct m4h_gateway_follower *follower)
{
    follower->alive = follower->tail.generation;
    if (ask_for_consumer(follower) != 0)
        m4h_gateway_tail_created(&follower->tail, follower->tail.generation, false,
                                 now_of(follower));
}

static void on_deleted(void *context, int error, const uint8_t *data, size_t len)
{
    (void)context;
    (void)error;
    (void)data;
    (void)len;
}

/* One that cannot be deleted now (NATS is away) is deleted when it speaks. */
static void delete (struct m4h_gateway_follower *follower, uint32_t generation)
{
    char name[NAME_BYTES];

    if (generation != 0 &&
        ask(follower, "CONSUMER.DELETE", name_of(follower, generation, name), NULL, on_deleted) ==
            0 &&
        generation == follower->alive)
        follower->alive = 0;
}

/* ---- turns -------------------------------------------------------------------------------- */

static bool is_of_use(const struct m4h_gateway_follower *follower)
{
    return follower->alive == follower->tail.generation &&
           (follower->tail.state == M4H_GATEWAY_TAIL_LIVE ||
            follower->tail.state == M4H_GATEWAY_TAIL_STARTING ||
            follower->tail.state == M4H_GATEWAY_TAIL_AWAY);
}

static void log_stream(struct m4h_gateway_follower *follower)
{
    if (follower->had_stream == follower->tail.has_stream)
        return;
    follower->had_stream = follower->tail.has_stream;
    m4h_log(M4H_LOG_INFO, "events", "stream=%s %s", follower->config.stream,
            follower->had_stream ? "readers can resume" : "no stream: readers cannot resume");
}

static void turn(struct m4h_gateway_follower *follower)
{
    uint64_t now_ms = now_of(follower), next_ms = UINT64_MAX;
    enum m4h_gateway_tail_action action;

    if (follower->config.stream[0] == '\0' || follower->bus == NULL)
        return;
    while ((action = m4h_gateway_tail_turn(&follower->tail, now_ms, &next_ms)) !=
           M4H_GATEWAY_TAIL_NOTHING) {
        if (action == M4H_GATEWAY_TAIL_LOOK)
            look(follower);
        else if (action == M4H_GATEWAY_TAIL_CREATE)
            create(follower);
        else
            follower->config.on_gap(follower->config.context, "no_stream");
    }
    if (follower->alive != 0 && !is_of_use(follower))
        delete (follower, follower->alive);
    log_stream(follower);
    follower->config.on_change(follower->config.context);
    if (next_ms == UINT64_MAX)
        m4h_timer_stop(follower->timer);
    else
        m4h_timer_start(follower->timer, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

static void on_time(void *context)
{
    turn(context);
}

/* ---- what comes --------------------------------------------------------------------------------
 */

static void answer_flow_control(struct m4h_gateway_follower *follower, const char *reply)
{
    if (m4h_bus_publish(follower->bus, reply, M4H_BUS_FRESH, NULL, NULL, 0) != 0)
        m4h_log(M4H_LOG_DEBUG, "events", "flow control is not answered");
}

/* Deletes one that is given up and speaks. */
static void silence(struct m4h_gateway_follower *follower, uint32_t generation)
{
    uint64_t now_ms = now_of(follower);

    if (generation == 0 || now_ms < follower->stray_ms + STRAY_MS)
        return;
    follower->stray_ms = now_ms;
    delete (follower, generation);
}

/* A heartbeat or a question of flow control. It does not say of which consumer it is; one that is
 * given up is deleted at once, so it is of the one that lives. */
static void on_note(struct m4h_gateway_follower *follower, const struct m4h_bus_message *message)
{
    if (message->reply != NULL && strncmp(message->reply, "$JS.FC.", 7) == 0)
        answer_flow_control(follower, message->reply);
    m4h_gateway_tail_heard(&follower->tail, follower->tail.generation, now_of(follower));
}

void m4h_gateway_follower_message(struct m4h_gateway_follower *follower,
                                  const struct m4h_bus_message *message)
{
    uint64_t stream_seq, consumer_seq;
    uint32_t generation;

    if (!m4h_gateway_tail_parse(message->reply, &generation, &stream_seq, &consumer_seq))
        on_note(follower, message);
    else if (generation != follower->tail.generation)
        silence(follower, generation);
    else if (m4h_gateway_tail_delivered(&follower->tail, generation, consumer_seq, stream_seq,
                                        now_of(follower)))
        follower->config.on_event(follower->config.context, stream_seq, message);
    else
        turn(follower);
}

void m4h_gateway_follower_connected(struct m4h_gateway_follower *follower, bool connected)
{
    m4h_gateway_tail_connected(&follower->tail, connected, now_of(follower));
    turn(follower);
}

void m4h_gateway_follower_want(struct m4h_gateway_follower *follower, bool wanted)
{
    m4h_gateway_tail_want(&follower->tail, wanted);
    turn(follower);
}

bool m4h_gateway_follower_has_stream(const struct m4h_gateway_follower *follower)
{
    return follower->tail.has_stream;
}

bool m4h_gateway_follower_is_hopeful(const struct m4h_gateway_follower *follower)
{
    return follower->config.stream[0] != '\0' &&
           (follower->tail.is_anchored || follower->tail.state != M4H_GATEWAY_TAIL_RESTING);
}

bool m4h_gateway_follower_is_anchored(const struct m4h_gateway_follower *follower,
                                      uint64_t *last_seq)
{
    *last_seq = follower->tail.last_seq;
    return follower->tail.is_anchored;
}

bool m4h_gateway_follower_settles(const struct m4h_gateway_follower *follower)
{
    return m4h_gateway_tail_settles(&follower->tail, now_of(follower));
}

/* ---- life
 * ------------------------------------------------------------------------------------------ */

int m4h_gateway_follower_create(struct m4h_gateway_follower **follower, struct m4h_loop *loop,
                                const struct m4h_gateway_follower_config *config)
{
    struct m4h_gateway_follower *self = calloc(1, sizeof(*self));

    *follower = NULL;
    if (self == NULL)
        return M4H_ENOMEM;
    self->config = *config;
    self->loop = loop;
    if (getrandom(&self->unique, sizeof(self->unique), 0) != sizeof(self->unique))
        self->unique = (uint64_t)(uintptr_t)self ^ m4h_loop_now_ms(loop);
    snprintf(self->subject, sizeof(self->subject), "%s.feed.%016" PRIx64,
             config->inbox_prefix[0] != '\0' ? config->inbox_prefix : "_INBOX", self->unique);
    if (m4h_timer_create(&self->timer, loop, on_time, self) != 0) {
        free(self);
        return M4H_ENOMEM;
    }
    *follower = self;
    return 0;
}

void m4h_gateway_follower_destroy(struct m4h_gateway_follower *follower)
{
    if (follower == NULL)
        return;
    if (follower->bus != NULL)
        delete (follower, follower->alive);
    m4h_timer_close(follower->timer);
    free(follower);
}

void m4h_gateway_follower_use(struct m4h_gateway_follower *follower, struct m4h_bus *bus)
{
    follower->bus = bus;
}

const char *m4h_gateway_follower_subject(const struct m4h_gateway_follower *follower)
{
    return follower->subject;
}
