/* Who owns each client key, and who has it besides: a table by name beside the order, so that
 * one tunnel is found in O(1) however many there are. The owner of a client key is the winner
 * by m4h_stamp_wins, then the lower slave id; a loser becomes the owner by itself when the
 * owner goes. Private to the tunnel index. Pure; one thread. */
#ifndef M4H_MASTER_OWNERS_H
#define M4H_MASTER_OWNERS_H

#include "lib/base/attributes.h"
#include "services/master/core/name_table.h"

#include <stddef.h>
#include <stdint.h>

struct m4h_entry;

struct m4h_owners {
    struct m4h_name_table names; /* the owner is the first one of its client key */
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
