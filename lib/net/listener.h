/* Accepts connections on a listening socket. */
#ifndef M4H_NET_LISTENER_H
#define M4H_NET_LISTENER_H

#include "lib/base/address.h"
#include "lib/base/attributes.h"
#include "lib/net/loop.h"

struct m4h_listener;

/* A new connection: non-blocking, close-on-exec; the callee owns `fd`. `peer`
 * is its address as text, valid during the call. May close the listener. */
typedef void (*m4h_listener_on_accept)(void *context, int fd, const char *peer);

/* Begins to accept on `fd`, which it owns from now on, also when it fails:
 * M4H_ENOMEM, M4H_ESYSTEM. Where the process runs out of files it waits a
 * little and goes on; what waits stays in the kernel's queue. */
M4H_MUST_CHECK int m4h_listener_start(struct m4h_listener **listener, struct m4h_loop *loop, int fd,
                                      m4h_listener_on_accept on_accept, void *context);
/* Stops accepting; connections wait in the kernel's queue until resume. */
void m4h_listener_pause(struct m4h_listener *listener);
void m4h_listener_resume(struct m4h_listener *listener);
/* Accepts what waits in the kernel's queue, unless it is paused, and closes the socket.
 * Not in its own callback. */
void m4h_listener_finish(struct m4h_listener *listener);
/* Closes the socket at once. Legal in its own callback. Accepts NULL. */
void m4h_listener_close(struct m4h_listener *listener);

#endif
