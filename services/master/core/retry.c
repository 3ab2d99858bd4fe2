/* Pauses between questions. */
#include "services/master/core/retry.h"

#define FIRST_PAUSE_MS 40u
/* A try that begins with less than that left is for nothing. */
#define LEFT_MIN_MS 20u

bool m4h_retry_pause(unsigned asks, uint32_t retry_after_ms, uint64_t left_ms, uint64_t random,
                     uint64_t *pause_ms)
{
    uint64_t pause;

    if (asks >= M4H_RETRY_ASKS_MAX)
        return false;
    pause = (uint64_t)FIRST_PAUSE_MS << (2 * (asks - 1));
    pause = pause / 2 + random % (pause / 2 + 1);
    if (pause < retry_after_ms)
        pause = retry_after_ms;
    if (pause + LEFT_MIN_MS > left_ms)
        return false;
    *pause_ms = pause;
    return true;
}
