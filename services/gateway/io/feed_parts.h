/* The feed's state, shared by its files only: feed.c (events and readers), reader.c (one of them),
 * catch_up.c (what they missed). On the loop. */
#ifndef M4H_GATEWAY_FEED_PARTS_H
#define M4H_GATEWAY_FEED_PARTS_H

#include "lib/base/log.h"
#include "lib/net/timer.h"
#include "services/gateway/core/late.h"
#include "services/gateway/core/recent.h"
#include "services/gateway/io/feed.h"
#include "services/gateway/io/follower.h"
#include "services/gateway/io/reader.h"

struct m4h_gateway_feed {
    struct m4h_loop *loop;
    struct m4h_bus *bus;
    struct m4h_gateway_feed_config config;
    struct m4h_gateway_follower *follower;
    struct m4h_timer *look;
    struct m4h_buffer document, frame; /* of the event at hand */
    bool was_connected;
    bool was_away;
    bool is_followed; /* the stream is wanted */
    uint64_t left_ms; /* when a reader went, the last time */
    uint64_t dropped;
    uint32_t replays;                   /* under way */
    char last_id[M4H_EVENT_ID_MAX + 1]; /* of the last event; empty: none yet */
    struct m4h_gateway_late late;
    struct m4h_gateway_recent recent; /* by the bus, so that the stream does not give them again */
    struct m4h_log_limit bad_lines;
    struct m4h_gateway_feed_stats stats;
    LIST_HEAD(, m4h_gateway_reader) readers;
};

uint64_t m4h_gateway_feed_now(const struct m4h_gateway_feed *feed);
void m4h_gateway_feed_count_slow(struct m4h_gateway_feed *feed);
/* Its stream has ended; it is freed after. */
void m4h_gateway_feed_lost(struct m4h_gateway_feed *feed, struct m4h_gateway_reader *reader);
/* Gives one reader an event of the past, where it wants it. */
void m4h_gateway_feed_give_stored(struct m4h_gateway_feed *feed, struct m4h_gateway_reader *reader,
                                  uint64_t seq, const char *subject, const uint8_t *data,
                                  size_t len);

#endif
