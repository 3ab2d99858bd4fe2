/* The table of owners. A bucket is a chain through the entries; those of one client key are
 * beside each other, the owner first. */
#include "services/master/core/owners.h"

#include "lib/base/error.h"
#include "lib/base/stamp.h"
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
        link = &(*link)->chain_next;
    return link;
}

/* Makes a bucket more, of one half of the bucket that it is split from. Without memory, or
 * at the most buckets, nothing changes. */
static void grow(struct m4h_owners *owners)
{
    size_t added = owners->buckets, piece = added / M4H_OWNERS_PIECE;
    struct m4h_entry *entry, **ends[2];

    if (piece == M4H_OWNERS_PIECES_MAX)
        return;
    if (owners->pieces[piece] == NULL)
        owners->pieces[piece] = calloc(M4H_OWNERS_PIECE, sizeof(*owners->pieces[piece]));
    if (owners->pieces[piece] == NULL)
        return;
    entry = *bucket(owners, added - owners->round);
    *bucket(owners, added - owners->round) = NULL;
    ends[0] = bucket(owners, added - owners->round);
    ends[1] = bucket(owners, added);
    owners->buckets++;
    if (owners->buckets == 2 * owners->round)
        owners->round = owners->buckets;
    while (entry != NULL) {
        struct m4h_entry *next = entry->chain_next;
        bool is_upper = bucket_of(owners, m4h_entry_client_key(entry)) == bucket(owners, added);

        entry->chain_next = NULL;
        *ends[is_upper] = entry;
        ends[is_upper] = &entry->chain_next;
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

/* True where `a` wins the client key that both have. */
static bool wins(const struct m4h_entry *a, const struct m4h_entry *b)
{
    if (a->stamp != b->stamp || a->tunnel_id != b->tunnel_id)
        return m4h_stamp_wins(a->stamp, a->tunnel_id, b->stamp, b->tunnel_id);
    return strcmp(a->holder->slave_id, b->holder->slave_id) < 0;
}

struct m4h_entry *m4h_owners_rival(const struct m4h_entry *entry)
{
    struct m4h_entry *next = entry->chain_next;

    return next != NULL && m4h_entry_same_key(entry, next) ? next : NULL;
}

void m4h_owners_add(struct m4h_owners *owners, struct m4h_entry *entry)
{
    struct m4h_entry **link = link_to(owners, m4h_entry_client_key(entry));

    if (*link == NULL) {
        owners->count++;
        if (owners->count > owners->buckets)
            grow(owners);
        link = bucket_of(owners, m4h_entry_client_key(entry));
    } else {
        while (*link != NULL && m4h_entry_same_key(*link, entry) && wins(*link, entry))
            link = &(*link)->chain_next;
    }
    entry->chain_next = *link;
    *link = entry;
}

void m4h_owners_remove(struct m4h_owners *owners, struct m4h_entry *entry)
{
    struct m4h_entry **link = link_to(owners, m4h_entry_client_key(entry));

    owners->count -= *link == entry && m4h_owners_rival(entry) == NULL;
    while (*link != entry)
        link = &(*link)->chain_next;
    *link = entry->chain_next;
}

struct m4h_entry *m4h_owners_take_any(struct m4h_owners *owners, size_t *from)
{
    for (; *from < owners->buckets; (*from)++) {
        struct m4h_entry **first = bucket(owners, *from), *entry = *first;

        if (entry == NULL)
            continue;
        *first = entry->chain_next;
        return entry;
    }
    return NULL;
}
