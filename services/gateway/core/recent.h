/* Which events were given to readers lately, so that one that comes by two ways is given once to
 * each of them. Pure. A reader that is live only since a moment was not given what came before: it
 * notes `count` when it becomes live. */
#ifndef M4H_GATEWAY_RECENT_H
#define M4H_GATEWAY_RECENT_H

#include <stdbool.h>
#include <stdint.h>

/* More than these push the oldest out. */
#define M4H_GATEWAY_RECENT_MAX 1024u

/* Zeroed at first. */
struct m4h_gateway_recent {
    uint64_t hashes[M4H_GATEWAY_RECENT_MAX]; /* of event ids, a ring */
    uint64_t count;                          /* that were given, ever */
};

void m4h_gateway_recent_add(struct m4h_gateway_recent *recent, const char *event_id);
/* How many had been given when this one was, itself included; 0: it was not. */
uint64_t m4h_gateway_recent_find(const struct m4h_gateway_recent *recent, const char *event_id);
/* Whether a reader that is live since `live_since` (a count) has what was found at `found`. */
bool m4h_gateway_recent_has(uint64_t found, uint64_t live_since);

#endif
