/* Whether a question to a server is asked again, and when: three times at most, after pauses that
 * grow and are spread, and only where an answer may still come in time. Pure. */
#ifndef M4H_MASTER_RETRY_H
#define M4H_MASTER_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define M4H_RETRY_ASKS_MAX 3u

/* After `asks` of them (at least 1) have failed, with `left_ms` until the answer is too late.
 * `retry_after_ms` is what the server said, 0 where it did not. False: it is not asked again. */
bool m4h_retry_pause(unsigned asks, uint32_t retry_after_ms, uint64_t left_ms, uint64_t random,
                     uint64_t *pause_ms);

#endif
