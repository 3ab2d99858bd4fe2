/* A gateway: REST and WebSocket on one side, the bus on the other. It keeps no
 * state of the cluster, so any number of them may stand behind a balancer. All
 * on the thread of the loop. */
#ifndef M4H_GATEWAY_GATEWAY_H
#define M4H_GATEWAY_GATEWAY_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"
#include "services/gateway/config.h"

#include <stdint.h>

struct m4h_gateway;

/* Listens and connects in the background; once it is connected the ready file is
 * there. `config` is borrowed for its life. `*gateway` is NULL on error, which is
 * logged: M4H_EINVALID, M4H_EEXIST, M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_gateway_create(struct m4h_gateway **gateway, struct m4h_loop *loop,
                                      const struct m4h_gateway_config *config);
/* The port of HTTP. */
uint16_t m4h_gateway_port(const struct m4h_gateway *gateway);

/* Not ready from now on, WebSockets are closed with 1001, requests that came are
 * answered; then, or after [run] drain_ms, `on_drained`. Once. */
void m4h_gateway_drain(struct m4h_gateway *gateway, void (*on_drained)(void *context),
                       void *context);
/* Ends at once. Accepts NULL and half-made ones. Not from inside on_drained. */
void m4h_gateway_destroy(struct m4h_gateway *gateway);

#endif
