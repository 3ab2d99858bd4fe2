/* The intrusive binary heap. */
#include "lib/base/heap.h"

#include "lib/base/error.h"

#include <stdlib.h>

void m4h_heap_init(struct m4h_heap *heap,
                   bool (*before)(const struct m4h_heap_node *, const struct m4h_heap_node *))
{
    *heap = (struct m4h_heap){.before = before};
}

void m4h_heap_free(struct m4h_heap *heap)
{
    free(heap->nodes);
    heap->nodes = NULL;
    heap->count = 0;
    heap->allocated = 0;
}

static void put(struct m4h_heap *heap, size_t index, struct m4h_heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void sift_up(struct m4h_heap *heap, size_t index)
{
    struct m4h_heap_node *node = heap->nodes[index];

    while (index > 0) {
        size_t parent = (index - 1) / 2;

        if (!heap->before(node, heap->nodes[parent]))
            break;
        put(heap, index, heap->nodes[parent]);
        index = parent;
    }
    put(heap, index, node);
}

static void sift_down(struct m4h_heap *heap, size_t index)
{
    struct m4h_heap_node *node = heap->nodes[index];

    for (;;) {
        size_t child = 2 * index + 1;

        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap->before(heap->nodes[child + 1], heap->nodes[child]))
            child++;
        if (!heap->before(heap->nodes[child], node))
            break;
        put(heap, index, heap->nodes[child]);
        index = child;
    }
    put(heap, index, node);
}

int m4h_heap_insert(struct m4h_heap *heap, struct m4h_heap_node *node)
{
    if (heap->count == heap->allocated) {
        size_t size = heap->allocated ? heap->allocated * 2 : 16;
        struct m4h_heap_node **nodes = realloc(heap->nodes, size * sizeof(*nodes));

        if (nodes == NULL)
            return M4H_ENOMEM;
        heap->nodes = nodes;
        heap->allocated = size;
    }
    put(heap, heap->count, node);
    heap->count++;
    sift_up(heap, heap->count - 1);
    return 0;
}

void m4h_heap_remove(struct m4h_heap *heap, struct m4h_heap_node *node)
{
    struct m4h_heap_node *last;

    if (!m4h_heap_holds(node))
        return;
    last = heap->nodes[--heap->count];
    if (last != node) {
        put(heap, node->place - 1, last);
        m4h_heap_moved(heap, last);
    }
    node->place = 0;
}

void m4h_heap_moved(struct m4h_heap *heap, struct m4h_heap_node *node)
{
    sift_up(heap, node->place - 1);
    sift_down(heap, node->place - 1);
}

struct m4h_heap_node *m4h_heap_first(const struct m4h_heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}

bool m4h_heap_holds(const struct m4h_heap_node *node)
{
    return node->place != 0;
}
