/* When another slave may be called, and on which of the connections to it one more
 * operator goes. Pure. */
#ifndef M4H_SLAVE_CORE_HOP_PACE_H
#define M4H_SLAVE_CORE_HOP_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* After a call that failed the next one has to wait, twice as long each time. */
#define M4H_HOP_WAIT_MIN_MS 250u
#define M4H_HOP_WAIT_MAX_MS 5000u

/* Of one slave that is called. All zero: it may be. */
struct m4h_hop_pace {
    uint32_t failures; /* in a row */
    uint64_t after_ms; /* not before */
};

bool m4h_hop_pace_allows(const struct m4h_hop_pace *pace, uint64_t now_ms);
void m4h_hop_pace_failed(struct m4h_hop_pace *pace, uint64_t now_ms);
void m4h_hop_pace_worked(struct m4h_hop_pace *pace);

/* Which of `count` connections, with so many operators each, takes one more: the fullest
 * that has room, so that others may end. -1: none has. */
int m4h_hop_choose(const uint32_t *loads, size_t count, uint32_t load_max);

#endif
