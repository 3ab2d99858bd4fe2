/* A gateway: REST and WebSocket on one side, the bus on the other. It keeps no
 * state of the cluster, so any number of them may stand behind a balancer. All
 * on the thread of the loop. */
#ifndef M4H_GATEWAY_GATEWAY_H
#define M4H_GATEWAY_GATEWAY_H

#include "lib/base/attributes.h"
#include "lib/config/reload.h"
#include "lib/net/loop.h"
#include "lib/net/supervisor.h"
#include "services/gateway/config.h"

#include <stdint.h>

struct m4h_gateway;

/* Listens and connects in the background; once it is connected the ready file is
 * there. The others are borrowed for its life: `config` is changed by a reload, `source`
 * is where it is read again (NULL: nowhere), `supervisor` is told how it is (may be
 * NULL). `*gateway` is NULL on error, which is logged: M4H_EINVALID, M4H_EEXIST,
 * M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_gateway_create(struct m4h_gateway **gateway, struct m4h_loop *loop,
                                      struct m4h_gateway_config *config,
                                      struct m4h_config_source *source,
                                      struct m4h_supervisor *supervisor);
/* Reads the configuration again, now. */
void m4h_gateway_reload(struct m4h_gateway *gateway);
/* The port of HTTP. */
uint16_t m4h_gateway_port(const struct m4h_gateway *gateway);

/* Not ready from now on; the rest is io/drain.h's. At the end `on_drained`. Once. */
void m4h_gateway_drain(struct m4h_gateway *gateway, void (*on_drained)(void *context),
                       void *context);
/* Ends at once. Accepts NULL and half-made ones. Not from inside on_drained. */
void m4h_gateway_destroy(struct m4h_gateway *gateway);

#endif
