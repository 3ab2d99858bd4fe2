/* Whole messages, bytes <-> the structs of protobuf-c. Knows no message type. */
#include "lib/wire/codec.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"

#include <stdlib.h>

#define ALIGNMENT   16u
#define CHUNK_BYTES (16u * 1024u)

struct m4h_wire_chunk {
    struct m4h_wire_chunk *next;
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

int m4h_wire_pack(const ProtobufCMessage *message, struct m4h_buffer *out)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *room;

    if (size > M4H_WIRE_MESSAGE_MAX || size > out->cap - out->len)
        return M4H_ETOOBIG;
    room = m4h_buffer_room(out, size);
    if (room == NULL)
        return M4H_ENOMEM;
    m4h_buffer_added(out, protobuf_c_message_pack(message, room));
    return 0;
}

/* Begins a new chunk with at least `size` free bytes. */
static bool grow(struct m4h_wire_arena *arena, size_t size)
{
    size_t bytes = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    struct m4h_wire_chunk *chunk = malloc(sizeof(*chunk) + bytes);

    if (chunk == NULL) {
        arena->error = M4H_ENOMEM;
        return false;
    }
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->free_from = chunk->bytes;
    arena->free_bytes = bytes;
    return true;
}

static void *arena_alloc(void *context, size_t size)
{
    struct m4h_wire_arena *arena = context;
    void *memory;

    if (size > arena->budget_bytes) {
        arena->error = M4H_ETOOBIG;
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->free_bytes && !grow(arena, size))
        return NULL;
    memory = arena->free_from;
    arena->free_from += size;
    arena->free_bytes -= size;
    arena->budget_bytes -= size < arena->budget_bytes ? size : arena->budget_bytes;
    return memory;
}

/* All is freed at once, by m4h_wire_release. */
static void arena_free(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

int m4h_wire_unpack(struct m4h_wire_arena *arena, const ProtobufCMessageDescriptor *type,
                    size_t max, const uint8_t *data, size_t len)
{
    arena->message = NULL;
    arena->allocator = (ProtobufCAllocator){arena_alloc, arena_free, arena};
    arena->chunks = NULL;
    arena->free_from = arena->first;
    arena->free_bytes = sizeof(arena->first);
    arena->error = 0;
    if (len > max)
        return M4H_ETOOBIG;
    arena->budget_bytes = M4H_WIRE_BUDGET(len);
    arena->message = protobuf_c_message_unpack(type, &arena->allocator, len, data);
    if (arena->message != NULL)
        return 0;
    return arena->error != 0 ? arena->error : M4H_EPROTOCOL;
}

void m4h_wire_release(struct m4h_wire_arena *arena)
{
    while (arena->chunks != NULL) {
        struct m4h_wire_chunk *next = arena->chunks->next;

        free(arena->chunks);
        arena->chunks = next;
    }
    arena->message = NULL;
}
