/* Rounds, shares and moments of a drain. It does not know who the devices are. */
#include "services/slave/core/drain.h"

/* Rounds are so long, half more or less. */
#define ROUND_MS 100u
/* Devices that were told to leave at the deadline get so long to be gone. */
#define GRACE_MS 2000u
/* And so long where the end is wanted at once. */
#define HURRY_GRACE_MS 500u
#define PROGRESS_MS    2000u

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Marsaglia's xorshift64: it spreads, no more. */
static uint64_t next_random(struct m4h_drain_plan *plan)
{
    plan->random ^= plan->random << 13;
    plan->random ^= plan->random >> 7;
    plan->random ^= plan->random << 17;
    return plan->random;
}

void m4h_drain_plan_begin(struct m4h_drain_plan *plan, uint32_t spread_ms, uint32_t deadline_ms,
                          uint64_t seed, uint64_t now_ms)
{
    *plan = (struct m4h_drain_plan){
        .spread_until_ms = now_ms + spread_ms,
        .deadline_ms = now_ms + (deadline_ms > spread_ms ? deadline_ms : spread_ms),
        .next_round_ms = now_ms,
        .next_progress_ms = now_ms + PROGRESS_MS,
        .random = seed != 0 ? seed : 1,
    };
    plan->give_up_ms = plan->deadline_ms + GRACE_MS;
}

void m4h_drain_plan_hurry(struct m4h_drain_plan *plan, uint64_t now_ms)
{
    plan->spread_until_ms = earlier(plan->spread_until_ms, now_ms);
    plan->deadline_ms = earlier(plan->deadline_ms, now_ms);
    plan->give_up_ms = earlier(plan->give_up_ms, now_ms + HURRY_GRACE_MS);
    plan->next_round_ms = earlier(plan->next_round_ms, now_ms);
}

uint32_t m4h_drain_plan_round(struct m4h_drain_plan *plan, uint32_t waiting, uint64_t now_ms)
{
    uint64_t left_ms, due;

    plan->waiting = waiting;
    plan->share = 0;
    if (now_ms < plan->next_round_ms)
        return 0;
    if (now_ms >= plan->spread_until_ms) {
        plan->share = waiting;
        return waiting;
    }
    plan->next_round_ms =
        earlier(now_ms + ROUND_MS / 2 + next_random(plan) % (ROUND_MS + 1), plan->spread_until_ms);
    /* This round's part of the time that is left. What is left of the division decides
     * by chance, so that the last few do not all wait for the end. */
    left_ms = plan->spread_until_ms - now_ms;
    due = waiting * (plan->next_round_ms - now_ms);
    plan->share = (uint32_t)(due / left_ms) + (next_random(plan) % left_ms < due % left_ms);
    return plan->share;
}

bool m4h_drain_plan_picks(struct m4h_drain_plan *plan)
{
    bool picked;

    if (plan->waiting == 0)
        return false;
    picked = next_random(plan) % plan->waiting < plan->share;
    plan->waiting--;
    plan->share -= picked;
    return picked;
}

bool m4h_drain_plan_is_over(const struct m4h_drain_plan *plan, uint64_t now_ms)
{
    return now_ms >= plan->deadline_ms;
}

bool m4h_drain_plan_gives_up(const struct m4h_drain_plan *plan, uint64_t now_ms)
{
    return now_ms >= plan->give_up_ms;
}

bool m4h_drain_plan_tells(struct m4h_drain_plan *plan, uint64_t now_ms)
{
    if (now_ms < plan->next_progress_ms)
        return false;
    plan->next_progress_ms = now_ms + PROGRESS_MS;
    return true;
}

uint64_t m4h_drain_plan_next_ms(const struct m4h_drain_plan *plan, uint64_t now_ms)
{
    uint64_t next_ms = earlier(plan->next_progress_ms, plan->give_up_ms);

    if (now_ms < plan->spread_until_ms)
        next_ms = earlier(next_ms, plan->next_round_ms);
    if (now_ms < plan->deadline_ms)
        next_ms = earlier(next_ms, plan->deadline_ms);
    return next_ms > now_ms ? next_ms : now_ms + 1;
}
