/* Asks the server whether it is there: a ping, and a thread that waits for the
 * pong. The library has no way to ask without waiting. Owned and used by the
 * bus's own thread. Private to lib/bus. */
#ifndef M4H_BUS_PROBE_H
#define M4H_BUS_PROBE_H

#include "lib/base/attributes.h"

#include <nats/nats.h>
#include <stdint.h>

struct m4h_probe;

enum m4h_probe_state {
    M4H_PROBE_ANSWERED, /* the latest one was, or there was none */
    M4H_PROBE_UNDER_WAY,
    M4H_PROBE_FAILED,
};

/* `wake_fd`, an eventfd, is written to when an answer comes. M4H_ENOMEM or
 * M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_probe_start(struct m4h_probe **probe, natsConnection *connection,
                                   int wake_fd);
/* Ends the thread; the connection must be closed, or this waits for the answer.
 * Accepts NULL. */
void m4h_probe_stop(struct m4h_probe *probe);

/* An answer also says that the server has taken all that was sent before.
 * Does nothing while one is under way. */
void m4h_probe_ask(struct m4h_probe *probe, uint64_t timeout_ms);
enum m4h_probe_state m4h_probe_state(struct m4h_probe *probe);

#endif
