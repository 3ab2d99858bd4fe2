/* How many connections each source holds: an IPv4 address, or a /64 of IPv6, of which
 * everybody is given one. Kept for sources that hold some only. Pure. One thread. */
#ifndef M4H_HTTP_SOURCES_H
#define M4H_HTTP_SOURCES_H

#include "lib/base/network.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_http_source;

/* Zeroed at first, but for `max`; empty again when all have left. */
struct m4h_http_sources {
    struct m4h_http_source *table;
    uint32_t max; /* 0: no bound, and nothing is counted */
};

/* Whether one connection more may come from there. */
bool m4h_http_sources_have_room(const struct m4h_http_sources *sources, const struct m4h_ip *ip);
/* It has come. NULL: not counted, there is no bound or no memory. */
struct m4h_http_source *m4h_http_sources_enter(struct m4h_http_sources *sources,
                                               const struct m4h_ip *ip);
/* It is gone. Accepts NULL for `source`. */
void m4h_http_sources_leave(struct m4h_http_sources *sources, struct m4h_http_source *source);

#endif
