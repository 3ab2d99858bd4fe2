/* The seats of a region: how full each slave is, and who gets the next device. The one
 * with the least (tunnels + reservations) / (capacity x weight) comes first; ties go to
 * the lower slave id, so the answer never depends on the order of arrival. O(log n) per
 * change, whatever the number of tunnels.
 *
 * A slave that has had its share of a second rests until it may have the next device;
 * among those with room it comes after all that do not rest.
 *
 * A seat is embedded in whatever the owner keeps of the slave, and lies in the heaps of
 * its region while it is taken. Seats know nothing of other regions, nor of why one is
 * open or closed: dispatch.h chooses. Pure; one thread. */
#ifndef M4H_MASTER_SEATS_H
#define M4H_MASTER_SEATS_H

#include "lib/base/attributes.h"
#include "lib/base/heap.h"
#include "services/master/core/pacing.h"
#include "services/master/core/reservations.h"

#include <stdbool.h>

/* What a slave gets at once when it has rested, in milliseconds of its pace. */
#define M4H_SEAT_BURST_MS 2000u
/* In percent; more counts as so much. */
#define M4H_SEAT_WEIGHT_MAX 1000u

struct m4h_seats {
    struct m4h_heap all;       /* those that may be picked first */
    struct m4h_heap resting;   /* of them, by rests_until_ms */
    uint64_t slots_per_second; /* of all that are open */
};

/* A slave as dispatch sees it. Zeroed while it is not taken. */
struct m4h_seat {
    struct m4h_heap_node node;
    struct m4h_seats *seats; /* where it is; NULL: it is not taken */
    struct m4h_reserved reserved;
    const char *slave_id; /* borrowed from the owner */
    uint32_t tunnels;
    uint32_t capacity;
    uint32_t weight;           /* percent */
    uint32_t slots_per_second; /* that it can take; 0: any number */
    bool open;                 /* takes devices at all */
    struct m4h_pacing pacing;
    struct m4h_heap_node rest; /* in the heap of those that rest */
    uint64_t rests_until_ms;
};

/* What the slave has now, what it can take, and whether it takes devices. */
struct m4h_seat_state {
    uint32_t tunnels;
    uint32_t capacity;
    uint32_t weight; /* percent; 0 is 100 */
    uint32_t slots_per_second;
    bool open;
};

void m4h_seats_init(struct m4h_seats *seats);
/* All seats must have been left, or are never used again. */
void m4h_seats_free(struct m4h_seats *seats);

/* Takes a seat, closed. `slave_id` must live as long as it is taken. M4H_ENOMEM: it is
 * not taken. */
M4H_MUST_CHECK int m4h_seat_take(struct m4h_seat *seat, struct m4h_seats *seats,
                                 const char *slave_id);
/* Its reservations must have been ended. */
void m4h_seat_free(struct m4h_seat *seat);
void m4h_seat_set(struct m4h_seat *seat, const struct m4h_seat_state *state);
/* To be called when the reservations there have become more or fewer. */
void m4h_seat_reserved(struct m4h_seat *seat);
/* A slot was given there: counts for the pace of the slave, which may have to rest. Where
 * there is no memory for that it does not rest. */
void m4h_seat_gave(struct m4h_seat *seat, uint64_t now_ms);

bool m4h_seat_has_room(const struct m4h_seat *seat);
bool m4h_seat_rests(const struct m4h_seat *seat);
/* How full it is, in millionths of its share, which may be more than a million. It must
 * have room. */
uint64_t m4h_seat_load(const struct m4h_seat *seat);
/* True where `a` comes before `b`, which both have room and do not rest. */
bool m4h_seat_is_emptier(const struct m4h_seat *a, const struct m4h_seat *b);

/* Ends the rest of those that have rested; UINT64_MAX: of all. */
void m4h_seats_wake(struct m4h_seats *seats, uint64_t now_ms);
/* The seat that is next, which rests where all with room do; NULL: none has room. */
struct m4h_seat *m4h_seats_first(const struct m4h_seats *seats);
/* How long the first one rests still; 0: it does not. There must be one. */
uint64_t m4h_seats_rest_ms(const struct m4h_seats *seats, uint64_t now_ms);

#endif
