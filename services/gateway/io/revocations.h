/* REST's revocations: what was decided about a key or a device is void, and it may be banned; and
 * the end of a ban. */
#ifndef M4H_GATEWAY_REVOCATIONS_H
#define M4H_GATEWAY_REVOCATIONS_H

#include "lib/http/http.h"
#include "services/gateway/io/rpc.h"

/* `rpc` is borrowed, for the server's life. */
struct m4h_http_routes m4h_gateway_revocations_routes(struct m4h_gateway_rpc *rpc);

#endif
