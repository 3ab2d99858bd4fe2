/* The hybrid logical clock. */
#include "lib/base/stamp.h"

static uint64_t at_wall(uint64_t wall_ms)
{
    return wall_ms << 16;
}

bool m4h_stamp_is_near(uint64_t wall_ms, uint64_t stamp)
{
    return stamp <= at_wall(wall_ms + M4H_STAMP_LEAD_MAX_MS);
}

uint64_t m4h_stamp_next(struct m4h_stamp_clock *clock, uint64_t wall_ms, uint64_t owner)
{
    uint64_t stamp = at_wall(wall_ms);

    m4h_stamp_see(clock, wall_ms, owner);
    if (stamp <= clock->latest)
        stamp = clock->latest + 1;
    clock->latest = stamp;
    if (stamp <= owner)
        stamp = owner < UINT64_MAX ? owner + 1 : owner;
    return stamp;
}

void m4h_stamp_see(struct m4h_stamp_clock *clock, uint64_t wall_ms, uint64_t stamp)
{
    if (stamp > clock->latest && m4h_stamp_is_near(wall_ms, stamp))
        clock->latest = stamp;
}

bool m4h_stamp_wins(uint64_t stamp_a, uint64_t tunnel_a, uint64_t stamp_b, uint64_t tunnel_b)
{
    return stamp_a != stamp_b ? stamp_a > stamp_b : tunnel_a > tunnel_b;
}
