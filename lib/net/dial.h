/* A TCP connection that begins here: looks a host up and tries its addresses one after
 * the other, each for a while. */
#ifndef M4H_NET_DIAL_H
#define M4H_NET_DIAL_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

/* An address that does not answer for so long gives way to the next, if there is one; the
 * last one is waited for until the owner closes. */
#define M4H_DIAL_ADDRESS_MS 2000u

struct m4h_dial;

/* `on_done` is called once, on the loop, never inside: with a connected, non-blocking
 * socket, which is the owner's, or with -1 and why: M4H_ENOTFOUND (the host has no
 * address), M4H_EUNAVAILABLE (none of them takes the connection; errno is of the last one).
 * M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_dial_start(struct m4h_dial **dial, struct m4h_loop *loop, const char *host,
                                  uint16_t port, void (*on_done)(void *context, int fd, int error),
                                  void *context);
/* No callback any more. Legal in its own callback. Accepts NULL. */
void m4h_dial_close(struct m4h_dial *dial);

#endif
