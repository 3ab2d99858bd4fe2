/* Counting into buckets. It does not know what is counted, nor its unit. */
#include "lib/base/histogram.h"

#include <assert.h>

/* There is one writer, so nothing is lost between the two. */
static void add(atomic_uint_fast64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value,
                          memory_order_relaxed);
}

void m4h_histogram_init(struct m4h_histogram *histogram, const uint64_t *bounds, size_t bound_count)
{
    assert(bound_count <= M4H_HISTOGRAM_BOUNDS_MAX);
    histogram->bounds = bounds;
    histogram->bound_count = bound_count;
    for (size_t i = 0; i <= M4H_HISTOGRAM_BOUNDS_MAX; i++)
        atomic_init(&histogram->buckets[i], 0);
    atomic_init(&histogram->sum, 0);
}

void m4h_histogram_add(struct m4h_histogram *histogram, uint64_t value)
{
    size_t i = 0;

    while (i < histogram->bound_count && value > histogram->bounds[i])
        i++;
    add(&histogram->buckets[i], 1);
    add(&histogram->sum, value);
}

void m4h_histogram_gather(struct m4h_histogram *histogram, const struct m4h_histogram *other)
{
    assert(histogram->bounds == other->bounds);
    for (size_t i = 0; i <= histogram->bound_count; i++)
        add(&histogram->buckets[i], atomic_load_explicit(&other->buckets[i], memory_order_relaxed));
    add(&histogram->sum, atomic_load_explicit(&other->sum, memory_order_relaxed));
}

uint64_t m4h_histogram_count(const struct m4h_histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= histogram->bound_count; i++)
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    return count;
}
