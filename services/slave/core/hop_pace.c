/* See hop_pace.h. */
#include "services/slave/core/hop_pace.h"

/* 250 ms, five times doubled, is above the longest wait already. */
#define DOUBLINGS_MAX 5u

bool m4h_hop_pace_allows(const struct m4h_hop_pace *pace, uint64_t now_ms)
{
    return now_ms >= pace->after_ms;
}

void m4h_hop_pace_failed(struct m4h_hop_pace *pace, uint64_t now_ms)
{
    uint32_t doublings = pace->failures < DOUBLINGS_MAX ? pace->failures : DOUBLINGS_MAX;
    uint64_t wait_ms = (uint64_t)M4H_HOP_WAIT_MIN_MS << doublings;

    pace->failures++;
    pace->after_ms = now_ms + (wait_ms < M4H_HOP_WAIT_MAX_MS ? wait_ms : M4H_HOP_WAIT_MAX_MS);
}

void m4h_hop_pace_worked(struct m4h_hop_pace *pace)
{
    *pace = (struct m4h_hop_pace){0};
}

int m4h_hop_choose(const uint32_t *loads, size_t count, uint32_t load_max)
{
    int chosen = -1;

    for (size_t i = 0; i < count; i++) {
        if (loads[i] < load_max && (chosen < 0 || loads[i] > loads[chosen]))
            chosen = (int)i;
    }
    return chosen;
}
