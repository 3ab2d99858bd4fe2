/* Orders over REST: kick a device, drain a slave. */
#ifndef M4H_GATEWAY_OPERATIONS_H
#define M4H_GATEWAY_OPERATIONS_H

#include "lib/http/http.h"
#include "services/gateway/io/audit.h"
#include "services/gateway/io/rpc.h"

/* Both are borrowed. */
struct m4h_gateway_operations {
    struct m4h_gateway_rpc *rpc;
    struct m4h_audit *audit;
};

/* `operations` is borrowed, for the server's life. */
struct m4h_http_routes m4h_gateway_operations_routes(struct m4h_gateway_operations *operations);

#endif
