/* A real nats-server under test: on a free port of the loopback, in a folder of
 * its own. It dies with the process that started it. What goes wrong is said on
 * standard error. One thread. */
#ifndef M4H_TESTS_SUPPORT_NATS_SERVER_H
#define M4H_TESTS_SUPPORT_NATS_SERVER_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_nats_server;

/* Starts one and waits until it accepts clients. NULL: it is not installed, or
 * did not start. */
struct m4h_nats_server *m4h_nats_server_create(bool jetstream);
/* Ends it and removes its folder. Accepts NULL. */
void m4h_nats_server_destroy(struct m4h_nats_server *server);

/* "nats://127.0.0.1:4222"; the same after a restart. */
const char *m4h_nats_server_url(const struct m4h_nats_server *server);
uint16_t m4h_nats_server_port(const struct m4h_nats_server *server);

/* SIGTERM or SIGKILL, and waits for the end. */
void m4h_nats_server_stop(struct m4h_nats_server *server);
void m4h_nats_server_kill(struct m4h_nats_server *server);
/* Starts it again, on the same port, after one of these. */
M4H_MUST_CHECK bool m4h_nats_server_restart(struct m4h_nats_server *server);

/* SIGSTOP and SIGCONT: it keeps its connections and is silent meanwhile. */
void m4h_nats_server_pause(struct m4h_nats_server *server);
void m4h_nats_server_resume(struct m4h_nats_server *server);

#endif
