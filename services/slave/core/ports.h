/* The ports that a slave may open, and which device had which: a device gets the
 * same port again while it is free. Its first choice depends on its key alone,
 * so it tends to be the same on every slave and after a restart. Pure; whether a
 * port can be bound only the owner finds out. */
#ifndef M4H_SLAVE_CORE_PORTS_H
#define M4H_SLAVE_CORE_PORTS_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_ports;

/* Ports min to max, both included. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_ports_create(struct m4h_ports **ports, uint16_t min, uint16_t max);
void m4h_ports_destroy(struct m4h_ports *ports);

/* Chooses a port for a device and takes it. 0: none is free. Prefers the one it
 * had last, then one that nobody had, then any. */
uint16_t m4h_ports_take(struct m4h_ports *ports, const char *client_key, uint64_t now_ms);
/* Takes the very port, if it is in the range and free. */
M4H_MUST_CHECK bool m4h_ports_take_exactly(struct m4h_ports *ports, uint16_t port,
                                           const char *client_key, uint64_t now_ms);
/* Gives a port back; the device stays the one that had it last. */
void m4h_ports_give_back(struct m4h_ports *ports, uint16_t port);
/* A port that was taken turned out to be in use by another program: gives it
 * back, and leaves it alone for a while. */
void m4h_ports_shun(struct m4h_ports *ports, uint16_t port, uint64_t now_ms);

#endif
