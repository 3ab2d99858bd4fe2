/* What is to happen in a simulation, in order of time; at one time in order of being put in.
 * An item belongs to a node, and to one life of it: when the node has died meanwhile, it
 * does not happen; when it is stopped, it happens as soon as it goes on. One thread; memory that is
 * short ends the program. */
#ifndef M4H_SIM_AGENDA_H
#define M4H_SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;
struct node;
struct agenda_item;

/* `node` is NULL where the item was put in for none. */
typedef void (*agenda_run)(struct sim *sim, struct node *node, uint64_t argument, void *owned);

struct agenda {
    struct agenda_item **heap; /* owned */
    size_t count;
    size_t allocated;
    uint64_t put;
};

/* `owned` is freed after the run, or instead of it; may be NULL. */
void agenda_put(struct agenda *agenda, uint64_t at_ms, struct node *node, agenda_run run,
                uint64_t argument, void *owned);
/* When the next one is; UINT64_MAX: there is none. */
uint64_t agenda_next_ms(const struct agenda *agenda);
/* Runs the next one, if there is one and its node still lives. */
void agenda_run_next(struct agenda *agenda, struct sim *sim);
void agenda_free(struct agenda *agenda);

#endif
