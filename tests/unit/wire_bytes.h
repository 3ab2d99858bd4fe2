/* The encoding of protobuf, by hand: to make messages that no encoder makes.
 * https://protobuf.dev/programming-guides/encoding/ */
#ifndef M4H_TESTS_UNIT_WIRE_BYTES_H
#define M4H_TESTS_UNIT_WIRE_BYTES_H

#include "lib/base/buffer.h"

#include <stddef.h>
#include <stdint.h>

void put_varint(struct m4h_buffer *out, uint64_t value);
void put_number(struct m4h_buffer *out, unsigned field, uint64_t value);
void put_bytes(struct m4h_buffer *out, unsigned field, const void *data, size_t len);
void put_text(struct m4h_buffer *out, unsigned field, const char *text);

/* Copies a message to `out` with `extra` added to the end of the message that is
 * inside it at `path` (field numbers, 0 at the end), the first such one at each
 * level. Fields given twice take the last value, so this changes them. Fails the
 * test where there is no such message. */
void append_at(struct m4h_buffer *out, const uint8_t *data, size_t len, const unsigned *path,
               const struct m4h_buffer *extra);

/* Copies a message to `out` without the fields at `path`, should there be any. */
void drop_at(struct m4h_buffer *out, const uint8_t *data, size_t len, const unsigned *path);

#endif
