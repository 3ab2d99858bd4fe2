/* The frames of one open WebSocket, between its socket and wslay. Private to lib/http.
 *
 * What wslay needs for frames, 9 KB, is lent while there is half a frame, message or
 * answer: an idle WebSocket has none. */
#ifndef M4H_HTTP_EXCHANGE_H
#define M4H_HTTP_EXCHANGE_H

#include "lib/http/cutter.h"
#include "lib/http/frames.h"
#include "lib/http/server.h"
#include "lib/http/websocket.h"

/* Bytes read at a time. */
#define M4H_WEBSOCKET_READ_SIZE 16384u
/* How long the peer may take to answer a close frame. */
#define M4H_WEBSOCKET_CLOSE_WAIT_MS 5000u

enum m4h_websocket_state {
    M4H_WEBSOCKET_OPENING, /* the 101 is not out yet */
    M4H_WEBSOCKET_OPEN,
    M4H_WEBSOCKET_CLOSING,   /* our close frame is queued or sent */
    M4H_WEBSOCKET_LINGERING, /* all is sent; the peer has to end the connection */
};

struct m4h_websocket {
    struct m4h_http_server *server;
    const struct m4h_websocket_handler *handler;
    void *context;
    const char *subprotocol;
    uint32_t queue_max;
    uint32_t message_max;
    uint32_t ping_interval_ms;
    enum m4h_websocket_state state;
    bool is_in_turn; /* what is sent goes out at its end */
    bool is_cut;
    bool is_leaving;         /* its handler was told that the server ends */
    bool is_alone;           /* the peer is gone, and what it sent last is still looked at */
    uint16_t late_code;      /* of a close frame that waits for the answers before it */
    const char *late_reason; /* its reason; NULL: there is none */
    uint16_t our_end;        /* the code where it was us who ended it; 0: it was not */
    int fd;                  /* MHD's */
    struct m4h_http_connection *connection; /* whose socket is the same, unless it has TLS */
    struct MHD_UpgradeResponseHandle *upgraded;
    struct m4h_watch *watch;
    struct m4h_watch *peer_watch; /* with TLS: of the connection's own socket; else NULL */
    struct m4h_timer *timer;      /* pings, then the wait for the end */
    struct m4h_frames *frames;    /* NULL while nothing is half read or written */
    struct m4h_cutter cutter;
    struct m4h_buffer ahead; /* read, and not looked at: what came with the handshake, or with
                              * a frame whose answer waits */
    uint32_t fragments;      /* of the message that is coming in; 0: none is */
    uint32_t unanswered;     /* pings */
    LIST_ENTRY(m4h_websocket) link;
    char peer[M4H_ADDRESS_TEXT_MAX];
};

/* It gets what frames are cut with, where it has none. False: no memory. */
bool m4h_websocket_take_frames(struct m4h_websocket *websocket);
/* Queues a close frame, behind all that waits. `reason` is a literal. False: no memory. */
bool m4h_websocket_say_close(struct m4h_websocket *websocket, uint16_t code, const char *reason);
/* Sends what the socket takes. False: it is broken. */
bool m4h_websocket_send_waiting(struct m4h_websocket *websocket);
/* Reads, answers and writes as much as there is to. False: over. */
bool m4h_websocket_exchange(struct m4h_websocket *websocket, unsigned events);
/* Throws away what comes after the close frames. False: the peer has ended. */
bool m4h_websocket_linger(struct m4h_websocket *websocket);
/* Watches for what is needed next, and gives back what an idle one does not need. */
void m4h_websocket_rearm(struct m4h_websocket *websocket);

#endif
