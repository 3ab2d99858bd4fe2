/* One TCP connection of an operator: reads on demand, writes at once and keeps
 * what the kernel does not take, up to a limit. */
#ifndef M4H_NET_CONNECTION_H
#define M4H_NET_CONNECTION_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct m4h_connection;

struct m4h_connection_handler {
    /* There is something to read (or an end or an error to find by reading). */
    void (*on_readable)(void *context);
    /* What was kept has been taken by the kernel. */
    void (*on_drained)(void *context);
};

/* Takes over `fd`, also when it fails: M4H_ENOMEM, M4H_ESYSTEM. It does not read
 * until m4h_connection_want_read. `keep_max` bounds what is kept, bytes. */
M4H_MUST_CHECK int m4h_connection_start(struct m4h_connection **connection, struct m4h_loop *loop,
                                        int fd, size_t keep_max,
                                        const struct m4h_connection_handler *handler,
                                        void *context);

/* Whether on_readable is wanted. */
void m4h_connection_want_read(struct m4h_connection *connection, bool wanted);
/* From now on on_readable tells that the peer takes no more either: for one who has read its
 * end, and reads no more. It is told again and again until the connection is closed. */
void m4h_connection_want_hangup(struct m4h_connection *connection);
/* Reads up to `size` bytes: how many in `*len`. M4H_EAGAIN (nothing now),
 * M4H_ECLOSED (the peer will send no more), M4H_EIO (broken). */
M4H_MUST_CHECK int m4h_connection_read(struct m4h_connection *connection, void *data, size_t size,
                                       size_t *len);

/* Writes or keeps all of `data`: M4H_ETOOBIG and nothing taken where that would
 * keep more than the limit. On a broken connection the bytes are dropped; its
 * next read tells; it breaks, too, where there is no memory to keep them. */
M4H_MUST_CHECK int m4h_connection_write(struct m4h_connection *connection, const void *data,
                                        size_t len);
/* A write has failed: nothing will go out any more. */
bool m4h_connection_is_broken(const struct m4h_connection *connection);
/* Bytes that are kept. */
size_t m4h_connection_kept(const struct m4h_connection *connection);
/* Bytes that are kept, and those in the kernel that the peer has not confirmed. */
size_t m4h_connection_untaken(const struct m4h_connection *connection);
/* Another owner: its handler is called from now on. Legal in its own callbacks. */
void m4h_connection_hand_over(struct m4h_connection *connection,
                              const struct m4h_connection_handler *handler, void *context);
/* No more writes: tells the peer once all that is kept is out. */
void m4h_connection_finish(struct m4h_connection *connection);

/* Closes at once; what is kept is lost. Legal in its own callbacks. Accepts NULL. */
void m4h_connection_close(struct m4h_connection *connection);

#endif
