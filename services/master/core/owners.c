/* The table of owners. A bucket is a chain through the entries. */
#include "services/master/core/owners.h"

#include "lib/base/error.h"
#include "services/master/core/tunnel_index.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const struct m4h_owners *owners, const char *client_key)
{
    uint64_t hash = 0xcbf29ce484222325u ^ owners->seed;

    for (; *client_key != '\0'; client_key++)
        hash = (hash ^ (uint8_t)*client_key) * 0x100000001b3u;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}

static struct m4h_entry **bucket(const struct m4h_owners *owners, size_t at)
{
    return &owners->pieces[at / M4H_OWNERS_PIECE][at % M4H_OWNERS_PIECE];
}

/* Buckets from `round` on are halves of those so far before; where the half is not made
 * yet, its entries are in the other one. */
static struct m4h_entry **bucket_of(const struct m4h_owners *owners, const char *client_key)
{
    size_t at = (size_t)(hash_of(owners, client_key) & (2 * owners->round - 1));

    return bucket(owners, at < owners->buckets ? at : at - owners->round);
}

/* The link that leads to the entry of this client key, or the last link of its chain. */
static struct m4h_entry **link_to(const struct m4h_owners *owners, const char *client_key)
{
    struct m4h_entry **link = bucket_of(owners, client_key);

    while (*link != NULL && strcmp(m4h_entry_client_key(*link), client_key) != 0)
        link = &(*link)->owner_next;
    return link;
}

/* Makes a bucket more, of one half of the bucket that it is split from. Without memory, or
 * at the most buckets, nothing changes. */
static void grow(struct m4h_owners *owners)
{
    size_t added = owners->buckets, piece = added / M4H_OWNERS_PIECE;
    struct m4h_entry *entry;

    if (piece == M4H_OWNERS_PIECES_MAX)
        return;
    if (owners->pieces[piece] == NULL)
        owners->pieces[piece] = calloc(M4H_OWNERS_PIECE, sizeof(*owners->pieces[piece]));
    if (owners->pieces[piece] == NULL)
        return;
    entry = *bucket(owners, added - owners->round);
    *bucket(owners, added - owners->round) = NULL;
    owners->buckets++;
    if (owners->buckets == 2 * owners->round)
        owners->round = owners->buckets;
    while (entry != NULL) {
        struct m4h_entry *next = entry->owner_next;
        struct m4h_entry **first = bucket_of(owners, m4h_entry_client_key(entry));

        entry->owner_next = *first;
        *first = entry;
        entry = next;
    }
}

int m4h_owners_init(struct m4h_owners *owners, uint64_t seed)
{
    *owners = (struct m4h_owners){.seed = seed};
    owners->pieces[0] = calloc(M4H_OWNERS_PIECE, sizeof(*owners->pieces[0]));
    if (owners->pieces[0] == NULL)
        return M4H_ENOMEM;
    owners->buckets = M4H_OWNERS_PIECE;
    owners->round = M4H_OWNERS_PIECE;
    return 0;
}

void m4h_owners_free(struct m4h_owners *owners)
{
    for (size_t i = 0; i < M4H_OWNERS_PIECES_MAX && owners->pieces[i] != NULL; i++)
        free(owners->pieces[i]);
    *owners = (struct m4h_owners){.seed = owners->seed};
}

struct m4h_entry *m4h_owners_find(const struct m4h_owners *owners, const char *client_key)
{
    return *link_to(owners, client_key);
}

void m4h_owners_add(struct m4h_owners *owners, struct m4h_entry *entry)
{
    struct m4h_entry **first;

    owners->count++;
    if (owners->count > owners->buckets)
        grow(owners);
    first = bucket_of(owners, m4h_entry_client_key(entry));
    entry->owner_next = *first;
    *first = entry;
}

void m4h_owners_replace(struct m4h_owners *owners, struct m4h_entry *old, struct m4h_entry *entry)
{
    struct m4h_entry **link = link_to(owners, m4h_entry_client_key(old));

    entry->owner_next = old->owner_next;
    *link = entry;
}

void m4h_owners_remove(struct m4h_owners *owners, struct m4h_entry *entry)
{
    struct m4h_entry **link = link_to(owners, m4h_entry_client_key(entry));

    *link = entry->owner_next;
    owners->count--;
}
