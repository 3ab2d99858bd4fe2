/* Private to lib/wire: whole messages, bytes <-> the structs of protobuf-c.
 *
 * Packing: the structs live on the caller's stack and point into the model, so
 * nothing is allocated but the room in the buffer.
 * Unpacking: protobuf-c allocates each field by itself and without a bound, up
 * to 45 bytes for each byte that comes in. Here all of a message's memory comes
 * from one arena with a budget, and goes away at once. */
#ifndef M4H_WIRE_CODEC_H
#define M4H_WIRE_CODEC_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes of a message that is small by nature (names and numbers), of one
 * that may hold keys as well, and of one with all that is known of a device or an
 * operator. They leave room for fields to come. */
#define M4H_WIRE_SMALL_MAX  4096u
#define M4H_WIRE_KEYS_MAX   8192u
#define M4H_WIRE_RECORD_MAX 16384u

/* What unpacking `len` bytes may allocate: what any valid message needs, and a bound for others. */
#define M4H_WIRE_BUDGET(len) (64u * 1024u + 16u * (len))

/* Adds the message to `out`. M4H_ETOOBIG (over M4H_WIRE_MESSAGE_MAX, or over
 * the buffer's cap) or M4H_ENOMEM; the buffer is then as before. */
M4H_MUST_CHECK int m4h_wire_pack(const ProtobufCMessage *message, struct m4h_buffer *out);

struct m4h_wire_chunk;

/* One unpacked message and its memory. On the caller's stack; it must not move. */
struct m4h_wire_arena {
    void *message; /* of the type asked for; NULL on error */
    ProtobufCAllocator allocator;
    struct m4h_wire_chunk *chunks; /* owned */
    uint8_t *free_from;            /* the free part of `first` or of the newest chunk */
    size_t free_bytes;
    size_t budget_bytes; /* what is left of it */
    int error;           /* why an allocation was refused, or 0 */
    _Alignas(16) uint8_t first[4096];
};

/* Unpacks `len` bytes, at most `max`. M4H_ETOOBIG (also: over the budget),
 * M4H_EPROTOCOL or M4H_ENOMEM. In every case release the arena after. */
M4H_MUST_CHECK int m4h_wire_unpack(struct m4h_wire_arena *arena,
                                   const ProtobufCMessageDescriptor *type, size_t max,
                                   const uint8_t *data, size_t len);
/* Frees the message and all that it points to. */
void m4h_wire_release(struct m4h_wire_arena *arena);

#endif
