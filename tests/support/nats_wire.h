/* A client that speaks the text protocol of NATS over a plain socket: a witness
 * that shares no code with what is tested. Calls block, for at most 10 s. What
 * goes wrong is said on standard error. One thread. */
#ifndef M4H_TESTS_SUPPORT_NATS_WIRE_H
#define M4H_TESTS_SUPPORT_NATS_WIRE_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M4H_NATS_WIRE_MAX 4096

struct m4h_nats_wire;

/* What a subscription brought; NUL terminated beside the length. */
struct m4h_nats_wire_message {
    char subject[256];
    char reply[256];                     /* "" where there is none */
    char headers[M4H_NATS_WIRE_MAX + 1]; /* as they came, "" where there are none */
    char data[M4H_NATS_WIRE_MAX + 1];
    size_t len; /* of data */
};

/* NULL: no server there. */
struct m4h_nats_wire *m4h_nats_wire_connect(uint16_t port);
/* Accepts NULL. */
void m4h_nats_wire_close(struct m4h_nats_wire *wire);

/* On return the server knows it. */
M4H_MUST_CHECK bool m4h_nats_wire_subscribe(struct m4h_nats_wire *wire, const char *subject);
M4H_MUST_CHECK bool m4h_nats_wire_publish(struct m4h_nats_wire *wire, const char *subject,
                                          const char *text);
/* The next message. */
M4H_MUST_CHECK bool m4h_nats_wire_next(struct m4h_nats_wire *wire,
                                       struct m4h_nats_wire_message *message);

#endif
