/* Asks a master how the cluster is, every two seconds: what readiness and some
 * metrics rest on, so that no probe of a balancer costs a question. */
#ifndef M4H_GATEWAY_PROBE_H
#define M4H_GATEWAY_PROBE_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"
#include "services/gateway/core/readiness.h"
#include "services/gateway/io/rpc.h"

struct m4h_gateway_probe;

/* `rpc`, which tells readiness of each answer, is borrowed until close.
 * M4H_ENOMEM. The first question goes out at once. */
M4H_MUST_CHECK int m4h_gateway_probe_start(struct m4h_gateway_probe **probe, struct m4h_loop *loop,
                                           struct m4h_gateway_rpc *rpc);
/* Asks now, and every two seconds from now on. */
void m4h_gateway_probe_now(struct m4h_gateway_probe *probe);
/* A master is there, while none has answered: asks anew, without waiting for a question that was
 * put when none was there. Once in a while only, so that each has the time to be answered. */
void m4h_gateway_probe_hurry(struct m4h_gateway_probe *probe);
/* After m4h_gateway_rpc_close. Accepts NULL. */
void m4h_gateway_probe_close(struct m4h_gateway_probe *probe);

#endif
