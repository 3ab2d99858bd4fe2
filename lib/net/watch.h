/* Watches a file descriptor that somebody else owns for being readable or
 * writable, level-triggered. */
#ifndef M4H_NET_WATCH_H
#define M4H_NET_WATCH_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

#include <stdbool.h>

struct m4h_watch;

enum {
    M4H_WATCH_READ = 1,
    M4H_WATCH_WRITE = 2,
    M4H_WATCH_END = 4, /* the peer of a socket sends nothing any more, read or not what it sent */
    M4H_WATCH_HANGUP = 8, /* beside or without the others: it takes nothing either */
};

/* Begins to watch for `events` (may be 0). `on_event` gets the events that
 * befell; an error or hang-up of the descriptor is told as READ and WRITE, so that
 * the next read or write finds it; while 0 is watched for, nothing is told. Makes
 * the descriptor non-blocking. M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_watch_start(struct m4h_watch **watch, struct m4h_loop *loop, int fd,
                                   unsigned events,
                                   void (*on_event)(void *context, unsigned events), void *context);
/* Changes what is watched for; costs nothing when it stays the same. */
void m4h_watch_set(struct m4h_watch *watch, unsigned events);
/* No callback any more, and the descriptor may be closed as soon as this
 * returns. Legal in its own callback and in those of others. Accepts NULL. */
void m4h_watch_close(struct m4h_watch *watch);

#endif
