/* A WebSocket client over a plain socket, which can also do what it must not. */
#ifndef M4H_TESTS_UNIT_WEBSOCKET_CLIENT_H
#define M4H_TESTS_UNIT_WEBSOCKET_CLIENT_H

#include "tests/unit/http_fixture.h"

/* Opcodes and bits of a frame's first bytes (RFC 6455 section 5.2). */
enum {
    CONTINUATION = 0,
    TEXT_FRAME = 1,
    BINARY = 2,
    CLOSE = 8,
    PING = 9,
    PONG = 10,
    FIN = 0x80,
    MASKED = 0x80,
};

/* The head of the handshake, without the empty line at its end. */
#define WEBSOCKET_HANDSHAKE_REST                                                                   \
    " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                        \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
#define WEBSOCKET_HANDSHAKE(path) "GET " path WEBSOCKET_HANDSHAKE_REST

/* Connects and shakes hands. */
int websocket_dial(const struct http_fixture *fixture, const char *path);

/* Writes a masked frame to `out`, which needs 14 bytes more than `len`; returns
 * its length. `first` is the first byte: flags and opcode. */
size_t websocket_make_frame(uint8_t *out, unsigned first, const void *data, size_t len);
void websocket_send(int fd, unsigned first, const void *data, size_t len);
void websocket_send_text(int fd, unsigned first, const char *text);

/* Reads one frame of the server, which must not be masked. Returns its first byte
 * (0: the connection ended); `*len` is its length. */
unsigned websocket_read(int fd, uint8_t *data, size_t size, size_t *len);
void websocket_expect_text(int fd, unsigned first, const char *text);
void websocket_expect_close(int fd, unsigned code);

#endif
