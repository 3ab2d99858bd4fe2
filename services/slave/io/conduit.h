/* Carries bytes both ways between a connection and a channel, with back-pressure.
 *
 * Embedded in its owner, who has the policies: relay.c carries an operator to a device,
 * visit.c an operator, who has come by SSH, to a device by its name. "Sent" is towards
 * the channel. What the owner does about the end is its own; a conduit is over once both
 * sides have ended and all is through, or either is broken. Worker thread only. */
#ifndef M4H_SLAVE_IO_CONDUIT_H
#define M4H_SLAVE_IO_CONDUIT_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_connection;
struct m4h_ssh_channel_handler;
struct m4h_ssh_channel;
struct m4h_worker;

struct m4h_conduit_handler {
    /* How many bytes may be sent now, as far as the owner cares; may be NULL. After a 0
     * nothing is, until m4h_conduit_resume. */
    size_t (*on_ask)(void *context);
    /* So many bytes were taken by the channel, or by the connection. on_received runs in
     * the middle of the SSH library: it must not call lib/ssh, but to pause a session. */
    void (*on_sent)(void *context, size_t len);
    void (*on_received)(void *context, size_t len);
    /* The channel's peer has agreed to open it. May be NULL. */
    void (*on_open)(void *context);
    /* It is over: m4h_conduit_close is all that is left. */
    void (*on_over)(void *context);
};

/* Read by the owner, changed in conduit.c only. */
struct m4h_conduit {
    struct m4h_worker *worker;
    const struct m4h_conduit_handler *handler;
    void *context;
    struct m4h_connection *connection; /* owned */
    struct m4h_ssh_channel *channel;   /* owned; NULL: its peer has closed its side */
    bool is_open;                      /* the channel has been */
    unsigned refusal;                  /* why it was not: see m4h_ssh_channel_refusal */
    bool connection_ended;             /* it sends no more */
    bool channel_ended;
    bool answered;  /* something has come through the channel */
    bool throttled; /* the connection is not read: the owner allows nothing */
    bool stalled;   /* data was left in the channel */
    bool taking;    /* what was left is being handed over: take all */
    size_t rest_len;
    uint8_t *rest; /* owned: bytes that the channel has not taken */
};

/* For m4h_ssh_channel_open and m4h_ssh_open_accept, with the conduit as the context. */
extern const struct m4h_ssh_channel_handler m4h_conduit_channel_handler;

/* Takes over `fd`, also when it fails: M4H_ENOMEM, M4H_ESYSTEM; the conduit is then as
 * one that is closed. Nothing is read before there is a channel. */
M4H_MUST_CHECK int m4h_conduit_start(struct m4h_conduit *conduit, struct m4h_worker *worker, int fd,
                                     const struct m4h_conduit_handler *handler, void *context);
/* Goes out first, before the channel is open. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_conduit_put_first(struct m4h_conduit *conduit, const void *data, size_t len);
/* Its channel, which it owns from now on: `is_open`, or being opened. */
void m4h_conduit_join(struct m4h_conduit *conduit, struct m4h_ssh_channel *channel, bool is_open);
/* The owner allows more to be sent. */
void m4h_conduit_resume(struct m4h_conduit *conduit);
/* Closes both sides. Harmless when it was closed. Legal in its callbacks, but for
 * on_received. */
void m4h_conduit_close(struct m4h_conduit *conduit);

#endif
