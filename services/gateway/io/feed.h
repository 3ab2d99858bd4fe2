/* GET /v1/events: the cluster's events for any number of readers, as server-sent events. One
 * subscription of the gateway serves them all; each has a filter and a bounded queue. On the loop.
 *
 * A reader gets `hello` first, then events as they happen, a comment where nothing happened for a
 * while, `gap` where events may be missing, and `end` with the reason where the gateway ends it:
 * "slow" (it did not read in time), "forbidden" (its token is not valid any more) or "stopping".
 *
 * Where JetStream has the stream of events, these come from there, in its order and with its
 * numbers as ids, and a reader can go on behind any of them. Where it has not, they come from the
 * bus, with their own ids, and cannot be resumed from. Load events always come from the bus. */
#ifndef M4H_GATEWAY_FEED_H
#define M4H_GATEWAY_FEED_H

#include "lib/base/attributes.h"
#include "lib/bus/bus.h"
#include "lib/http/http.h"
#include "lib/net/loop.h"
#include "services/gateway/io/access.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_gateway_feed;

struct m4h_gateway_feed_config {
    const struct m4h_gateway_access *access; /* borrowed: who may go on reading */
    const char *gateway_id;                  /* borrowed for its life */
    uint32_t readers_max;                    /* more are answered by 503 */
    uint32_t heartbeat_ms;                   /* the longest that a reader hears nothing */
    const char *stream;                      /* of the events in JetStream, borrowed; "": none */
    uint32_t replay_max;                     /* events that one reader is given of the past */
    const char *inbox_prefix;                /* of [nats], borrowed */
};

struct m4h_gateway_feed_stats {
    uint32_t readers;      /* now */
    uint64_t slow_readers; /* that were ended, ever */
    uint64_t refused_readers;
    uint64_t received; /* events from the bus while there were readers */
    uint64_t bad;      /* of them, not valid */
    uint64_t sent;     /* events to readers */
    uint64_t gaps;     /* times that readers were told of missing events */
    uint64_t resumed;  /* readers that asked for what they missed */
    bool has_stream;
};

/* M4H_ENOMEM. The bus comes by m4h_gateway_feed_use: it needs the subject below before. */
M4H_MUST_CHECK int m4h_gateway_feed_create(struct m4h_gateway_feed **feed, struct m4h_loop *loop,
                                           const struct m4h_gateway_feed_config *config);
/* For its life; it ends before the bus. */
void m4h_gateway_feed_use(struct m4h_gateway_feed *feed, struct m4h_bus *bus);
/* After the server, whose end is the readers' end. Accepts NULL. */
void m4h_gateway_feed_destroy(struct m4h_gateway_feed *feed);
struct m4h_http_routes m4h_gateway_feed_routes(struct m4h_gateway_feed *feed);
/* At most so many readers from now on; those that are there stay. */
void m4h_gateway_feed_limit(struct m4h_gateway_feed *feed, uint32_t readers_max);

/* What comes on M4H_GATEWAY_EVENTS. */
void m4h_gateway_feed_event(struct m4h_gateway_feed *feed, const struct m4h_bus_message *message);
/* The subject of the consumer of the stream, to be subscribed, and what comes there. */
const char *m4h_gateway_feed_subject(const struct m4h_gateway_feed *feed);
void m4h_gateway_feed_stored(struct m4h_gateway_feed *feed, const struct m4h_bus_message *message);
/* The bus is connected, or not. */
void m4h_gateway_feed_connected(struct m4h_gateway_feed *feed, bool connected);
/* The bus has dropped so many messages of those that came in, ever. */
void m4h_gateway_feed_dropped(struct m4h_gateway_feed *feed, uint64_t dropped);

void m4h_gateway_feed_stats(const struct m4h_gateway_feed *feed,
                            struct m4h_gateway_feed_stats *stats);

#endif
