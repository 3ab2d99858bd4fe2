/* Stamps order the connections of one device, whichever slaves they are on: a
 * hybrid logical clock (Kulkarni et al. 2014) with wall milliseconds in the
 * upper 48 bits and a counter in the lower 16. A slave whose clock is behind is
 * pushed forward by the stamps that it sees. Pure. */
#ifndef M4H_BASE_STAMP_H
#define M4H_BASE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/* How far a stamp from outside may push the clock ahead of our own wall time:
 * one slave with a broken clock must not carry the whole cluster along. */
#define M4H_STAMP_LEAD_MAX_MS (24u * 3600u * 1000u)

struct m4h_stamp_clock {
    uint64_t latest; /* the highest stamp made or seen */
};

/* Makes a stamp later than all that this clock made or saw, and later than
 * `owner` (0: none) however far ahead that is: the newest connection must win.
 * An owner too far ahead to be seen leaves the clock where it is. */
uint64_t m4h_stamp_next(struct m4h_stamp_clock *clock, uint64_t wall_ms, uint64_t owner);

/* Takes note of a stamp from elsewhere; ignores one too far ahead. */
void m4h_stamp_see(struct m4h_stamp_clock *clock, uint64_t wall_ms, uint64_t stamp);

/* Whether that is a stamp of about now, or earlier: not too far ahead of our own clock. */
bool m4h_stamp_is_near(uint64_t wall_ms, uint64_t stamp);

/* True where (stamp, tunnel_id) `a` owns the client key rather than `b`. */
bool m4h_stamp_wins(uint64_t stamp_a, uint64_t tunnel_a, uint64_t stamp_b, uint64_t tunnel_b);

#endif
