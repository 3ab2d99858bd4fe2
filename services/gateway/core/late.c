/* Events that came by the bus just after the feed began to follow the stream. */
#include "services/gateway/core/late.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

static struct m4h_event *take(struct m4h_gateway_late *late, size_t at)
{
    struct m4h_event *event = late->events[at];

    late->count--;
    memmove(&late->events[at], &late->events[at + 1], (late->count - at) * sizeof(late->events[0]));
    return event;
}

void m4h_gateway_late_free(struct m4h_gateway_late *late)
{
    while (late->count > 0)
        free(take(late, late->count - 1));
}

int m4h_gateway_late_add(struct m4h_gateway_late *late, const struct m4h_event *event)
{
    struct m4h_event *copy;

    if (late->count == M4H_GATEWAY_LATE_MAX)
        return M4H_EFULL;
    copy = malloc(sizeof(*copy));
    if (copy == NULL)
        return M4H_ENOMEM;
    *copy = *event;
    late->events[late->count++] = copy;
    return 0;
}

void m4h_gateway_late_drop(struct m4h_gateway_late *late, const char *event_id)
{
    for (size_t at = 0; at < late->count; at++) {
        if (strcmp(late->events[at]->event_id, event_id) == 0) {
            free(take(late, at));
            return;
        }
    }
}

struct m4h_event *m4h_gateway_late_take(struct m4h_gateway_late *late)
{
    return late->count > 0 ? take(late, 0) : NULL;
}
