/* How long requests took, by route and class of status. Private to lib/http. A series is
 * written once it was needed: of many routes most classes never come. Their number is bounded
 * by the routes; nothing that a client chooses is in a label. */
#ifndef M4H_HTTP_DURATIONS_H
#define M4H_HTTP_DURATIONS_H

#include "lib/base/attributes.h"
#include "lib/base/metrics.h"
#include "lib/http/http.h"

struct m4h_http_durations;

/* `routes` are borrowed for its life. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_http_durations_create(struct m4h_http_durations **durations,
                                             const struct m4h_http_routes *routes,
                                             size_t routes_count);
/* Accepts NULL. */
void m4h_http_durations_destroy(struct m4h_http_durations *durations);

/* A request ends now. `route` NULL: it had none. */
void m4h_http_durations_add(struct m4h_http_durations *durations,
                            const struct m4h_http_route *route, unsigned status, uint64_t began_us);
void m4h_http_durations_write(const struct m4h_http_durations *durations, const char *name,
                              struct m4h_metrics *metrics);

#endif
