/* The first port of each device where it was last, so that it gets the same one at
 * another slave. A cache of fixed size: devices may push each other out, and then there
 * is one fact less. Pure; one thread. */
#ifndef M4H_MASTER_LAST_PORTS_H
#define M4H_MASTER_LAST_PORTS_H

#include "lib/base/attributes.h"

#include <stdint.h>

/* Devices that it can hold at most: 8 bytes each, taken as they come. */
#define M4H_LAST_PORTS_BITS 20u

struct m4h_last_ports {
    uint64_t *slots; /* owned */
    uint64_t seed;
};

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_last_ports_init(struct m4h_last_ports *ports, uint64_t seed);
/* Accepts a zeroed one. */
void m4h_last_ports_free(struct m4h_last_ports *ports);
/* `port` is not 0. */
void m4h_last_ports_set(struct m4h_last_ports *ports, const char *client_key, uint16_t port);
/* 0: not known. */
uint16_t m4h_last_ports_find(const struct m4h_last_ports *ports, const char *client_key);

#endif
