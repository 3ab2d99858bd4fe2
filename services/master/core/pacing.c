/* The pace of a region's slots. */
#include "services/master/core/pacing.h"

#define SECOND_US 1000000u
#define SECOND_MS 1000u

static uint64_t interval_us(uint32_t slots_per_second)
{
    return SECOND_US / slots_per_second;
}

/* Microseconds until the bucket has room for one more; 0: it has. */
static uint64_t wait_us(const struct m4h_pacing *pacing, uint32_t slots_per_second, uint64_t now_ms)
{
    uint64_t room_until_us = now_ms * 1000 + SECOND_US;
    uint64_t needed_us = pacing->full_at_us + interval_us(slots_per_second);

    return needed_us > room_until_us ? needed_us - room_until_us : 0;
}

/* Counts a refusal; returns how many there were in the last second or so. */
static uint32_t count_refusal(struct m4h_pacing *pacing, uint64_t now_ms)
{
    if (now_ms - pacing->window_ms >= 2 * SECOND_MS) {
        pacing->refused = 0;
        pacing->refused_before = 0;
        pacing->window_ms = now_ms;
    } else if (now_ms - pacing->window_ms >= SECOND_MS) {
        pacing->refused_before = pacing->refused;
        pacing->refused = 0;
        pacing->window_ms += SECOND_MS;
    }
    pacing->refused++;
    return pacing->refused > pacing->refused_before ? pacing->refused : pacing->refused_before;
}

bool m4h_pacing_has_room(const struct m4h_pacing *pacing, uint32_t slots_per_second,
                         uint64_t now_ms)
{
    return slots_per_second == 0 || wait_us(pacing, slots_per_second, now_ms) == 0;
}

uint32_t m4h_pacing_wait(struct m4h_pacing *pacing, uint32_t slots_per_second, uint64_t now_ms,
                         uint64_t random)
{
    uint64_t wait, spread;

    if (m4h_pacing_has_room(pacing, slots_per_second, now_ms))
        return 0;
    wait = wait_us(pacing, slots_per_second, now_ms) / 1000 + 1;
    spread = (uint64_t)count_refusal(pacing, now_ms) * SECOND_MS / slots_per_second;
    if (spread < SECOND_MS)
        spread = SECOND_MS;
    if (spread > M4H_PACING_RETRY_MAX_MS - SECOND_MS)
        spread = M4H_PACING_RETRY_MAX_MS - SECOND_MS;
    return (uint32_t)(wait + random % spread);
}

void m4h_pacing_gave(struct m4h_pacing *pacing, uint32_t slots_per_second, uint64_t now_ms)
{
    if (slots_per_second == 0)
        return;
    if (pacing->full_at_us < now_ms * 1000)
        pacing->full_at_us = now_ms * 1000;
    pacing->full_at_us += interval_us(slots_per_second);
}
