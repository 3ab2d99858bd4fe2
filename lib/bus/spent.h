/* Messages that were delivered, until they are freed together. The library frees what
 * came in on a thread of its own, and wakes that where it sleeps: for each message that
 * would cost more than all else that is done with it. Private to lib/bus. One thread. */
#ifndef M4H_BUS_SPENT_H
#define M4H_BUS_SPENT_H

#include <stddef.h>

#define M4H_SPENT_MAX       64
#define M4H_SPENT_BYTES_MAX (64 * 1024)

/* Zeroed but for `destroy_message` at first. */
struct m4h_spent {
    void (*destroy_message)(void *message);
    void *messages[M4H_SPENT_MAX]; /* owned */
    size_t count;
    size_t bytes;
};

/* Owns the message from now on. Frees all where there are too many. */
void m4h_spent_add(struct m4h_spent *spent, void *message, size_t bytes);
void m4h_spent_free(struct m4h_spent *spent);

#endif
