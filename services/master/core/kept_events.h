/* The events of one slave that come while its snapshot is under way, oldest first: what is
 * needed to apply them again on top of it. Bounded. Pure; one thread. */
#ifndef M4H_MASTER_KEPT_EVENTS_H
#define M4H_MASTER_KEPT_EVENTS_H

#include "lib/base/attributes.h"
#include "services/master/core/tunnel_index.h"

struct m4h_kept_event {
    struct m4h_kept_event *next;
    uint64_t seq;
    enum m4h_event_type type;
    struct m4h_entry *entry; /* of a connect; owned; who takes it leaves NULL */
    uint64_t tunnel_id;      /* of a disconnect, with client_key */
    char client_key[];
};

/* Zeroed at first. */
struct m4h_kept_events {
    struct m4h_kept_event *first; /* owned */
    struct m4h_kept_event *last;
    size_t count;
};

/* `labels` as for m4h_entry_create. False: there are M4H_MASTER_KEPT_EVENTS_MAX already, or no
 * memory; it is not kept. */
M4H_MUST_CHECK bool m4h_kept_events_add(struct m4h_kept_events *kept, struct m4h_label_sets *labels,
                                        const struct m4h_event *event);
/* Frees all; it may be used again after. */
void m4h_kept_events_free(struct m4h_kept_events *kept);

#endif
