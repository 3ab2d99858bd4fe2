/* The table of names: linear hashing. */
#include "services/master/core/name_table.h"

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const struct m4h_name_table *table, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u ^ table->seed;

    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
}

static struct m4h_name_link **bucket(const struct m4h_name_table *table, size_t at)
{
    return &table->pieces[at / M4H_NAME_TABLE_PIECE][at % M4H_NAME_TABLE_PIECE];
}

/* Buckets from `round` on are halves of those so far before; where the half is not made
 * yet, what belongs there is in the other one. */
static struct m4h_name_link **bucket_of(const struct m4h_name_table *table, const char *name)
{
    size_t at = (size_t)(hash_of(table, name) & (2 * table->round - 1));

    return bucket(table, at < table->buckets ? at : at - table->round);
}

/* Makes a bucket more, of one half of the bucket that it is split from. Without memory, or
 * at the most buckets, nothing changes. Returns how many were in that bucket. */
static size_t grow(struct m4h_name_table *table)
{
    size_t added = table->buckets, piece = added / M4H_NAME_TABLE_PIECE, looked_at = 0;
    struct m4h_name_link *link, **ends[2];

    if (piece == M4H_NAME_TABLE_PIECES_MAX)
        return 0;
    if (table->pieces[piece] == NULL)
        table->pieces[piece] = calloc(M4H_NAME_TABLE_PIECE, sizeof(*table->pieces[piece]));
    if (table->pieces[piece] == NULL)
        return 0;
    ends[0] = bucket(table, added - table->round);
    ends[1] = bucket(table, added);
    link = *ends[0];
    *ends[0] = NULL;
    table->buckets++;
    if (table->buckets == 2 * table->round)
        table->round = table->buckets;
    while (link != NULL) {
        struct m4h_name_link *next = link->next;
        bool is_upper = bucket_of(table, table->name_of(link)) == bucket(table, added);

        link->next = NULL;
        *ends[is_upper] = link;
        ends[is_upper] = &link->next;
        link = next;
        looked_at++;
    }
    return looked_at;
}

int m4h_name_table_init(struct m4h_name_table *table, m4h_name_of name_of, uint64_t seed)
{
    *table = (struct m4h_name_table){.name_of = name_of, .seed = seed};
    table->pieces[0] = calloc(M4H_NAME_TABLE_PIECE, sizeof(*table->pieces[0]));
    if (table->pieces[0] == NULL)
        return M4H_ENOMEM;
    table->buckets = M4H_NAME_TABLE_PIECE;
    table->round = M4H_NAME_TABLE_PIECE;
    return 0;
}

void m4h_name_table_free(struct m4h_name_table *table)
{
    for (size_t i = 0; i < M4H_NAME_TABLE_PIECES_MAX && table->pieces[i] != NULL; i++)
        free(table->pieces[i]);
    *table = (struct m4h_name_table){.name_of = table->name_of, .seed = table->seed};
}

struct m4h_name_link **m4h_name_table_find(const struct m4h_name_table *table, const char *name)
{
    struct m4h_name_link **link = bucket_of(table, name);

    while (*link != NULL && strcmp(table->name_of(*link), name) != 0)
        link = &(*link)->next;
    return link;
}

size_t m4h_name_table_add(struct m4h_name_table *table, struct m4h_name_link *link)
{
    struct m4h_name_link **first;
    size_t looked_at = 0;

    table->count++;
    if (table->count > table->buckets)
        looked_at = grow(table);
    first = bucket_of(table, table->name_of(link));
    link->next = *first;
    *first = link;
    return looked_at;
}

/* Whether there is no other one of the name that `first`, the first one, has. */
static bool is_alone(const struct m4h_name_table *table, const struct m4h_name_link *first)
{
    return first->next == NULL || strcmp(table->name_of(first), table->name_of(first->next)) != 0;
}

void m4h_name_table_remove(struct m4h_name_table *table, struct m4h_name_link *link)
{
    struct m4h_name_link **from = m4h_name_table_find(table, table->name_of(link));

    table->count -= *from == link && is_alone(table, link);
    while (*from != link)
        from = &(*from)->next;
    *from = link->next;
}

struct m4h_name_link *m4h_name_table_take_any(struct m4h_name_table *table, size_t *from)
{
    for (; *from < table->buckets; (*from)++) {
        struct m4h_name_link **first = bucket(table, *from), *link = *first;

        if (link == NULL)
            continue;
        *first = link->next;
        return link;
    }
    return NULL;
}
