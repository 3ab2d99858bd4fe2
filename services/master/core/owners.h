/* Who owns each client key, and who has it besides: a hash table beside the order, so that
 * one tunnel is found in O(1) however many there are. The owner of a client key is the winner
 * by m4h_stamp_wins, then the lower slave id; a loser becomes the owner by itself when the
 * owner goes.
 *
 * It grows by linear hashing (Litwin 1980): each entry that comes splits one bucket
 * into two, so there is no moment at which the table is made anew. The buckets come
 * in pieces of one size; where there is no memory for the next piece, the table goes
 * on with longer chains. It does not shrink: 8 bytes for each client key of the
 * fullest time stay, besides 8 in each entry. The seed makes the places
 * unpredictable for who chooses names. Private to the tunnel index. Pure; one thread. */
#ifndef M4H_MASTER_OWNERS_H
#define M4H_MASTER_OWNERS_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_entry;

/* 4,096 pieces of 1,024 buckets: one for each tunnel that a master takes. */
#define M4H_OWNERS_PIECE      1024u
#define M4H_OWNERS_PIECES_MAX 4096u

struct m4h_owners {
    struct m4h_entry **pieces[M4H_OWNERS_PIECES_MAX]; /* owned; the entries are not */
    size_t buckets;                                   /* in use */
    size_t round;                                     /* the largest power of two of them */
    size_t count;                                     /* client keys */
    uint64_t seed;
};

/* M4H_ENOMEM: nothing is owned, and free is needless. */
M4H_MUST_CHECK int m4h_owners_init(struct m4h_owners *owners, uint64_t seed);
/* Leaves the entries alone. */
void m4h_owners_free(struct m4h_owners *owners);

/* NULL: nobody has it. */
struct m4h_entry *m4h_owners_find(const struct m4h_owners *owners, const char *client_key);
/* Who has the same client key and comes after `entry`, which is in the table; NULL: nobody. */
struct m4h_entry *m4h_owners_rival(const struct m4h_entry *entry);
/* Puts in an entry, whose holder is set. */
void m4h_owners_add(struct m4h_owners *owners, struct m4h_entry *entry);
/* Takes out an entry that is in. */
void m4h_owners_remove(struct m4h_owners *owners, struct m4h_entry *entry);
/* Takes out one entry after the other, for the end of all: `*from` is 0 at first, and nothing
 * else may be done with the table any more. NULL: it is empty. */
struct m4h_entry *m4h_owners_take_any(struct m4h_owners *owners, size_t *from);

#endif
