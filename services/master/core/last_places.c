/* The cache of last places. A slot holds a port in its lower 16 bits, the number of a
 * slave in 12, and in the others 36 bits of the hash of the client key, whose upper bits
 * are its place. */
#include "services/master/core/last_places.h"

#include "lib/base/error.h"

#include <stdlib.h>

#define SLOTS     ((size_t)1 << M4H_LAST_PLACES_BITS)
#define TAG_SHIFT 28

/* FNV-1a, and the finalizer of splitmix64 so that the upper bits are good ones. */
static uint64_t hash_of(const struct m4h_last_places *places, const char *client_key)
{
    uint64_t hash = 0xcbf29ce484222325u ^ places->seed;

    for (; *client_key != '\0'; client_key++)
        hash = (hash ^ (uint8_t)*client_key) * 0x100000001b3u;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}

static uint64_t *slot_of(const struct m4h_last_places *places, uint64_t hash)
{
    return &places->slots[hash >> (64 - M4H_LAST_PLACES_BITS)];
}

int m4h_last_places_init(struct m4h_last_places *places, uint64_t seed)
{
    places->seed = seed;
    places->slots = calloc(SLOTS, sizeof(places->slots[0]));
    return places->slots != NULL ? 0 : M4H_ENOMEM;
}

void m4h_last_places_free(struct m4h_last_places *places)
{
    free(places->slots);
    places->slots = NULL;
}

void m4h_last_places_set(struct m4h_last_places *places, const char *client_key, uint16_t port,
                         uint16_t slave)
{
    uint64_t hash = hash_of(places, client_key);

    *slot_of(places, hash) =
        hash << TAG_SHIFT | (uint64_t)(slave % M4H_LAST_PLACES_SLAVES) << 16 | port;
}

struct m4h_last_place m4h_last_places_find(const struct m4h_last_places *places,
                                           const char *client_key)
{
    uint64_t hash = hash_of(places, client_key), slot = *slot_of(places, hash);

    if ((slot ^ hash << TAG_SHIFT) >> TAG_SHIFT != 0)
        return (struct m4h_last_place){0};
    return (struct m4h_last_place){
        .port = (uint16_t)slot,
        .slave = (uint16_t)(slot >> 16 & (M4H_LAST_PLACES_SLAVES - 1)),
    };
}
