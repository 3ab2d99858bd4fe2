/* How many slots a region or a slave gives per second: a leaky bucket that lets
 * some through at once. Pure; the owner zeroes it. */
#ifndef M4H_MASTER_PACING_H
#define M4H_MASTER_PACING_H

#include <stdbool.h>
#include <stdint.h>

/* The longest that anybody is told to stay away, milliseconds. */
#define M4H_PACING_RETRY_MAX_MS 30000u

struct m4h_pacing {
    uint64_t full_at_us; /* when the slots given so far would have been due */
    uint32_t burst_ms;   /* so much of time's worth goes through at once; 0: a second's */
    uint32_t rest_us;    /* of `full_at_us`, in parts of the rate: nothing is rounded away */
};

/* Refusals, and for how long the crowd that was refused stays away. */
struct m4h_crowd {
    uint64_t window_ms; /* start of the second in which refusals are counted */
    uint32_t refused;   /* in that second */
    uint32_t refused_before;
};

/* How long until there is room for one more, milliseconds; 0: now. A
 * `slots_per_second` of 0 is no limit. */
uint64_t m4h_pacing_wait_ms(const struct m4h_pacing *pacing, uint32_t slots_per_second,
                            uint64_t now_ms);
void m4h_pacing_gave(struct m4h_pacing *pacing, uint32_t slots_per_second, uint64_t now_ms);

/* Counts a refusal. Returns when to come back, milliseconds: after `wait_ms`, and
 * spread by `random` over the time that those who were refused lately will need. */
uint32_t m4h_crowd_refuse(struct m4h_crowd *crowd, uint64_t wait_ms, uint64_t slots_per_second,
                          uint64_t now_ms, uint64_t random);

#endif
