/* How many slots a region gives per second: a leaky bucket that lets a second's
 * worth through at once. Pure; the owner zeroes it. */
#ifndef M4H_MASTER_PACING_H
#define M4H_MASTER_PACING_H

#include <stdbool.h>
#include <stdint.h>

/* The longest that anybody is told to stay away, milliseconds. */
#define M4H_PACING_RETRY_MAX_MS 30000u

struct m4h_pacing {
    uint64_t full_at_us; /* when the slots given so far would have been due */
    uint64_t window_ms;  /* start of the second in which refusals are counted */
    uint32_t refused;    /* in that second */
    uint32_t refused_before;
};

/* 0: a slot may be given now (m4h_pacing_gave says that it was). Else how long
 * to wait, milliseconds: until there is room, and spread by `random` over the
 * time that the crowd which was refused lately will need. */
uint32_t m4h_pacing_wait(struct m4h_pacing *pacing, uint32_t slots_per_second, uint64_t now_ms,
                         uint64_t random);
void m4h_pacing_gave(struct m4h_pacing *pacing, uint32_t slots_per_second, uint64_t now_ms);
/* True where m4h_pacing_wait would be 0; counts nothing. */
bool m4h_pacing_has_room(const struct m4h_pacing *pacing, uint32_t slots_per_second,
                         uint64_t now_ms);

#endif
