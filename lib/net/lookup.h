/* The addresses of a host. A literal address is known at once; a name is looked up by
 * the system on a thread of its own, since that may take as long as it likes. */
#ifndef M4H_NET_LOOKUP_H
#define M4H_NET_LOOKUP_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

#include <stddef.h>
#include <sys/socket.h>

/* So many of a host are told; the rest are left out. */
#define M4H_LOOKUP_MAX 8u

struct m4h_lookup;

struct m4h_lookup_address {
    struct sockaddr_storage at;
    socklen_t len;
};

/* Looks up the TCP addresses of `host` (no brackets) with `port`. `on_found` is called
 * once, later, on the loop; `count` 0: there are none. The list is borrowed for the call.
 * M4H_ENOMEM, M4H_ESYSTEM (no thread to be had). */
M4H_MUST_CHECK int m4h_lookup_start(
    struct m4h_lookup **lookup, struct m4h_loop *loop, const char *host, uint16_t port,
    void (*on_found)(void *context, const struct m4h_lookup_address *list, size_t count),
    void *context);
/* No callback any more; a thread that still waits for the system ends by itself. Legal in
 * its own callback. Accepts NULL. */
void m4h_lookup_close(struct m4h_lookup *lookup);

#endif
