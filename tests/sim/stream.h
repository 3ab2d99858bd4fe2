/* The stream of events in the simulated NATS: what JetStream is to slaves. It keeps each event
 * once, by its number, and says so; it may be away, be silent, or never take some. It dies with
 * nats-server and has everything again afterwards, as files have. */
#ifndef M4H_SIM_STREAM_H
#define M4H_SIM_STREAM_H

#include "lib/base/model.h"
#include "tests/sim/node.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_mood {
    STREAM_TAKES,
    STREAM_SILENT,  /* no answer, and nothing is kept */
    STREAM_SAYS_NO, /* for now: there is no leader, say */
    STREAM_MUTE,    /* it keeps them, and the answers do not come */
};

/* One epoch of one slave. */
struct stream_part {
    struct stream_part *next;
    unsigned slave;
    uint64_t epoch;
    uint8_t *has; /* owned; by number */
    size_t allocated;
    uint64_t count;
};

struct stream {
    struct node node;
    struct stream_part *parts; /* owned */
    bool exists;
    enum stream_mood mood;
    uint64_t moods; /* changes so far */
    /* Never taken; M4H_EVENT_TYPE_COUNT: it takes all. */
    enum m4h_event_type refused;
    bool refuses_silently;
};

void stream_create(struct sim *sim);
void stream_free(struct stream *stream);

/* Something befalls it for a while; all is well again. */
void stream_trouble(struct sim *sim);
void stream_calm(struct sim *sim);

/* How many of the slave's events of that epoch it has. */
uint64_t stream_count(const struct sim *sim, unsigned slave, uint64_t epoch);

#endif
