/* Which slave should a device connect to: the first seat of the region that was asked for
 * (seats.h), else of the first of its fallbacks with room, at the pace that the region may
 * go; and the room is kept until the device comes.
 *
 * A slave gets no more in a second than it can take: one that has had its share
 * rests, and the next emptiest gets the device. So one that comes back empty is filled
 * smoothly, and a region's pace is that of its slaves together.
 *
 * Pure; one thread. */
#ifndef M4H_MASTER_DISPATCH_H
#define M4H_MASTER_DISPATCH_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "services/master/core/fallback.h"
#include "services/master/core/seats.h"

struct m4h_dispatch;

/* The pace of slots is what the slaves can take. */
#define M4H_DISPATCH_AUTO (-1)
/* No reservation that another master tells of lasts longer. */
#define M4H_DISPATCH_SHARED_MAX_MS 600000u

struct m4h_dispatch_config {
    uint32_t reservation_ms; /* 0: no reservations */
    /* M4H_DISPATCH_AUTO; 0: no limit of any kind; else, besides what the slaves can
     * take, of each region, a second's worth at once. */
    int32_t slots_per_second;
    /* A device goes to the slave that it had last where that is fuller than the
     * emptiest one by no more than this, in percent of its capacity. 0: never so. */
    uint32_t sticky_band;
    struct m4h_fallback fallback;
};

struct m4h_dispatch_stats {
    uint64_t slots;
    uint64_t no_capacity;
    uint64_t throttled;
    uint64_t kept;   /* slots at the slave that the device had last, which was not the emptiest */
    uint64_t shared; /* slots that other masters gave */
    uint64_t reservations_used;
    uint64_t reservations_expired;
    uint64_t reservations_cut_short; /* by their bound, or by a newer request */
    size_t reservations;
};

/* `*dispatch` is NULL on error: M4H_ENOMEM. Copies `config`; `seed` is of tables by name. */
M4H_MUST_CHECK int m4h_dispatch_create(struct m4h_dispatch **dispatch,
                                       const struct m4h_dispatch_config *config, uint64_t seed);
/* All of it but the time of reservations, from now on. */
void m4h_dispatch_set_config(struct m4h_dispatch *dispatch,
                             const struct m4h_dispatch_config *config);
/* Devices go back where they were: m4h_dispatch_pick wants to know where that is. */
bool m4h_dispatch_is_sticky(const struct m4h_dispatch *dispatch);
/* All seats must have left, or are never used again. Accepts NULL. */
void m4h_dispatch_destroy(struct m4h_dispatch *dispatch);

/* Gives a slave its seat, closed. M4H_ENOMEM, or M4H_EFULL (M4H_REGIONS_MAX
 * regions). `slave_id` must live as long as the seat is taken. */
M4H_MUST_CHECK int m4h_seat_join(struct m4h_dispatch *dispatch, struct m4h_seat *seat,
                                 const char *slave_id, const char *region);
/* Ends the slave's reservations too. Does nothing when it has no seat. */
void m4h_seat_leave(struct m4h_dispatch *dispatch, struct m4h_seat *seat);
/* A device has arrived there: a reservation is used up. */
void m4h_seat_arrived(struct m4h_dispatch *dispatch, struct m4h_seat *seat, const char *client_key);
/* Ends the reservations there; their devices will not come. */
void m4h_seat_forget_reservations(struct m4h_dispatch *dispatch, struct m4h_seat *seat);

/* Another master gave a slot there, which its device has `remaining_ms` to use; 0:
 * no room is kept. A reservation that the device had ends. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_seat_given(struct m4h_dispatch *dispatch, struct m4h_seat *seat,
                                  const char *client_key, uint32_t remaining_ms, uint64_t now_ms);
/* Whether room is kept for that device. */
bool m4h_dispatch_has_reserved(const struct m4h_dispatch *dispatch, const char *client_key);
/* Another master took back what the device had. */
void m4h_dispatch_taken_back(struct m4h_dispatch *dispatch, const char *client_key);

/* Picks a seat and reserves it, or returns NULL and fills `problem`. `last` is the
 * seat where the device was last, or NULL:
 *   THROTTLED    the region gives no more slots this second. Its fallbacks are
 *                not asked: a storm must not spill from region to region.
 *   NO_CAPACITY  no slave of the region, nor of its fallbacks, has room; also
 *                where the region is not known, since a region whose slaves
 *                are all away looks the same and the device should try again.
 *   INTERNAL     no memory.
 * Both advices to try again are spread by `random`, so that a crowd does not
 * come back at once. */
struct m4h_seat *m4h_dispatch_pick(struct m4h_dispatch *dispatch,
                                   const struct m4h_dispatch_request *request,
                                   struct m4h_seat *last, uint64_t now_ms, uint64_t random,
                                   struct m4h_problem *problem);

/* Ends reservations whose time is over. */
void m4h_dispatch_expire(struct m4h_dispatch *dispatch, uint64_t now_ms);

/* When m4h_dispatch_expire must be called; UINT64_MAX: no need. */
uint64_t m4h_dispatch_next_ms(const struct m4h_dispatch *dispatch);

void m4h_dispatch_stats(const struct m4h_dispatch *dispatch, struct m4h_dispatch_stats *stats);

#endif
