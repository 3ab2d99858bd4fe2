/* GET /v1/audit: what people, masters and slaves did, read back from the stream of events, newest
 * first. On the loop. */
#ifndef M4H_GATEWAY_IO_TRAIL_H
#define M4H_GATEWAY_IO_TRAIL_H

#include "lib/base/attributes.h"
#include "lib/base/metrics.h"
#include "lib/bus/bus.h"
#include "lib/http/http.h"
#include "lib/net/loop.h"

struct m4h_gateway_trail;

/* All is borrowed for its life; `stream` "": there is none. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_gateway_trail_create(struct m4h_gateway_trail **trail, struct m4h_loop *loop,
                                            struct m4h_bus *bus, const char *stream);
/* Answers all who wait; before the server and the bus end. Accepts NULL. */
void m4h_gateway_trail_destroy(struct m4h_gateway_trail *trail);
struct m4h_http_routes m4h_gateway_trail_routes(struct m4h_gateway_trail *trail);
void m4h_gateway_trail_write_metrics(const struct m4h_gateway_trail *trail,
                                     struct m4h_metrics *metrics);

#endif
