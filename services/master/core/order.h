/* Entries of tunnels in order of client key, those of one client key by tunnel id: a B+ tree
 * (Bayer and McCreight 1972) whose nodes say enough of each client key that a search reads
 * one or two entries of a node, not one for each step. At a million entries a search waits
 * for memory some five times, where a list or a binary tree does twenty times and more.
 *
 * It needs 12 bytes for each place in a node, and nodes are between half full and full; where
 * many entries have gone, small neighbours become one. The entries are its user's: nothing of
 * them may change that the order goes by. Private to the tunnel index. Pure; one thread. */
#ifndef M4H_MASTER_ORDER_H
#define M4H_MASTER_ORDER_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_entry;
struct m4h_order_node;

/* Zeroed: empty. It owns its nodes, and has none where it is empty. */
struct m4h_order {
    struct m4h_order_node *root;
};

/* A place in the order; valid until the order changes. */
struct m4h_order_cursor {
    const struct m4h_order_node *leaf; /* NULL: past the end */
    unsigned at;
};

/* The entry must not be in it. M4H_ENOMEM: it is not in it. */
M4H_MUST_CHECK int m4h_order_insert(struct m4h_order *order, struct m4h_entry *entry);
/* The entry must be in it. */
void m4h_order_remove(struct m4h_order *order, struct m4h_entry *entry);
/* Puts `entry` in the place of `old`, which is of the same client key, and the only one of it. */
void m4h_order_replace(struct m4h_order *order, struct m4h_entry *old, struct m4h_entry *entry);
/* Forgets all entries. */
void m4h_order_free(struct m4h_order *order);

/* The first entry of this client key or a later one (`or_equal`), or of a later one. */
struct m4h_order_cursor m4h_order_seek(const struct m4h_order *order, const char *client_key,
                                       bool or_equal);
/* Where an entry is that is in it. */
struct m4h_order_cursor m4h_order_find(const struct m4h_order *order,
                                       const struct m4h_entry *entry);
/* NULL: past the end. */
struct m4h_entry *m4h_order_at(const struct m4h_order_cursor *cursor);
void m4h_order_step(struct m4h_order_cursor *cursor);

#endif
