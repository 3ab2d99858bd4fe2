/* The requests that wait for their answer. An id is a slot and the turn it is
 * used for, so a late answer never meets a later request. Every operation is
 * O(1) but for the deadlines, which are a heap. Owner thread only. Private to
 * lib/bus. */
#ifndef M4H_BUS_PENDING_H
#define M4H_BUS_PENDING_H

#include "lib/base/attributes.h"
#include "lib/base/heap.h"
#include "lib/bus/bus.h"

struct m4h_pending_request {
    m4h_bus_on_reply on_reply;
    void *context;
};

struct m4h_pending_slot;

struct m4h_pending {
    struct m4h_pending_slot *slots; /* owned */
    uint32_t slot_count;
    uint32_t touched;   /* slots from here on were never used */
    uint32_t free_slot; /* first of a list, 0: none */
    struct m4h_heap by_deadline;
};

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_pending_init(struct m4h_pending *pending, uint32_t max_requests);
void m4h_pending_free(struct m4h_pending *pending);

/* `*id` is never 0. M4H_EFULL or M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_pending_add(struct m4h_pending *pending,
                                   const struct m4h_pending_request *request, uint64_t deadline_ms,
                                   uint64_t *id);
/* Takes one out. False: there is none by that id. */
bool m4h_pending_take(struct m4h_pending *pending, uint64_t id,
                      struct m4h_pending_request *request);
/* Takes out the one with the earliest deadline, if that is not after `now_ms`. */
bool m4h_pending_take_due(struct m4h_pending *pending, uint64_t now_ms,
                          struct m4h_pending_request *request);
/* The earliest deadline; UINT64_MAX: none. */
uint64_t m4h_pending_next_ms(const struct m4h_pending *pending);
size_t m4h_pending_count(const struct m4h_pending *pending);

#endif
