/* Orders over REST: kick a device, drain a slave. */
#ifndef M4H_GATEWAY_OPERATIONS_H
#define M4H_GATEWAY_OPERATIONS_H

#include "lib/http/http.h"
#include "services/gateway/io/rpc.h"

/* `rpc` is borrowed, for the server's life. */
struct m4h_http_routes m4h_gateway_operations_routes(struct m4h_gateway_rpc *rpc);

#endif
