/* lib/base/heap: the first is always the least, whatever was moved or removed. */
#include "lib/base/heap.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NODES 300

struct item {
    struct m4h_heap_node node;
    unsigned key;
};

static const struct item *item_of(const struct m4h_heap_node *node)
{
    return M4H_CONTAINER_OF(node, const struct item, node);
}

static bool before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return item_of(a)->key < item_of(b)->key;
}

/* Each node knows its place, and no child comes before its parent. */
static void assert_sound(const struct m4h_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++) {
        assert_int_equal(heap->nodes[i]->place, i + 1);
        if (i > 0)
            assert_false(before(heap->nodes[i], heap->nodes[(i - 1) / 2]));
    }
}

static void an_empty_heap_has_no_first(void **state)
{
    struct m4h_heap heap;
    struct item item = {.key = 1};

    (void)state;
    m4h_heap_init(&heap, before);
    assert_null(m4h_heap_first(&heap));
    m4h_heap_remove(&heap, &item.node);
    assert_false(m4h_heap_holds(&item.node));
    m4h_heap_free(&heap);
}

static void nodes_come_out_in_order(void **state)
{
    struct m4h_heap heap;
    struct item items[NODES] = {0};
    unsigned last = 0;

    (void)state;
    m4h_heap_init(&heap, before);
    srand(7);
    for (size_t i = 0; i < NODES; i++) {
        items[i].key = (unsigned)rand() % 100;
        assert_int_equal(m4h_heap_insert(&heap, &items[i].node), 0);
    }
    assert_sound(&heap);
    for (size_t i = 0; i < NODES; i++) {
        struct m4h_heap_node *first = m4h_heap_first(&heap);

        assert_true(item_of(first)->key >= last);
        last = item_of(first)->key;
        m4h_heap_remove(&heap, first);
        assert_false(m4h_heap_holds(first));
        assert_sound(&heap);
    }
    assert_null(m4h_heap_first(&heap));
    m4h_heap_free(&heap);
}

static void any_node_can_move_or_leave(void **state)
{
    struct m4h_heap heap;
    struct item items[NODES] = {0};

    (void)state;
    m4h_heap_init(&heap, before);
    srand(11);
    for (size_t round = 0; round < 5000; round++) {
        struct item *item = &items[rand() % NODES];

        if (!m4h_heap_holds(&item->node)) {
            item->key = (unsigned)rand() % 1000;
            assert_int_equal(m4h_heap_insert(&heap, &item->node), 0);
        } else if (rand() % 3 == 0) {
            m4h_heap_remove(&heap, &item->node);
        } else {
            item->key = (unsigned)rand() % 1000;
            m4h_heap_moved(&heap, &item->node);
        }
        assert_sound(&heap);
    }
    m4h_heap_free(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_has_no_first),
        cmocka_unit_test(nodes_come_out_in_order),
        cmocka_unit_test(any_node_can_move_or_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
