/* The agenda: a binary heap. */
#include "tests/sim/agenda.h"

#include "tests/sim/node.h"

#include <stdlib.h>

#define LOOK_EVERY_MS 100u

struct agenda_item {
    uint64_t at_ms;
    uint64_t number;
    struct node *node;
    uint32_t life;
    agenda_run run;
    uint64_t argument;
    void *owned;
};

static bool before(const struct agenda_item *a, const struct agenda_item *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void grow(struct agenda *agenda)
{
    size_t size = agenda->allocated > 0 ? agenda->allocated * 2 : 256;
    struct agenda_item **heap = realloc(agenda->heap, size * sizeof(struct agenda_item *));

    if (heap == NULL)
        abort();
    agenda->heap = heap;
    agenda->allocated = size;
}

static void rise(struct agenda *agenda, size_t place, struct agenda_item *item)
{
    while (place > 0 && before(item, agenda->heap[(place - 1) / 2])) {
        agenda->heap[place] = agenda->heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    agenda->heap[place] = item;
}

/* Puts `item` where the first one was. */
static void sink(struct agenda *agenda, struct agenda_item *item)
{
    size_t place = 0;

    for (;;) {
        size_t child = 2 * place + 1;

        if (child >= agenda->count)
            break;
        if (child + 1 < agenda->count && before(agenda->heap[child + 1], agenda->heap[child]))
            child++;
        if (!before(agenda->heap[child], item))
            break;
        agenda->heap[place] = agenda->heap[child];
        place = child;
    }
    agenda->heap[place] = item;
}

static void put(struct agenda *agenda, struct agenda_item *item, uint64_t at_ms)
{
    item->at_ms = at_ms;
    item->number = agenda->put++;
    if (agenda->count == agenda->allocated)
        grow(agenda);
    rise(agenda, agenda->count++, item);
}

void agenda_put(struct agenda *agenda, uint64_t at_ms, struct node *node, agenda_run run,
                uint64_t argument, void *owned)
{
    struct agenda_item *item = malloc(sizeof(*item));

    if (item == NULL)
        abort();
    *item = (struct agenda_item){.node = node,
                                 .life = node != NULL ? node->life : 0,
                                 .run = run,
                                 .argument = argument,
                                 .owned = owned};
    put(agenda, item, at_ms);
}

uint64_t agenda_next_ms(const struct agenda *agenda)
{
    return agenda->count > 0 ? agenda->heap[0]->at_ms : UINT64_MAX;
}

static struct agenda_item *take(struct agenda *agenda)
{
    struct agenda_item *first = agenda->heap[0];
    struct agenda_item *last = agenda->heap[--agenda->count];

    if (agenda->count > 0)
        sink(agenda, last);
    return first;
}

/* When to look again at what a stopped node has to do: all such items at the same times, so
 * that they stay in order. */
static uint64_t postponed_ms(const struct agenda_item *item)
{
    uint64_t next_ms = (item->at_ms / LOOK_EVERY_MS + 1) * LOOK_EVERY_MS;

    return next_ms < item->node->paused_until_ms ? next_ms : item->node->paused_until_ms;
}

void agenda_run_next(struct agenda *agenda, struct sim *sim)
{
    struct agenda_item *item = agenda->count > 0 ? take(agenda) : NULL;

    if (item == NULL)
        return;
    if (item->node == NULL || item->node->life == item->life) {
        if (item->node != NULL && item->node->paused_until_ms > item->at_ms) {
            put(agenda, item, postponed_ms(item));
            return;
        }
        item->run(sim, item->node, item->argument, item->owned);
    }
    free(item->owned);
    free(item);
}

void agenda_free(struct agenda *agenda)
{
    while (agenda->count > 0) {
        struct agenda_item *item = take(agenda);

        free(item->owned);
        free(item);
    }
    free(agenda->heap);
    *agenda = (struct agenda){0};
}
