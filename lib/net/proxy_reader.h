/* Reads the header of the PROXY protocol (lib/base/proxy_header.h) off a new
 * connection, and not one byte of what comes after it. Deadlines are the owner's.
 * On the loop's thread. */
#ifndef M4H_NET_PROXY_READER_H
#define M4H_NET_PROXY_READER_H

#include "lib/base/attributes.h"
#include "lib/base/proxy_header.h"
#include "lib/net/loop.h"

struct m4h_proxy_reader;

enum m4h_proxy_outcome {
    M4H_PROXY_TAKEN,   /* the header was read; `header` is valid during the call */
    M4H_PROXY_REFUSED, /* what came is no header, or the connection ended inside one */
    M4H_PROXY_ENDED,   /* it ended without a byte, as health checks do */
};

/* Called once, from the loop only. May close the reader. */
typedef void (*m4h_proxy_reader_on_done)(void *context, enum m4h_proxy_outcome outcome,
                                         const struct m4h_proxy_header *header);

/* Begins to read from `fd`, which stays the caller's and is not read by anybody else
 * until on_done. `*reader` is NULL on error: M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_proxy_reader_start(struct m4h_proxy_reader **reader, struct m4h_loop *loop,
                                          int fd, m4h_proxy_reader_on_done on_done, void *context);
/* To be called before `fd` is used for anything else. No callback any more. Legal in
 * its own callback. Accepts NULL. */
void m4h_proxy_reader_close(struct m4h_proxy_reader *reader);

#endif
