/* The cache of last ports. A slot holds a port in its lower 16 bits and in the others the
 * upper 48 bits of the hash of the client key, of which the first ones are its place. */
#include "services/master/core/last_ports.h"

#include "lib/base/error.h"

#include <stdlib.h>

#define SLOTS ((size_t)1 << M4H_LAST_PORTS_BITS)

/* FNV-1a, and the finalizer of splitmix64 so that the upper bits are good ones. */
static uint64_t hash_of(const struct m4h_last_ports *ports, const char *client_key)
{
    uint64_t hash = 0xcbf29ce484222325u ^ ports->seed;

    for (; *client_key != '\0'; client_key++)
        hash = (hash ^ (uint8_t)*client_key) * 0x100000001b3u;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}

static uint64_t *slot_of(const struct m4h_last_ports *ports, uint64_t hash)
{
    return &ports->slots[hash >> (64 - M4H_LAST_PORTS_BITS)];
}

int m4h_last_ports_init(struct m4h_last_ports *ports, uint64_t seed)
{
    ports->seed = seed;
    ports->slots = calloc(SLOTS, sizeof(ports->slots[0]));
    return ports->slots != NULL ? 0 : M4H_ENOMEM;
}

void m4h_last_ports_free(struct m4h_last_ports *ports)
{
    free(ports->slots);
    ports->slots = NULL;
}

void m4h_last_ports_set(struct m4h_last_ports *ports, const char *client_key, uint16_t port)
{
    uint64_t hash = hash_of(ports, client_key);

    *slot_of(ports, hash) = (hash & ~(uint64_t)UINT16_MAX) | port;
}

uint16_t m4h_last_ports_find(const struct m4h_last_ports *ports, const char *client_key)
{
    uint64_t hash = hash_of(ports, client_key), slot = *slot_of(ports, hash);

    return (slot ^ hash) >> 16 == 0 ? (uint16_t)slot : 0;
}
