/* The thread that owns the connection, with the two queues that lead to it and
 * from it. Private to lib/bus.
 *
 * It opens a link, sends what the outbox holds until the link is over, and
 * opens the next: at once resting 60 to 190 ms, then longer, up to 0.5 to 1.5 s.
 * It ends when the outbox is closed and empty, or the time to empty it is over. */
#ifndef M4H_BUS_COURIER_H
#define M4H_BUS_COURIER_H

#include "lib/base/attributes.h"
#include "lib/bus/bus.h"
#include "lib/bus/inbox.h"
#include "lib/bus/outbox.h"

#include <nats/nats.h>

/* What m4h_courier_stop may take beyond its flush_ms. */
#define M4H_COURIER_GRACE_MS 2500

struct m4h_courier;

/* The topics of what comes in are the subscriptions of `config`, in order, then
 * `reply_subject`. Errors as m4h_bus_create. */
M4H_MUST_CHECK int m4h_courier_start(struct m4h_courier **courier,
                                     const struct m4h_bus_config *config,
                                     const char *reply_subject);

/* Ends it, within flush_ms + M4H_COURIER_GRACE_MS: nothing is delivered and
 * `wake` is not called from here on. A thread that the library holds for longer
 * is left behind; it frees what it needs when it comes back. Accepts NULL. */
void m4h_courier_stop(struct m4h_courier *courier, uint32_t flush_ms);

/* As m4h_bus_leave_queues. */
void m4h_courier_leave_queues(struct m4h_courier *courier);

struct m4h_outbox *m4h_courier_outbox(struct m4h_courier *courier);
struct m4h_inbox *m4h_courier_inbox(struct m4h_courier *courier);
/* The largest payload that the latest server took, bytes. */
uint64_t m4h_courier_max_payload(const struct m4h_courier *courier);
uint64_t m4h_courier_reconnects(const struct m4h_courier *courier);
/* How often the server said that this user may not do something. */
uint64_t m4h_courier_violations(const struct m4h_courier *courier);

#endif
