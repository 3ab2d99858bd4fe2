/* A byte buffer that grows up to a cap. The owner embeds it, and frees what it
 * holds with m4h_buffer_free. No thread may share one. */
#ifndef M4H_BASE_BUFFER_H
#define M4H_BASE_BUFFER_H

#include "lib/base/attributes.h"

#include <stddef.h>
#include <stdint.h>

struct m4h_buffer {
    uint8_t *data; /* owned; NULL while nothing was ever added */
    size_t len;
    size_t allocated;
    size_t cap; /* the most that it may hold, bytes */
};

#define M4H_BUFFER_INIT(cap_bytes)                                                                 \
    {                                                                                              \
        NULL, 0, 0, (cap_bytes)                                                                    \
    }

/* Frees what it holds; it may be used again after. Accepts an empty one. */
void m4h_buffer_free(struct m4h_buffer *buffer);

/* Forgets the content and keeps the memory. */
void m4h_buffer_clear(struct m4h_buffer *buffer);

/* Makes room for `len` more bytes and returns where they go, or NULL (no
 * memory, or over the cap; the buffer is as before). m4h_buffer_added says how
 * many were written there. */
uint8_t *m4h_buffer_room(struct m4h_buffer *buffer, size_t len);
void m4h_buffer_added(struct m4h_buffer *buffer, size_t len);

/* Adds bytes. 0, M4H_ENOMEM or M4H_ETOOBIG (the buffer is as before). */
M4H_MUST_CHECK int m4h_buffer_add(struct m4h_buffer *buffer, const void *data, size_t len);

/* Adds formatted text, without the NUL. Errors as m4h_buffer_add. */
M4H_MUST_CHECK int m4h_buffer_printf(struct m4h_buffer *buffer, const char *format, ...)
    M4H_PRINTF(2, 3);

/* Takes `len` bytes (at most all) off the front. */
void m4h_buffer_consume(struct m4h_buffer *buffer, size_t len);

#endif
