/* A hash table of things that have a name, which finds one in O(1) and at no moment does much
 * at once.
 *
 * It grows by linear hashing (Litwin 1980): each name that comes splits one bucket into
 * two, so there is no moment at which the table is made anew. A bucket is a chain through
 * the things. The buckets come in pieces of one size; where there is no memory for the next
 * piece, the table goes on with longer chains: putting in cannot fail. It does not shrink:
 * 8 bytes for each name of the fullest time stay, besides 8 in each thing. The seed makes the
 * places unpredictable for who chooses names. Pure; one thread. */
#ifndef M4H_MASTER_NAME_TABLE_H
#define M4H_MASTER_NAME_TABLE_H

#include "lib/base/attributes.h"

#include <stddef.h>
#include <stdint.h>

/* 4,096 pieces of 1,024 buckets: one for each tunnel that a master takes. */
#define M4H_NAME_TABLE_PIECE      1024u
#define M4H_NAME_TABLE_PIECES_MAX 4096u

/* In what has a name. */
struct m4h_name_link {
    struct m4h_name_link *next;
};

/* The name, which stays the same while it is in a table. */
typedef const char *(*m4h_name_of)(const struct m4h_name_link *link);

struct m4h_name_table {
    struct m4h_name_link **pieces[M4H_NAME_TABLE_PIECES_MAX]; /* owned; what is linked is not */
    size_t buckets;                                           /* in use */
    size_t round;                                             /* the largest power of two of them */
    size_t count;                                             /* names */
    uint64_t seed;
    m4h_name_of name_of;
};

/* M4H_ENOMEM: nothing is owned, and free is needless. */
M4H_MUST_CHECK int m4h_name_table_init(struct m4h_name_table *table, m4h_name_of name_of,
                                       uint64_t seed);
/* Leaves what is linked alone. Accepts a zeroed one. */
void m4h_name_table_free(struct m4h_name_table *table);

/* The pointer to the first that has this name, valid until the next change; it points to
 * NULL where there is none. Others of that name may be put behind it, or before it, by hand:
 * those of one name are beside each other. */
struct m4h_name_link **m4h_name_table_find(const struct m4h_name_table *table, const char *name);
/* Puts in the first one of a name. Returns how many others it has looked at to make room:
 * those of one bucket at most. */
size_t m4h_name_table_add(struct m4h_name_table *table, struct m4h_name_link *link);
/* Takes out one that is in. */
void m4h_name_table_remove(struct m4h_name_table *table, struct m4h_name_link *link);
/* Takes out one after the other, for the end of all: `*from` is 0 at first, and nothing
 * else may be done with the table any more. NULL: it is empty. */
struct m4h_name_link *m4h_name_table_take_any(struct m4h_name_table *table, size_t *from);

#endif
