/* Writes metrics in Prometheus' text format 0.0.4. A service keeps its numbers
 * in its own structs and writes them all when it is asked, so counting costs
 * nothing but the addition. Not thread-safe: each writer has its own buffer. */
#ifndef M4H_BASE_METRICS_H
#define M4H_BASE_METRICS_H

#include "lib/base/buffer.h"
#include "lib/base/histogram.h"

/* One label; its value is escaped. */
struct m4h_metric_label {
    const char *name;
    const char *value;
};

struct m4h_metrics {
    struct m4h_buffer *out; /* borrowed */
    int error;              /* the first that befell, or 0 */
};

/* The HELP and TYPE lines ("counter", "gauge" or "histogram") of a metric; its values follow. */
void m4h_metrics_describe(struct m4h_metrics *metrics, const char *name, const char *type,
                          const char *help);
/* One value; `labels` may be NULL where `count` is 0. */
void m4h_metrics_value(struct m4h_metrics *metrics, const char *name,
                       const struct m4h_metric_label *labels, size_t count, double value);
/* All values of a histogram ("histogram" in its TYPE line): its buckets, _sum and
 * _count. `unit` is what one of its units is in the metric's, 1e-6 for microseconds as
 * seconds. Up to M4H_METRICS_LABELS_MAX labels. The count
 * is that of the buckets; the sum may be ahead of it by what is counted meanwhile. */
#define M4H_METRICS_LABELS_MAX 4
void m4h_metrics_histogram(struct m4h_metrics *metrics, const char *name,
                           const struct m4h_metric_label *labels, size_t count,
                           const struct m4h_histogram *histogram, double unit);
/* Both at once, for a metric without labels. */
void m4h_metrics_single(struct m4h_metrics *metrics, const char *name, const char *type,
                        const char *help, double value);
/* mas4h_build_info, process_resident_memory_bytes, process_open_fds,
 * process_max_fds, process_cpu_seconds_total, process_start_time_seconds. */
void m4h_metrics_process(struct m4h_metrics *metrics, const char *service);

#endif
