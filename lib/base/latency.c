/* The bounds of latencies, and the clock for them. */
#include "lib/base/latency.h"

#include "lib/base/attributes.h"

#include <time.h>

static const uint64_t short_us[] = {5,    10,   25,    50,    100,   250,    500,    1000,
                                    2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000};
static const uint64_t long_us[] = {250,     500,     1000,     2500,    5000,   10000,
                                   25000,   50000,   100000,   250000,  500000, 1000000,
                                   2500000, 5000000, 10000000, 30000000};

void m4h_latency_init_short(struct m4h_histogram *histogram)
{
    m4h_histogram_init(histogram, short_us, M4H_COUNT(short_us));
}

void m4h_latency_init(struct m4h_histogram *histogram)
{
    m4h_histogram_init(histogram, long_us, M4H_COUNT(long_us));
}

uint64_t m4h_latency_clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void m4h_latency_add(struct m4h_histogram *histogram, uint64_t began_us)
{
    m4h_histogram_add(histogram, m4h_latency_clock_us() - began_us);
}
