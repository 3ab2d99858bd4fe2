/* The clean end of a gateway: serves on for a while, so that load balancers see that it
 * is not ready; takes no more connections, finishes what is under way, sends WebSockets
 * away; is over when all is, or when it has taken too long. */
#ifndef M4H_GATEWAY_IO_DRAIN_H
#define M4H_GATEWAY_IO_DRAIN_H

#include "lib/base/attributes.h"
#include "lib/http/http.h"
#include "lib/net/loop.h"
#include "services/gateway/config.h"

struct m4h_gateway_drain;

/* Begins. `config` is read now; `http` is borrowed until close. `on_drained` comes once,
 * from the loop. M4H_ENOMEM: `*drain` is NULL, and nothing comes. */
M4H_MUST_CHECK int m4h_gateway_drain_start(struct m4h_gateway_drain **drain, struct m4h_loop *loop,
                                           struct m4h_http_server *http,
                                           const struct m4h_gateway_config *config,
                                           void (*on_drained)(void *context), void *context);
/* Legal in on_drained. Accepts NULL. */
void m4h_gateway_drain_close(struct m4h_gateway_drain *drain);

#endif
