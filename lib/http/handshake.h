/* The opening handshake of a WebSocket, server side (RFC 6455 section 4.2). Pure.
 * Private to lib/http. */
#ifndef M4H_HTTP_HANDSHAKE_H
#define M4H_HTTP_HANDSHAKE_H

#include <stdbool.h>

/* 28 characters of base64, and a NUL. */
#define M4H_HANDSHAKE_ACCEPT_MAX 29

/* What the client sent; a header that is missing is NULL or empty. */
struct m4h_http_handshake_offer {
    const char *method;
    bool is_http_1_1;
    const char *upgrade;
    const char *connection;
    const char *key;       /* Sec-WebSocket-Key */
    const char *version;   /* Sec-WebSocket-Version */
    const char *protocols; /* Sec-WebSocket-Protocol, lines joined by commas */
};

struct m4h_http_handshake {
    unsigned status;    /* 101, or that of the refusal */
    const char *detail; /* of the refusal; static */
    char accept[M4H_HANDSHAKE_ACCEPT_MAX];
    const char *subprotocol; /* one of those given */
    bool echo_subprotocol;   /* the client offered it: tell it */
};

/* `subprotocols`: NULL terminated, the default first. The first one that the
 * client offers and we speak is taken; where it offers some and we speak none,
 * the answer is 400. */
void m4h_http_handshake_judge(const struct m4h_http_handshake_offer *offer,
                              const char *const *subprotocols, struct m4h_http_handshake *result);

#endif
