/* WebSockets (RFC 6455), server side, on the loop of the HTTP server.
 *
 * A handler of a GET route calls m4h_websocket_accept instead of an answer. From
 * then on: on_open (unless the client is gone by then), on_message for each whole
 * message, on_close exactly once at the end, after which the WebSocket is gone.
 * All on the loop's thread; no callback ever comes from inside a call here.
 *
 * What the layer does by itself: unmasking and fragments, pings answered, UTF-8
 * checked (1007), too large messages (1009) and protocol errors (1002) closed, a
 * ping every 25 s and the end after two without an answer, a reader that leaves
 * more than the limit unread cut off. */
#ifndef M4H_HTTP_WEBSOCKET_H
#define M4H_HTTP_WEBSOCKET_H

#include "lib/base/attributes.h"
#include "lib/http/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_websocket;

/* The reason of 1001. */
#define M4H_WEBSOCKET_LEAVING "the server is stopping"

/* Close codes (RFC 6455 section 7.4.1 and the IANA registry). */
enum {
    M4H_WEBSOCKET_NORMAL = 1000,
    M4H_WEBSOCKET_GOING_AWAY = 1001,
    M4H_WEBSOCKET_PROTOCOL_ERROR = 1002,
    M4H_WEBSOCKET_UNACCEPTABLE = 1003,
    M4H_WEBSOCKET_ABNORMAL = 1006, /* only told, never sent: no close frame came */
    M4H_WEBSOCKET_BAD_DATA = 1007,
    M4H_WEBSOCKET_POLICY = 1008,
    M4H_WEBSOCKET_TOO_BIG = 1009,
    M4H_WEBSOCKET_INTERNAL = 1011,
};

struct m4h_websocket_handler {
    void (*on_open)(void *context, struct m4h_websocket *websocket); /* may be NULL */
    /* `data` is borrowed; text is valid UTF-8, not NUL terminated. */
    void (*on_message)(void *context, struct m4h_websocket *websocket, bool is_text,
                       const uint8_t *data, size_t len);
    /* The server ends: should close it soon, with 1001. NULL: that is done at once. */
    void (*on_drain)(void *context, struct m4h_websocket *websocket);
    /* The end; `code` is the close code that came or was sent, or 1006. */
    void (*on_close)(void *context, struct m4h_websocket *websocket, uint16_t code);
};

struct m4h_websocket_config {
    /* Subprotocols that are spoken, in no order: the client's order decides.
     * NULL terminated; the first is taken where the client offers none. Offers
     * of which none is spoken are answered by 400. */
    const char *const *subprotocols;
    const struct m4h_websocket_handler *handler; /* borrowed for its life */
    uint32_t message_max;                        /* bytes of a message that comes in [65536] */
    uint32_t queue_max;        /* bytes that wait to be sent, before the end [262144] */
    uint32_t ping_interval_ms; /* [25000] */
};

/* Checks the handshake and accepts it, or answers the request with the problem
 * (400, or 426 for no upgrade or another version). Either way the request is
 * ended. `*websocket` is NULL on error: M4H_EPROTOCOL, M4H_ECLOSED (the server
 * stops), M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_websocket_accept(struct m4h_websocket **websocket,
                                        struct m4h_http_request *request,
                                        const struct m4h_websocket_config *config, void *context);

/* The one agreed on; one of config->subprotocols. */
const char *m4h_websocket_subprotocol(const struct m4h_websocket *websocket);
const char *m4h_websocket_peer(const struct m4h_websocket *websocket);

/* Sends a message (copied). M4H_ECLOSED (it is closing: nothing is sent),
 * M4H_EFULL (the reader is too slow: it is being closed with 1008), M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_websocket_send(struct m4h_websocket *websocket, bool is_text,
                                      const void *data, size_t len);

/* Sends a close frame after what waits to be sent, waits a little for the peer's, ends. Nothing
 * comes in any more but on_close. Does nothing when it is closing. `reason` is a literal. */
void m4h_websocket_close(struct m4h_websocket *websocket, uint16_t code, const char *reason);

#endif
