/* How fast bytes may go one way through a tunnel: a token bucket. It fills by
 * `bytes_per_second`, which is given at each call since a reload may change it (0: no
 * limit), and holds a tenth of a second of it, or 16 KB where that is less. Bytes that
 * have come already are taken in any case: the bucket goes below empty then, and what
 * follows waits the longer, up to 5 seconds. What goes without a limit is not held
 * against one that is set later. Times are monotonic. */
#ifndef M4H_SLAVE_CORE_RATE_H
#define M4H_SLAVE_CORE_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, it is full. */
struct m4h_rate {
    int64_t tokens; /* bytes, times 1000 */
    uint64_t filled_ms;
    bool is_unlimited; /* as it was asked last */
};

/* How many bytes may go now: SIZE_MAX without a limit. 0: ask again a little later; it
 * is 0 until there is a worthwhile piece. */
size_t m4h_rate_left(struct m4h_rate *rate, uint64_t bytes_per_second, uint64_t now_ms);
/* So many have gone, under the limit that m4h_rate_left was told last. */
void m4h_rate_take(struct m4h_rate *rate, size_t bytes);

#endif
