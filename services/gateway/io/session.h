/* Signing in with a browser: the cookie that stands for a token.
 *
 *   POST   /v1/session  Authorization: Bearer TOKEN -> 204 with the cookie
 *   GET    /v1/session  who asks, and what he may: 200, or 401 where a token is needed
 *   DELETE /v1/session  204; the cookie is gone */
#ifndef M4H_GATEWAY_IO_SESSION_H
#define M4H_GATEWAY_IO_SESSION_H

#include "services/gateway/io/access.h"

struct m4h_http_routes m4h_gateway_session_routes(struct m4h_gateway_access *access);

#endif
