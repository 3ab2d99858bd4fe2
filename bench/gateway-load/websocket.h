/* One WebSocket as a client speaks it, without blocking: it asks for slots and reads the answers.
 * It costs little beside the server that is measured: no compression, one mask, messages below
 * 64 KB in one frame. One thread. */
#ifndef BENCH_WEBSOCKET_H
#define BENCH_WEBSOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct websocket;

/* Borrowed: valid until the next call. */
struct websocket_message {
    const char *text; /* not terminated */
    size_t len;
};

/* Begins to connect. Room is made for `depth` messages each way; NULL: no socket. */
struct websocket *websocket_connect(const struct sockaddr_in *address, unsigned depth);
void websocket_close(struct websocket *websocket);
int websocket_fd(const struct websocket *websocket);

/* The socket became writable: connected. Sends the handshake; false: refused. */
bool websocket_begin(struct websocket *websocket);
/* Takes what has come, answers pings. False: the connection has ended, or speaks no WebSocket. */
bool websocket_read(struct websocket *websocket);
/* The handshake has been answered by 101. */
bool websocket_is_open(const struct websocket *websocket);
/* The next message that has been read. False: none is complete. */
bool websocket_next(struct websocket *websocket, struct websocket_message *message);

/* Both only write into memory, and into the socket at websocket_flush. False there: it does not
 * take all, so the server has stopped reading. */
void websocket_send(struct websocket *websocket, const char *text, size_t len);
bool websocket_flush(struct websocket *websocket);

#endif
