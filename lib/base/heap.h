/* An intrusive binary min-heap whose nodes know their place, so that any node
 * can be moved or removed in O(log n). The owner embeds both; the heap never
 * owns what its nodes sit in. Pure. */
#ifndef M4H_BASE_HEAP_H
#define M4H_BASE_HEAP_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>

/* Zeroed while it is in no heap. */
struct m4h_heap_node {
    size_t place; /* index + 1 */
};

struct m4h_heap {
    struct m4h_heap_node **nodes; /* owned array of borrowed nodes */
    size_t count;
    size_t allocated;
    /* True where `a` must come out before `b`. Must not change while both are
     * in the heap, except around m4h_heap_moved. */
    bool (*before)(const struct m4h_heap_node *a, const struct m4h_heap_node *b);
};

void m4h_heap_init(struct m4h_heap *heap,
                   bool (*before)(const struct m4h_heap_node *, const struct m4h_heap_node *));
/* Frees the array; the nodes are the owner's. */
void m4h_heap_free(struct m4h_heap *heap);

/* Puts in a node that is in no heap. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_heap_insert(struct m4h_heap *heap, struct m4h_heap_node *node);
/* Takes a node out; does nothing with one that is in no heap. */
void m4h_heap_remove(struct m4h_heap *heap, struct m4h_heap_node *node);
/* The order of `node` has changed: puts it where it belongs now. */
void m4h_heap_moved(struct m4h_heap *heap, struct m4h_heap_node *node);
/* The first node, or NULL. */
struct m4h_heap_node *m4h_heap_first(const struct m4h_heap *heap);

bool m4h_heap_holds(const struct m4h_heap_node *node);

#endif
