/* Asks a master how the cluster is, every two seconds: what readiness and some
 * metrics rest on, so that no probe of a balancer costs a question. */
#ifndef M4H_GATEWAY_PROBE_H
#define M4H_GATEWAY_PROBE_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"
#include "services/gateway/core/readiness.h"
#include "services/gateway/io/rpc.h"

struct m4h_gateway_probe;

/* `readiness` is told of each answer; borrowed, as `rpc` is, until close.
 * M4H_ENOMEM. The first question goes out at once. */
M4H_MUST_CHECK int m4h_gateway_probe_start(struct m4h_gateway_probe **probe, struct m4h_loop *loop,
                                           struct m4h_gateway_rpc *rpc,
                                           struct m4h_gateway_readiness *readiness);
/* Asks now, not at the next time. */
void m4h_gateway_probe_now(struct m4h_gateway_probe *probe);
/* After m4h_gateway_rpc_close. Accepts NULL. */
void m4h_gateway_probe_close(struct m4h_gateway_probe *probe);

#endif
