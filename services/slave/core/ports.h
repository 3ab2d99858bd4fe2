/* The ports that a slave may open, and which device gets which: the same again
 * while its lease holds (core/leases.h). The first choice of a new one depends on
 * its key alone, so it tends to be the same on every slave. Pure; whether a port
 * can be bound only the owner finds out. */
#ifndef M4H_SLAVE_CORE_PORTS_H
#define M4H_SLAVE_CORE_PORTS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "services/slave/core/leases.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_ports;

struct m4h_port_wish {
    const char *client_key;
    uint16_t port; /* the very one; or, where any will do, the one to try first, or 0 */
    const struct m4h_port_range *ranges; /* where any will do: those before all others */
    uint8_t range_count;
    uint64_t lease_ms; /* a device that is away for less keeps its port */
};

/* Ports min to max, both included. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_ports_create(struct m4h_ports **ports, uint16_t min, uint16_t max);
/* Accepts NULL. */
void m4h_ports_destroy(struct m4h_ports *ports);

/* Chooses a port for a device and takes it. 0: none is free. In this order: the
 * one to try first; one that the device had; one that is nobody's, or whose
 * holder is away for too long; that whose holder is away for longest. Where there
 * are ranges, first in this order among their ports, but for the last. */
uint16_t m4h_ports_take(struct m4h_ports *ports, const struct m4h_port_wish *wish, uint64_t now_ms);
/* Takes the very port. M4H_EINVALID (out of the range), M4H_EEXIST (in use),
 * M4H_EUNAVAILABLE (kept for another device), M4H_EAGAIN (shunned). */
M4H_MUST_CHECK int m4h_ports_take_exactly(struct m4h_ports *ports, const struct m4h_port_wish *wish,
                                          uint64_t now_ms);
/* Gives a port back; the device keeps its lease from now on. */
void m4h_ports_give_back(struct m4h_ports *ports, uint16_t port, uint64_t now_ms);
/* A port that was taken turned out to be in use by another program: gives it
 * back, and leaves it alone for a while. */
void m4h_ports_shun(struct m4h_ports *ports, uint16_t port, uint64_t now_ms);

/* Who had what; for keeping it, as the ports are. */
struct m4h_leases *m4h_ports_leases(struct m4h_ports *ports);

#endif
