/* Slots of pending requests. It must not know the bus. */
#include "lib/bus/pending.h"

#include "lib/base/error.h"

#include <stdlib.h>

struct m4h_pending_slot {
    struct m4h_heap_node node;
    uint64_t deadline_ms;
    struct m4h_pending_request request;
    uint32_t turn;      /* of the id; odd while in use */
    uint32_t next_free; /* slot number, 0: none */
};

static bool is_due_before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return M4H_CONTAINER_OF(a, struct m4h_pending_slot, node)->deadline_ms <
           M4H_CONTAINER_OF(b, struct m4h_pending_slot, node)->deadline_ms;
}

int m4h_pending_init(struct m4h_pending *pending, uint32_t max_requests)
{
    *pending = (struct m4h_pending){.slot_count = max_requests};
    m4h_heap_init(&pending->by_deadline, is_due_before);
    pending->slots = calloc(max_requests, sizeof(*pending->slots));
    return pending->slots != NULL ? 0 : M4H_ENOMEM;
}

void m4h_pending_free(struct m4h_pending *pending)
{
    m4h_heap_free(&pending->by_deadline);
    free(pending->slots);
    *pending = (struct m4h_pending){0};
}

/* Slots are numbered from 1. */
static uint32_t number_of(const struct m4h_pending *pending, const struct m4h_pending_slot *slot)
{
    return (uint32_t)(slot - pending->slots) + 1;
}

static struct m4h_pending_slot *free_slot(const struct m4h_pending *pending)
{
    if (pending->free_slot != 0)
        return &pending->slots[pending->free_slot - 1];
    return pending->touched < pending->slot_count ? &pending->slots[pending->touched] : NULL;
}

static void occupy(struct m4h_pending *pending, struct m4h_pending_slot *slot)
{
    if (pending->free_slot != 0)
        pending->free_slot = slot->next_free;
    else
        pending->touched++;
    slot->turn++;
}

int m4h_pending_add(struct m4h_pending *pending, const struct m4h_pending_request *request,
                    uint64_t deadline_ms, uint64_t *id)
{
    struct m4h_pending_slot *slot = free_slot(pending);
    int error;

    if (slot == NULL)
        return M4H_EFULL;
    slot->request = *request;
    slot->deadline_ms = deadline_ms;
    error = m4h_heap_insert(&pending->by_deadline, &slot->node);
    if (error != 0)
        return error;
    occupy(pending, slot);
    *id = (uint64_t)slot->turn << 32 | number_of(pending, slot);
    return 0;
}

static void release(struct m4h_pending *pending, struct m4h_pending_slot *slot,
                    struct m4h_pending_request *request)
{
    *request = slot->request;
    m4h_heap_remove(&pending->by_deadline, &slot->node);
    slot->turn++;
    slot->next_free = pending->free_slot;
    pending->free_slot = number_of(pending, slot);
}

bool m4h_pending_take(struct m4h_pending *pending, uint64_t id, struct m4h_pending_request *request)
{
    uint32_t number = (uint32_t)id;
    struct m4h_pending_slot *slot;

    if (number == 0 || number > pending->touched)
        return false;
    slot = &pending->slots[number - 1];
    if (slot->turn != (uint32_t)(id >> 32) || !m4h_heap_holds(&slot->node))
        return false;
    release(pending, slot, request);
    return true;
}

bool m4h_pending_take_due(struct m4h_pending *pending, uint64_t now_ms,
                          struct m4h_pending_request *request)
{
    struct m4h_heap_node *node = m4h_heap_first(&pending->by_deadline);
    struct m4h_pending_slot *slot;

    if (node == NULL)
        return false;
    slot = M4H_CONTAINER_OF(node, struct m4h_pending_slot, node);
    if (slot->deadline_ms > now_ms)
        return false;
    release(pending, slot, request);
    return true;
}

uint64_t m4h_pending_next_ms(const struct m4h_pending *pending)
{
    struct m4h_heap_node *node = m4h_heap_first(&pending->by_deadline);

    return node != NULL ? M4H_CONTAINER_OF(node, struct m4h_pending_slot, node)->deadline_ms
                        : UINT64_MAX;
}

size_t m4h_pending_count(const struct m4h_pending *pending)
{
    return pending->by_deadline.count;
}
