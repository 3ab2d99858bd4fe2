/* A list of events, each with no more than its type needs. */
#include "services/master/core/kept_events.h"

#include "services/master/core/cluster.h"

#include <stdlib.h>
#include <string.h>

static struct m4h_kept_event *make(struct m4h_label_sets *labels, const struct m4h_event *event)
{
    bool is_disconnect = event->type == M4H_EVENT_DISCONNECT;
    size_t key_size = is_disconnect ? strlen(event->as.disconnect.client_key) + 1 : 0;
    struct m4h_kept_event *made = calloc(1, sizeof(*made) + key_size);

    if (made == NULL)
        return NULL;
    made->seq = event->seq;
    made->type = event->type;
    if (is_disconnect) {
        made->tunnel_id = event->as.disconnect.tunnel_id;
        memcpy(made->client_key, event->as.disconnect.client_key, key_size);
    }
    if (event->type == M4H_EVENT_CONNECT) {
        made->entry = m4h_entry_create(labels, &event->as.connect);
        if (made->entry == NULL) {
            free(made);
            return NULL;
        }
    }
    return made;
}

bool m4h_kept_events_add(struct m4h_kept_events *kept, struct m4h_label_sets *labels,
                         const struct m4h_event *event)
{
    struct m4h_kept_event *made =
        kept->count < M4H_MASTER_KEPT_EVENTS_MAX ? make(labels, event) : NULL;

    if (made == NULL)
        return false;
    if (kept->last != NULL)
        kept->last->next = made;
    else
        kept->first = made;
    kept->last = made;
    kept->count++;
    return true;
}

void m4h_kept_events_free(struct m4h_kept_events *kept)
{
    while (kept->first != NULL) {
        struct m4h_kept_event *next = kept->first->next;

        m4h_entry_destroy(kept->first->entry);
        free(kept->first);
        kept->first = next;
    }
    *kept = (struct m4h_kept_events){0};
}
