/* Following the stream of events: when to ask for it, when to make a consumer, and what of that
 * which comes is given out. Pure.
 *
 * A consumer is JetStream's, made by us, and gives what is in the stream from a number on. It is
 * thrown away at the first doubt - a message of it is missing, it is silent, the connection is new
 * - and the next one begins behind the last event that was given out. So there are no gaps and no
 * repeats, as long as the stream is there. While it is not, and at first, events are taken from the
 * bus itself, where they have no number. */
#ifndef M4H_GATEWAY_TAIL_H
#define M4H_GATEWAY_TAIL_H

#include <stdbool.h>
#include <stdint.h>

/* A consumer says something at least so often. */
#define M4H_GATEWAY_TAIL_HEARTBEAT_MS 2000u

enum m4h_gateway_tail_state {
    M4H_GATEWAY_TAIL_AWAY,     /* not connected */
    M4H_GATEWAY_TAIL_RESTING,  /* no stream, as far as is known; looks again at `retry_ms` */
    M4H_GATEWAY_TAIL_LOOKING,  /* asks for the stream */
    M4H_GATEWAY_TAIL_KNOWN,    /* it is there, and nobody wants it */
    M4H_GATEWAY_TAIL_STARTING, /* asks for a consumer */
    M4H_GATEWAY_TAIL_LIVE,
};

/* Zeroed at first. */
struct m4h_gateway_tail {
    enum m4h_gateway_tail_state state;
    bool is_wanted;
    bool is_asked;       /* a question of this state is open */
    bool is_anchored;    /* all up to last_seq was given out, and the next comes from the stream */
    bool has_stream;     /* when last looked at */
    uint64_t last_seq;   /* in the stream */
    uint64_t consumed;   /* messages of this consumer */
    uint32_t generation; /* of the consumer; counts them */
    uint64_t heard_ms;
    uint64_t retry_ms;
    uint64_t settled_ms;    /* since then the bus brings nothing late any more */
    uint64_t hold_until_ms; /* while it is anchored and not live: until then it is waited for */
};

enum m4h_gateway_tail_action {
    M4H_GATEWAY_TAIL_NOTHING,
    M4H_GATEWAY_TAIL_LOOK,   /* ask for the stream's state */
    M4H_GATEWAY_TAIL_CREATE, /* ask for consumer `generation`, from last_seq + 1 */
    M4H_GATEWAY_TAIL_GIVE_UP /* readers must be told of a gap: events come from the bus from now on
                              */
};

/* What is to be done now. After NOTHING, `*next_ms` is when to come again at the latest
 * (UINT64_MAX: when something happens). */
enum m4h_gateway_tail_action m4h_gateway_tail_turn(struct m4h_gateway_tail *tail, uint64_t now_ms,
                                                   uint64_t *next_ms);

void m4h_gateway_tail_connected(struct m4h_gateway_tail *tail, bool connected, uint64_t now_ms);
/* There are readers, or none any more. */
void m4h_gateway_tail_want(struct m4h_gateway_tail *tail, bool wanted);

/* The answer to LOOK. Returns why events are missing before the next one, or NULL. */
const char *m4h_gateway_tail_looked(struct m4h_gateway_tail *tail, bool found, uint64_t first_seq,
                                    uint64_t last_seq, uint64_t now_ms);
/* The answer to CREATE. */
void m4h_gateway_tail_created(struct m4h_gateway_tail *tail, uint32_t generation, bool made,
                              uint64_t now_ms);

/* A message of a consumer. True: it is the next one, last_seq is its number, and it is to be given
 * out. */
bool m4h_gateway_tail_delivered(struct m4h_gateway_tail *tail, uint32_t generation,
                                uint64_t consumer_seq, uint64_t stream_seq, uint64_t now_ms);
/* A sign of life of a consumer. */
void m4h_gateway_tail_heard(struct m4h_gateway_tail *tail, uint32_t generation, uint64_t now_ms);

/* It has begun to follow the stream a moment ago. What the bus brings now may lie before the place
 * where it began: then it does not come from the stream. Never true while it is not anchored. */
bool m4h_gateway_tail_settles(const struct m4h_gateway_tail *tail, uint64_t now_ms);

/* What the reply subject of a delivered message says ($JS.ACK...): its numbers, and of which
 * consumer it is, whose name must end in "-GENERATION". False: it is none. */
bool m4h_gateway_tail_parse(const char *reply, uint32_t *generation, uint64_t *stream_seq,
                            uint64_t *consumer_seq);

#endif
