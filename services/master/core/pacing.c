/* The pace of slots. */
#include "services/master/core/pacing.h"

#define SECOND_US 1000000u
#define SECOND_MS 1000u

uint64_t m4h_pacing_wait_ms(const struct m4h_pacing *pacing, uint32_t slots_per_second,
                            uint64_t now_ms)
{
    uint64_t burst_ms = pacing->burst_ms > 0 ? pacing->burst_ms : SECOND_MS;
    uint64_t room_until_us = (now_ms + burst_ms) * 1000, needed_us;

    if (slots_per_second == 0)
        return 0;
    needed_us = pacing->full_at_us + SECOND_US / slots_per_second;
    return needed_us > room_until_us ? (needed_us - room_until_us + 999) / 1000 : 0;
}

void m4h_pacing_gave(struct m4h_pacing *pacing, uint32_t slots_per_second, uint64_t now_ms)
{
    if (slots_per_second == 0)
        return;
    if (pacing->full_at_us < now_ms * 1000)
        pacing->full_at_us = now_ms * 1000;
    pacing->full_at_us += SECOND_US / slots_per_second;
    pacing->rest_us += SECOND_US % slots_per_second;
    if (pacing->rest_us >= slots_per_second) {
        pacing->full_at_us++;
        pacing->rest_us %= slots_per_second;
    }
}

/* Counts a refusal; returns how many there were in the last second or so. */
static uint32_t count(struct m4h_crowd *crowd, uint64_t now_ms)
{
    if (now_ms - crowd->window_ms >= 2 * SECOND_MS) {
        crowd->refused = 0;
        crowd->refused_before = 0;
        crowd->window_ms = now_ms;
    } else if (now_ms - crowd->window_ms >= SECOND_MS) {
        crowd->refused_before = crowd->refused;
        crowd->refused = 0;
        crowd->window_ms += SECOND_MS;
    }
    crowd->refused++;
    return crowd->refused > crowd->refused_before ? crowd->refused : crowd->refused_before;
}

uint32_t m4h_crowd_refuse(struct m4h_crowd *crowd, uint64_t wait_ms, uint64_t slots_per_second,
                          uint64_t now_ms, uint64_t random)
{
    uint64_t spread = count(crowd, now_ms);

    spread = spread * SECOND_MS / (slots_per_second > 0 ? slots_per_second : 1);
    if (wait_ms == 0)
        wait_ms = 1;
    if (wait_ms > SECOND_MS)
        wait_ms = SECOND_MS;
    if (spread < SECOND_MS)
        spread = SECOND_MS;
    if (spread > M4H_PACING_RETRY_MAX_MS - SECOND_MS)
        spread = M4H_PACING_RETRY_MAX_MS - SECOND_MS;
    return (uint32_t)(wait_ms + random % spread);
}
