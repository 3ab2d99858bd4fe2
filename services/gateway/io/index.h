/* What paths there are, for people: plain text at /v1. For tools: /openapi.json, io/pages.h. */
#ifndef M4H_GATEWAY_INDEX_H
#define M4H_GATEWAY_INDEX_H

#include "lib/http/http.h"

/* For m4h_http_config.routes; has no context. */
struct m4h_http_routes m4h_gateway_index_routes(void);

#endif
