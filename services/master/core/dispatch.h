/* Which slave should a device connect to: the one with the least (tunnels +
 * reservations) / capacity in the region; ties go to the lower slave id, so the
 * answer never depends on the order of arrival. A heap per region: O(log n) per
 * change and per answer, whatever the number of tunnels.
 *
 * Each slave has a seat here, embedded in whatever the owner keeps of the slave.
 * Pure; one thread. */
#ifndef M4H_MASTER_DISPATCH_H
#define M4H_MASTER_DISPATCH_H

#include "lib/base/attributes.h"
#include "lib/base/heap.h"
#include "lib/base/model.h"
#include "services/master/core/fallback.h"
#include "services/master/core/reservations.h"

struct m4h_dispatch;
struct m4h_dispatch_region;

struct m4h_dispatch_config {
    uint32_t reservation_ms;   /* 0: no reservations */
    uint32_t slots_per_second; /* of each region, a second's worth at once; 0: no limit */
    struct m4h_fallback fallback;
};

/* A slave as dispatch sees it. Zeroed while it has not joined. */
struct m4h_seat {
    struct m4h_heap_node node;
    struct m4h_dispatch_region *region;
    struct m4h_reserved reserved;
    const char *slave_id; /* borrowed from the owner */
    uint32_t tunnels;
    uint32_t capacity;
    bool open; /* takes devices at all */
};

struct m4h_dispatch_stats {
    uint64_t slots;
    uint64_t no_capacity;
    uint64_t throttled;
    uint64_t reservations_used;
    uint64_t reservations_expired;
    uint64_t reservations_cut_short; /* by their bound, or by a newer request */
    size_t reservations;
};

/* `*dispatch` is NULL on error: M4H_ENOMEM. Copies `config`. */
M4H_MUST_CHECK int m4h_dispatch_create(struct m4h_dispatch **dispatch,
                                       const struct m4h_dispatch_config *config);
/* Another pace and other fallbacks from now on. The time of reservations stays: they
 * end in the order in which they were made. */
void m4h_dispatch_set_config(struct m4h_dispatch *dispatch,
                             const struct m4h_dispatch_config *config);
/* All seats must have left, or are never used again. Accepts NULL. */
void m4h_dispatch_destroy(struct m4h_dispatch *dispatch);

/* Gives a slave its seat, closed. M4H_ENOMEM, or M4H_EFULL (M4H_REGIONS_MAX
 * regions). `slave_id` must live as long as the seat is taken. */
M4H_MUST_CHECK int m4h_seat_join(struct m4h_dispatch *dispatch, struct m4h_seat *seat,
                                 const char *slave_id, const char *region);
/* Ends the slave's reservations too. Does nothing when it has no seat. */
void m4h_seat_leave(struct m4h_dispatch *dispatch, struct m4h_seat *seat);
/* What the slave has now, and whether it takes devices. */
void m4h_seat_set(struct m4h_seat *seat, uint32_t tunnels, uint32_t capacity, bool open);
/* A device has arrived there: a reservation is used up. */
void m4h_seat_arrived(struct m4h_dispatch *dispatch, struct m4h_seat *seat, const char *client_key);
/* Ends the reservations there; their devices will not come. */
void m4h_seat_forget_reservations(struct m4h_dispatch *dispatch, struct m4h_seat *seat);

/* Picks a seat and reserves it, or returns NULL and fills `problem`:
 *   THROTTLED    the region gives no more slots this second. Its fallbacks are
 *                not asked: a storm must not spill from region to region.
 *   NO_CAPACITY  no slave of the region, nor of its fallbacks, has room; also
 *                where the region is not known, since a region whose slaves
 *                are all away looks the same and the device should try again.
 *   INTERNAL     no memory.
 * Both advices to try again are spread by `random`, so that a crowd does not
 * come back at once. */
struct m4h_seat *m4h_dispatch_pick(struct m4h_dispatch *dispatch,
                                   const struct m4h_dispatch_request *request, uint64_t now_ms,
                                   uint64_t random, struct m4h_problem *problem);

/* Ends reservations whose time is over. */
void m4h_dispatch_expire(struct m4h_dispatch *dispatch, uint64_t now_ms);

/* When m4h_dispatch_expire must be called; UINT64_MAX: no need. */
uint64_t m4h_dispatch_next_ms(const struct m4h_dispatch *dispatch);

void m4h_dispatch_stats(const struct m4h_dispatch *dispatch, struct m4h_dispatch_stats *stats);

#endif
