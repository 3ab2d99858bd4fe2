/* A byte buffer that grows up to a cap. */
#include "lib/base/buffer.h"

#include "lib/base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ALLOCATION 256u

void m4h_buffer_free(struct m4h_buffer *buffer)
{
    free(buffer->data);
    buffer->data = NULL;
    buffer->len = 0;
    buffer->allocated = 0;
}

void m4h_buffer_clear(struct m4h_buffer *buffer)
{
    buffer->len = 0;
}

/* Grows the allocation so that `len` more bytes fit. */
static int reserve(struct m4h_buffer *buffer, size_t len)
{
    size_t size = buffer->allocated ? buffer->allocated : FIRST_ALLOCATION;
    uint8_t *data;

    if (len > buffer->cap - buffer->len)
        return M4H_ETOOBIG;
    if (buffer->data != NULL && len <= buffer->allocated - buffer->len)
        return 0;
    while (size - buffer->len < len)
        size *= 2;
    if (size > buffer->cap)
        size = buffer->cap;
    data = realloc(buffer->data, size + 1); /* one more, for the NUL of vsnprintf */
    if (data == NULL)
        return M4H_ENOMEM;
    buffer->data = data;
    buffer->allocated = size;
    return 0;
}

uint8_t *m4h_buffer_room(struct m4h_buffer *buffer, size_t len)
{
    return reserve(buffer, len) == 0 ? buffer->data + buffer->len : NULL;
}

void m4h_buffer_added(struct m4h_buffer *buffer, size_t len)
{
    assert(len <= buffer->allocated - buffer->len);
    buffer->len += len;
}

int m4h_buffer_add(struct m4h_buffer *buffer, const void *data, size_t len)
{
    int error = reserve(buffer, len);

    if (error != 0)
        return error;
    if (len > 0)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return 0;
}

int m4h_buffer_printf(struct m4h_buffer *buffer, const char *format, ...)
{
    va_list args, again;
    int len, error = M4H_EINVALID;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len >= 0)
        error = reserve(buffer, (size_t)len);
    if (error == 0) {
        vsnprintf((char *)buffer->data + buffer->len, (size_t)len + 1, format, again);
        buffer->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
    return error;
}

void m4h_buffer_consume(struct m4h_buffer *buffer, size_t len)
{
    assert(len <= buffer->len);
    buffer->len -= len;
    if (buffer->len > 0)
        memmove(buffer->data, buffer->data + len, buffer->len);
}
