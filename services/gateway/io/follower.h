/* The events of the stream as they get into it, each with its number: what core/tail.h decides,
 * done on the bus. One for the gateway, whatever the number of readers. On the loop. */
#ifndef M4H_GATEWAY_FOLLOWER_H
#define M4H_GATEWAY_FOLLOWER_H

#include "lib/base/attributes.h"
#include "lib/bus/bus.h"
#include "lib/net/loop.h"

#include <stdbool.h>
#include <stdint.h>

#define M4H_GATEWAY_FOLLOWER_SUBJECT_MAX 256

struct m4h_gateway_follower;

struct m4h_gateway_follower_config {
    const char *stream;       /* its name, borrowed; "": there is none */
    const char *inbox_prefix; /* of [nats], borrowed */
    /* The next event, as it was published; borrowed. */
    void (*on_event)(void *context, uint64_t stream_seq, const struct m4h_bus_message *message);
    /* Before the next event some are missing. */
    void (*on_gap)(void *context, const char *reason);
    /* One of the answers below may be another. */
    void (*on_change)(void *context);
    void *context;
};

/* M4H_ENOMEM. Nothing is asked before m4h_gateway_follower_connected. */
M4H_MUST_CHECK int m4h_gateway_follower_create(struct m4h_gateway_follower **follower,
                                               struct m4h_loop *loop,
                                               const struct m4h_gateway_follower_config *config);
/* Its last word is sent by `bus`, if that is there. Accepts NULL. */
void m4h_gateway_follower_destroy(struct m4h_gateway_follower *follower);
/* For its life. */
void m4h_gateway_follower_use(struct m4h_gateway_follower *follower, struct m4h_bus *bus);

/* The subject that the bus has to subscribe for it, "PREFIX.feed.UNIQUE", and its messages. One
 * without wildcards: a consumer sees no interest in others. */
const char *m4h_gateway_follower_subject(const struct m4h_gateway_follower *follower);
void m4h_gateway_follower_message(struct m4h_gateway_follower *follower,
                                  const struct m4h_bus_message *message);
void m4h_gateway_follower_connected(struct m4h_gateway_follower *follower, bool connected);

/* There are readers, or none. */
void m4h_gateway_follower_want(struct m4h_gateway_follower *follower, bool wanted);
/* The stream is there, as far as is known. */
bool m4h_gateway_follower_has_stream(const struct m4h_gateway_follower *follower);
/* The stream may be there soon, or is. */
bool m4h_gateway_follower_is_hopeful(const struct m4h_gateway_follower *follower);
/* True: all up to `*last_seq` was given out, and all that is later will be. False: nothing comes
 * from the stream, or not yet. */
bool m4h_gateway_follower_is_anchored(const struct m4h_gateway_follower *follower,
                                      uint64_t *last_seq);
/* True: it is anchored since a moment only, and what the bus brings now may never come from the
 * stream. */
bool m4h_gateway_follower_settles(const struct m4h_gateway_follower *follower);

#endif
