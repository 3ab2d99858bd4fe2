/* The dashboard, a page at `/` and what it loads from `/web/`, and the description of
 * REST at `/openapi.json`. The files of services/gateway/web and openapi are in the program; what
 * they may do in a browser is said by the headers here. They hold no data of the cluster, so anyone
 * may have them. */
#ifndef M4H_GATEWAY_PAGES_H
#define M4H_GATEWAY_PAGES_H

#include "lib/http/http.h"

/* For m4h_http_config.routes; has no context. */
struct m4h_http_routes m4h_gateway_pages_routes(void);

#endif
