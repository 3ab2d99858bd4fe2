/* The pace of a drain: how many devices are asked to leave at which moment, which ones,
 * and when the patience with those that are in use is over. Pure.
 *
 * Everybody is asked once, spread over `spread_ms`: in rounds at uneven intervals, in
 * each the share that is due, taken at random, so that neither one slave's devices nor
 * those of several that drain together come back in a rhythm. Who has no operator then
 * leaves; who has one goes on until it has none, at the latest until `deadline_ms`. */
#ifndef M4H_SLAVE_CORE_DRAIN_H
#define M4H_SLAVE_CORE_DRAIN_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_drain_plan {
    uint64_t spread_until_ms; /* when all have been asked */
    uint64_t deadline_ms;     /* when nobody may stay any longer; not before that */
    uint64_t give_up_ms;      /* when nobody is waited for any longer */
    uint64_t next_round_ms;
    uint64_t next_progress_ms;
    uint64_t random;
    uint32_t share;   /* of this round: still to be picked */
    uint32_t waiting; /* of this round: not looked at yet */
};

/* The drain begins. A deadline before the end of the spread is that end. */
void m4h_drain_plan_begin(struct m4h_drain_plan *plan, uint32_t spread_ms, uint32_t deadline_ms,
                          uint64_t seed, uint64_t now_ms);
/* There is no more time: the deadline is now, and who is not gone in a moment is given
 * up. It is never moved later. */
void m4h_drain_plan_hurry(struct m4h_drain_plan *plan, uint64_t now_ms);

/* Begins a round with `waiting` devices that have not been asked, and returns how many
 * are to be asked now; 0 also where no round is due. Then each of the waiting is shown
 * to m4h_drain_plan_picks, which is true for so many of them. */
uint32_t m4h_drain_plan_round(struct m4h_drain_plan *plan, uint32_t waiting, uint64_t now_ms);
M4H_MUST_CHECK bool m4h_drain_plan_picks(struct m4h_drain_plan *plan);

/* Nobody may stay. */
bool m4h_drain_plan_is_over(const struct m4h_drain_plan *plan, uint64_t now_ms);
/* Nobody is waited for. */
bool m4h_drain_plan_gives_up(const struct m4h_drain_plan *plan, uint64_t now_ms);
/* It is time to tell how far it is; true once for each such time. */
bool m4h_drain_plan_tells(struct m4h_drain_plan *plan, uint64_t now_ms);
/* When to look again. */
uint64_t m4h_drain_plan_next_ms(const struct m4h_drain_plan *plan, uint64_t now_ms);

#endif
