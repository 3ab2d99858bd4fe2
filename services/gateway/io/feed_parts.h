/* What readers tell their feed. Private to the two. */
#ifndef M4H_GATEWAY_FEED_PARTS_H
#define M4H_GATEWAY_FEED_PARTS_H

#include "services/gateway/io/feed.h"

struct m4h_gateway_reader;

uint64_t m4h_gateway_feed_now(const struct m4h_gateway_feed *feed);
void m4h_gateway_feed_count_slow(struct m4h_gateway_feed *feed);
/* Its stream has ended; it is freed after. */
void m4h_gateway_feed_lost(struct m4h_gateway_feed *feed, struct m4h_gateway_reader *reader);

#endif
