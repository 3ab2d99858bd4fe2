/* How long things take: the clock, and histograms of microseconds whose bounds are the same
 * wherever such a thing is counted, so that they can be added and compared. */
#ifndef M4H_BASE_LATENCY_H
#define M4H_BASE_LATENCY_H

#include "lib/base/histogram.h"

#include <stdint.h>

/* What one unit of these histograms is in seconds, for m4h_metrics_histogram. */
#define M4H_LATENCY_UNIT 1e-6

/* For what is done within one service: 5 us to 1 s. */
void m4h_latency_init_short(struct m4h_histogram *histogram);
/* For what others have a part in, by the network: 250 us to 30 s. */
void m4h_latency_init(struct m4h_histogram *histogram);

/* Monotonic microseconds, read now. Any thread. */
uint64_t m4h_latency_clock_us(void);
/* Counts what began at `began_us` and ends now. By the one thread that counts. */
void m4h_latency_add(struct m4h_histogram *histogram, uint64_t began_us);

#endif
