/* What waits to be sent: a bounded queue from the owner to the bus's own
 * thread, with what wakes that thread. A message stays in it until the link has
 * taken it, so one that was not is the first of the next connection.
 * Private to lib/bus. The courier owns it. */
#ifndef M4H_BUS_OUTBOX_H
#define M4H_BUS_OUTBOX_H

#include "lib/base/attributes.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_outbox_item {
    void *message; /* owned by the outbox once pushed, until it is taken off */
    uint32_t bytes;
    bool keep; /* may wait for the next connection */
};

struct m4h_outbox {
    pthread_mutex_t mutex;
    int wake_fd;   /* an eventfd that wakes the thread */
    bool sleeping; /* the thread wants to be woken for a message */
    struct m4h_outbox_item *ring;
    size_t first;
    size_t count;
    size_t max_count;
    uint64_t bytes;
    uint64_t max_bytes;
    uint64_t sent;
    uint64_t dropped;
    void (*destroy_message)(void *message);
    bool closing;
    uint64_t close_by_ms;
};

/* What the thread finds when it looks. */
struct m4h_outbox_view {
    size_t count;
    bool closing;
    uint64_t close_by_ms; /* while closing */
};

/* M4H_ENOMEM or M4H_ESYSTEM: nothing is left to free. */
M4H_MUST_CHECK int m4h_outbox_init(struct m4h_outbox *outbox, uint32_t max_count,
                                   uint32_t max_bytes, void (*destroy_message)(void *));
void m4h_outbox_free(struct m4h_outbox *outbox);

/* ---- the owner ------------------------------------------------------------ */

/* M4H_EFULL: the item is still the caller's. The thread sees it when it looks next:
 * m4h_outbox_wake makes it look now. */
M4H_MUST_CHECK int m4h_outbox_push(struct m4h_outbox *outbox, const struct m4h_outbox_item *item);
void m4h_outbox_wake(struct m4h_outbox *outbox);
/* Counts a message that was refused before it came here. */
void m4h_outbox_count_refusal(struct m4h_outbox *outbox);
/* Tells the thread to end once all is sent, at the latest at `close_by_ms`. */
void m4h_outbox_close(struct m4h_outbox *outbox, uint64_t close_by_ms);

void m4h_outbox_stats(struct m4h_outbox *outbox, uint64_t *sent, uint64_t *dropped,
                      uint32_t *queued);

/* ---- the bus's own thread -------------------------------------------------- */

/* When this finds nothing, the next m4h_outbox_wake or the closing writes to `wake_fd`. */
struct m4h_outbox_view m4h_outbox_look(struct m4h_outbox *outbox);
/* Waits until `until_ms`, but no longer than the closing leaves time for; not at
 * all when it is closed and empty. */
struct m4h_outbox_view m4h_outbox_rest(struct m4h_outbox *outbox, uint64_t until_ms);
/* Copies the first items, at most `max`, which stay in the queue. Only the
 * thread takes off, so they stay valid until it does. */
size_t m4h_outbox_peek(struct m4h_outbox *outbox, struct m4h_outbox_item *items, size_t max);
/* Takes the first `count` off; `dropped` of them were not sent. */
void m4h_outbox_take_off(struct m4h_outbox *outbox, size_t count, size_t dropped);
/* Destroys all that may not wait for another connection. */
void m4h_outbox_drop_fresh(struct m4h_outbox *outbox);

#endif
