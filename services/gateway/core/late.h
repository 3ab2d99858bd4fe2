/* Events that came by the bus just after the feed began to follow the stream. Pure; memory for what
 * is in it only.
 *
 * Most of them come from the stream as well, soon before or after. One that does not was stored
 * before the place where the feed began, and reached this server by the bus later than the answer
 * that told of that place. So each is held until the stream has brought it, or the moment is
 * over. */
#ifndef M4H_GATEWAY_LATE_H
#define M4H_GATEWAY_LATE_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stdbool.h>
#include <stddef.h>

#define M4H_GATEWAY_LATE_MAX 256u

/* Zeroed at first. */
struct m4h_gateway_late {
    struct m4h_event *events[M4H_GATEWAY_LATE_MAX]; /* oldest first */
    size_t count;
};

void m4h_gateway_late_free(struct m4h_gateway_late *late);

/* Holds a copy. M4H_EFULL, M4H_ENOMEM: it is not held. */
M4H_MUST_CHECK int m4h_gateway_late_add(struct m4h_gateway_late *late,
                                        const struct m4h_event *event);
/* The stream has brought it. */
void m4h_gateway_late_drop(struct m4h_gateway_late *late, const char *event_id);
/* Takes out the oldest one, to be freed by the caller; NULL: there is none. */
struct m4h_event *m4h_gateway_late_take(struct m4h_gateway_late *late);

#endif
