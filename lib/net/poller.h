/* Shared by lib/net's loop.c and watch.c only: the epoll set in which all watches of
 * a loop stand. The loop itself watches this one descriptor. On the loop's thread. */
#ifndef M4H_NET_POLLER_H
#define M4H_NET_POLLER_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

struct m4h_poller;
struct m4h_watch;

/* M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_poller_create(struct m4h_poller **poller, struct m4h_loop *loop);
/* All watches must have been closed. Freed by the loop. Accepts NULL. */
void m4h_poller_close(struct m4h_poller *poller);

/* The loop's own, made with the first watch; NULL: it could not be made. */
struct m4h_poller *m4h_loop_poller(struct m4h_loop *loop);

#endif
