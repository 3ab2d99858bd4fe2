/* REST's GETs: what masters know of the cluster, its slaves and its tunnels. */
#ifndef M4H_GATEWAY_STATUS_H
#define M4H_GATEWAY_STATUS_H

#include "lib/http/http.h"
#include "services/gateway/io/shared.h"

/* `shared` is borrowed, for the server's life. */
struct m4h_http_routes m4h_gateway_status_routes(struct m4h_gateway_shared *shared);

#endif
