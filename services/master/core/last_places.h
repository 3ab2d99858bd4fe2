/* Where each device was last: its first port, so that it gets the same one at another
 * slave, and the slave, so that it may go back there. A cache of fixed size: devices may push each
 * other out, and then there is one fact less. Pure; one thread. */
#ifndef M4H_MASTER_LAST_PLACES_H
#define M4H_MASTER_LAST_PLACES_H

#include "lib/base/attributes.h"

#include <stdint.h>

/* Devices that it can hold at most: 8 bytes each, taken as they come. */
#define M4H_LAST_PLACES_BITS 20u

/* Slaves have numbers below this. */
#define M4H_LAST_PLACES_SLAVES 4096u

struct m4h_last_places {
    uint64_t *slots; /* owned */
    uint64_t seed;
};

struct m4h_last_place {
    uint16_t port;  /* 0: not known */
    uint16_t slave; /* its number; another slave's where that one has been forgotten */
};

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_last_places_init(struct m4h_last_places *places, uint64_t seed);
/* Accepts a zeroed one. */
void m4h_last_places_free(struct m4h_last_places *places);
/* `port` is not 0. */
void m4h_last_places_set(struct m4h_last_places *places, const char *client_key, uint16_t port,
                         uint16_t slave);
/* All 0 where it is not known. */
struct m4h_last_place m4h_last_places_find(const struct m4h_last_places *places,
                                           const char *client_key);

#endif
