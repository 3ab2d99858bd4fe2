/* What has come in: a bounded queue from the bus's own thread to the owner,
 * with the changes of the connection in order between the messages. What comes
 * in before a connection is announced is held back behind the announcement.
 * Private to lib/bus. The courier owns it. */
#ifndef M4H_BUS_INBOX_H
#define M4H_BUS_INBOX_H

#include "lib/base/attributes.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum m4h_inbox_kind {
    M4H_INBOX_MESSAGE,
    M4H_INBOX_CONNECTED,
    M4H_INBOX_DISCONNECTED,
};

struct m4h_inbox_item {
    enum m4h_inbox_kind kind;
    uint32_t topic; /* of a message */
    uint32_t bytes;
    void *message; /* whoever takes the item owns it */
    uint64_t arrived_us;
};

struct m4h_inbox {
    pthread_mutex_t mutex;
    struct m4h_inbox_item *ring;
    size_t ring_size;
    size_t first;
    size_t count;    /* with those held back */
    size_t shown;    /* how many the owner may take */
    size_t statuses; /* among them */
    size_t max_messages;
    uint64_t bytes;
    uint64_t max_bytes;
    uint64_t received;
    uint64_t dropped;
    bool holding; /* a connection is being set up */
    bool accepting;
    bool woken; /* the owner was asked to come and has not taken all yet */
    bool closed;
    void (*destroy_message)(void *message);
    void (*wake)(void *wake_context);
    void *wake_context;
};

struct m4h_inbox_config {
    uint32_t max_messages;
    uint32_t max_bytes;
    void (*destroy_message)(void *message);
    void (*wake)(void *wake_context);
    void *wake_context;
};

/* M4H_ENOMEM or M4H_ESYSTEM: nothing is left to free. */
M4H_MUST_CHECK int m4h_inbox_init(struct m4h_inbox *inbox, const struct m4h_inbox_config *config);
void m4h_inbox_free(struct m4h_inbox *inbox);

/* ---- the bus's own thread --------------------------------------------------- */

/* Takes the message over, or drops it where there is no room for it. Any thread. */
void m4h_inbox_push(struct m4h_inbox *inbox, uint32_t topic, void *message, uint32_t bytes);

/* A connection is being set up: holds what comes in behind its announcement.
 * M4H_EAGAIN: the owner has left many changes untaken, so it must wait. */
M4H_MUST_CHECK int m4h_inbox_begin(struct m4h_inbox *inbox);
/* The connection is ready: shows the announcement and what was held. */
void m4h_inbox_announce(struct m4h_inbox *inbox);
/* The connection is over. One that was never announced leaves nothing behind. */
void m4h_inbox_end(struct m4h_inbox *inbox);

/* ---- the owner ------------------------------------------------------------- */

/* Moves at most `max` items out; when more are left it wakes the owner again. */
size_t m4h_inbox_take(struct m4h_inbox *inbox, struct m4h_inbox_item *items, size_t max);
void m4h_inbox_stats(struct m4h_inbox *inbox, uint64_t *received, uint64_t *dropped);
/* From here on nothing comes in and `wake` is not called any more. */
void m4h_inbox_close(struct m4h_inbox *inbox);

#endif
