/* Slots: POST /v1/slots, and the WebSocket at GET /v1/slots, where one connection
 * asks for many. */
#ifndef M4H_GATEWAY_SLOTS_H
#define M4H_GATEWAY_SLOTS_H

#include "lib/base/histogram.h"
#include "lib/http/http.h"
#include "services/gateway/io/access.h"
#include "services/gateway/io/rpc.h"

#include <stdint.h>
#include <sys/queue.h>

/* What the handlers need, and what they count; the gateway owns it, for the
 * server's life. */
struct m4h_gateway_slots {
    struct m4h_gateway_rpc *rpc;
    struct m4h_gateway_access *access;
    uint32_t in_flight_max; /* requests of one WebSocket without an answer */
    uint64_t rest_requests;
    uint64_t websocket_requests;
    uint64_t given;   /* slots */
    uint64_t refused; /* requests that ended with a problem */
    /* How long those took that masters were asked for. */
    struct m4h_histogram rest_latency;
    struct m4h_histogram websocket_latency;
    uint64_t notices; /* told to WebSockets */
    LIST_HEAD(, m4h_gateway_socket) sockets;
};

/* A slave has begun to drain, or goes on: WebSockets that got slots there are told, once. */
void m4h_gateway_slots_draining(struct m4h_gateway_slots *slots, const char *slave_id);

/* Before anything else; the fields above are the owner's to fill. */
void m4h_gateway_slots_init(struct m4h_gateway_slots *slots);
struct m4h_http_routes m4h_gateway_slots_routes(struct m4h_gateway_slots *slots);

#endif
