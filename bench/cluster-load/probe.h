/* How long until REST shows what a slave said: a device connects at a known moment, and
 * GET /v1/tunnels/{key} is asked again and again over one connection until it is 200. Between two
 * of them the same question about a tunnel that is shown gives the round trip alone. It shares
 * the loop of the fleet, whose events it does not know. */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include "lib/net/loop.h"

struct probe;

/* `gateway` is HOST:PORT. `connect` makes a device connect and writes its client key
 * (M4H_CLIENT_KEY_MAX + 1 bytes). What goes wrong here ends the program with a line on standard
 * error. */
struct probe *probe_start(struct m4h_loop *loop, const char *gateway, unsigned samples,
                          void (*connect)(void *context, char *client_key),
                          void (*done)(void *context), void *context);
/* Legal in `done`, which comes once, after the line of JSON. Accepts NULL. */
void probe_close(struct probe *probe);

#endif
