/* REST's changes of the records of devices and operators: made, changed, approved, removed. */
#ifndef M4H_GATEWAY_DEVICES_H
#define M4H_GATEWAY_DEVICES_H

#include "lib/http/http.h"
#include "services/gateway/io/rpc.h"

/* `rpc` is borrowed, for the server's life. */
struct m4h_http_routes m4h_gateway_devices_routes(struct m4h_gateway_rpc *rpc);

#endif
