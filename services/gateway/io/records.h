/* REST's GETs of the records that masters keep: of devices and operators, and revocations. */
#ifndef M4H_GATEWAY_RECORDS_H
#define M4H_GATEWAY_RECORDS_H

#include "lib/http/http.h"
#include "services/gateway/io/shared.h"

/* `shared` is borrowed, for the server's life. */
struct m4h_http_routes m4h_gateway_records_routes(struct m4h_gateway_shared *shared);

#endif
