/* How often a number was how large: counts in buckets, and a sum. One thread counts,
 * any thread may read; nothing is allocated and nobody waits. */
#ifndef M4H_BASE_HISTOGRAM_H
#define M4H_BASE_HISTOGRAM_H

#include "lib/base/attributes.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define M4H_HISTOGRAM_BOUNDS_MAX 16

struct m4h_histogram {
    const uint64_t *bounds; /* ascending; of static lifetime */
    size_t bound_count;
    /* Each counts what is above the bound before and not above its own; the one after
     * the last bound counts the rest. */
    atomic_uint_fast64_t buckets[M4H_HISTOGRAM_BOUNDS_MAX + 1];
    atomic_uint_fast64_t sum;
};

/* At most M4H_HISTOGRAM_BOUNDS_MAX bounds. */
void m4h_histogram_init(struct m4h_histogram *histogram, const uint64_t *bounds,
                        size_t bound_count);
/* By the one thread that counts. */
void m4h_histogram_add(struct m4h_histogram *histogram, uint64_t value);
/* Adds what another one with the same bounds has counted. By the one thread that counts into
 * `histogram`. */
void m4h_histogram_gather(struct m4h_histogram *histogram, const struct m4h_histogram *other);
/* How often, in all. Any thread. */
uint64_t m4h_histogram_count(const struct m4h_histogram *histogram);

#endif
