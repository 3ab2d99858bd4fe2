/* What one reader missed: the events of the stream from a number on, asked for one by one with a
 * few questions in flight, until it has caught up with the follower. On the loop. */
#ifndef M4H_GATEWAY_REPLAY_H
#define M4H_GATEWAY_REPLAY_H

#include "lib/base/attributes.h"
#include "lib/bus/bus.h"
#include "lib/net/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_gateway_replay;

struct m4h_gateway_replay_config {
    struct m4h_loop *loop;
    struct m4h_bus *bus;
    const char *stream;  /* borrowed for its life */
    uint64_t events_max; /* what lies further back is left out */
    /* How far the stream is known to go; 0: not known now, so it waits. */
    uint64_t (*last_seq)(void *context);
    /* Whether the reader can take more; m4h_gateway_replay_go_on says when. */
    bool (*has_room)(void *context);
    /* The next event. All is borrowed. */
    void (*on_event)(void *context, uint64_t seq, const char *subject, const uint8_t *data,
                     size_t len);
    /* Events are missing: from behind `after` to before `before` (0: not known). */
    void (*on_gap)(void *context, const char *reason, uint64_t after, uint64_t before);
    /* All up to `seq` was given. The last call; the replay may be destroyed in it. */
    void (*on_done)(void *context, uint64_t seq);
    void *context;
};

/* Starts behind the event `after`. No callback comes from inside. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_gateway_replay_create(struct m4h_gateway_replay **replay,
                                             const struct m4h_gateway_replay_config *config,
                                             uint64_t after);
/* The reader has room again, or the stream goes further. */
void m4h_gateway_replay_go_on(struct m4h_gateway_replay *replay);
/* No callback any more. Accepts NULL. */
void m4h_gateway_replay_destroy(struct m4h_gateway_replay *replay);

#endif
