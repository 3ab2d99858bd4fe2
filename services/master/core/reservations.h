/* Slots that were given out and whose devices have not arrived yet. Each counts
 * as a tunnel of its slave until the device connects or its time is over. Pure;
 * one thread. */
#ifndef M4H_MASTER_RESERVATIONS_H
#define M4H_MASTER_RESERVATIONS_H

#include "lib/base/attributes.h"
#include "lib/base/heap.h"
#include "services/master/core/name_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Beyond this many those that would end next end early. */
#define M4H_RESERVATIONS_MAX (1u << 18)

struct m4h_reservation;

/* The reservations at one slave; embedded in its seat, zeroed at first. */
struct m4h_reserved {
    struct m4h_reservation *anonymous; /* oldest first */
    struct m4h_reservation *named;
    uint32_t count;
};

struct m4h_reservations {
    struct m4h_reservation
        *queue;            /* the one that ends first comes first; its previous is the last */
    struct m4h_heap early; /* those that end before others that came before them */
    struct m4h_name_table names;
    size_t count;
    uint64_t used;
    uint64_t expired;
    uint64_t cut_short; /* ended early by the bound, or by a newer request of the same device */
};

/* M4H_ENOMEM: nothing is owned, and free is needless. */
M4H_MUST_CHECK int m4h_reservations_init(struct m4h_reservations *all, uint64_t seed);
/* Ends all; the slaves' lists must not be used any more. Accepts a zeroed one. */
void m4h_reservations_free(struct m4h_reservations *all);

/* `client_key` "": not known. One that the device has already must have been
 * taken back before. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_reservations_add(struct m4h_reservations *all, struct m4h_reserved *at,
                                        const char *client_key, uint64_t expires_ms);

/* The device has arrived at `at`: uses up its own reservation, wherever it is,
 * else the oldest one at `at` that has no name. Returns where it was, or NULL. */
struct m4h_reserved *m4h_reservations_use(struct m4h_reservations *all, struct m4h_reserved *at,
                                          const char *client_key);
bool m4h_reservations_has(const struct m4h_reservations *all, const char *client_key);
/* Ends the reservation of a device, if it has one. Returns where it was, or NULL. */
struct m4h_reserved *m4h_reservations_take_back(struct m4h_reservations *all,
                                                const char *client_key);
/* Ends one whose time is over, or the next while there are too many. Returns
 * where it was; NULL: there is none (any more). */
struct m4h_reserved *m4h_reservations_expire(struct m4h_reservations *all, uint64_t now_ms);
/* When the next one expires; UINT64_MAX: there is none. */
uint64_t m4h_reservations_next_ms(const struct m4h_reservations *all);
/* Ends all at one slave. */
void m4h_reservations_drop(struct m4h_reservations *all, struct m4h_reserved *at);

#endif
