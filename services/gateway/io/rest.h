/* REST: status, kick and drain. POST /v1/slots is in io/slots.h. */
#ifndef M4H_GATEWAY_REST_H
#define M4H_GATEWAY_REST_H

#include "lib/http/http.h"
#include "services/gateway/io/rpc.h"

/* What the handlers need; the gateway owns it, for the server's life. */
struct m4h_gateway_rest {
    struct m4h_gateway_rpc *rpc;
};

struct m4h_http_routes m4h_gateway_rest_routes(struct m4h_gateway_rest *rest);

#endif
