/* Prometheus' text format, and the numbers that every process has. */
#include "lib/base/metrics.h"

#include "lib/base/error.h"
#include "lib/base/open_files.h"
#include "lib/base/walltime.h"

#include <assert.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void note(struct m4h_metrics *metrics, int error)
{
    if (metrics->error == 0)
        metrics->error = error;
}

void m4h_metrics_describe(struct m4h_metrics *metrics, const char *name, const char *type,
                          const char *help)
{
    note(metrics,
         m4h_buffer_printf(metrics->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type));
}

static void write_escaped(struct m4h_metrics *metrics, const char *value)
{
    for (; *value != '\0'; value++) {
        const char *escape = *value == '\\' ? "\\\\" : *value == '"' ? "\\\"" : "\\n";

        if (*value == '\\' || *value == '"' || *value == '\n')
            note(metrics, m4h_buffer_add(metrics->out, escape, 2));
        else
            note(metrics, m4h_buffer_add(metrics->out, value, 1));
    }
}

void m4h_metrics_value(struct m4h_metrics *metrics, const char *name,
                       const struct m4h_metric_label *labels, size_t count, double value)
{
    note(metrics, m4h_buffer_printf(metrics->out, "%s", name));
    for (size_t i = 0; i < count; i++) {
        note(metrics,
             m4h_buffer_printf(metrics->out, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name));
        write_escaped(metrics, labels[i].value);
        note(metrics, m4h_buffer_add(metrics->out, "\"", 1));
    }
    note(metrics, m4h_buffer_printf(metrics->out, "%s %.17g\n", count > 0 ? "}" : "", value));
}

/* A value of a histogram: `name` with an ending, and a bound as the last label. */
static void write_part(struct m4h_metrics *metrics, const char *name, const char *ending,
                       const struct m4h_metric_label *labels, size_t count, double value)
{
    char part[128];

    snprintf(part, sizeof(part), "%s%s", name, ending);
    m4h_metrics_value(metrics, part, labels, count, value);
}

void m4h_metrics_histogram(struct m4h_metrics *metrics, const char *name,
                           const struct m4h_metric_label *labels, size_t count,
                           const struct m4h_histogram *histogram, double unit)
{
    struct m4h_metric_label all[M4H_METRICS_LABELS_MAX + 1];
    uint64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    uint64_t total = 0;
    char bound[32];

    assert(count <= M4H_METRICS_LABELS_MAX);
    for (size_t i = 0; i < count; i++)
        all[i] = labels[i];
    all[count] = (struct m4h_metric_label){"le", bound};
    for (size_t i = 0; i <= histogram->bound_count; i++) {
        total += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        if (i < histogram->bound_count)
            snprintf(bound, sizeof(bound), "%g", (double)histogram->bounds[i] * unit);
        else
            snprintf(bound, sizeof(bound), "+Inf");
        write_part(metrics, name, "_bucket", all, count + 1, (double)total);
    }
    write_part(metrics, name, "_sum", labels, count, (double)sum * unit);
    write_part(metrics, name, "_count", labels, count, (double)total);
}

void m4h_metrics_single(struct m4h_metrics *metrics, const char *name, const char *type,
                        const char *help, double value)
{
    m4h_metrics_describe(metrics, name, type, help);
    m4h_metrics_value(metrics, name, NULL, 0, value);
}

static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long size, resident = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double start_seconds(void)
{
    FILE *file = fopen("/proc/self/stat", "re");
    unsigned long long ticks = 0;
    struct timespec up;

    if (file == NULL)
        return 0;
    /* Field 22; the program's name, field 2, has no space in it. */
    if (fscanf(file,
               "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
               "%*s %*s %*s %llu",
               &ticks) != 1)
        ticks = 0;
    fclose(file);
    clock_gettime(CLOCK_BOOTTIME, &up);
    return (double)m4h_walltime_now_ms() / 1000 - (double)up.tv_sec - (double)up.tv_nsec / 1e9 +
           (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void m4h_metrics_process(struct m4h_metrics *metrics, const char *service)
{
    const struct m4h_metric_label labels[] = {{"service", service}, {"version", M4H_VERSION}};
    struct rlimit files;

    m4h_metrics_describe(metrics, "mas4h_build_info", "gauge",
                         "Version of this service, always 1.");
    m4h_metrics_value(metrics, "mas4h_build_info", labels, M4H_COUNT(labels), 1);
    m4h_metrics_single(metrics, "process_resident_memory_bytes", "gauge",
                       "Resident memory of the process.", resident_bytes());
    m4h_metrics_single(metrics, "process_cpu_seconds_total", "counter",
                       "CPU time that the process has used.", cpu_seconds());
    m4h_metrics_single(metrics, "process_start_time_seconds", "gauge",
                       "Start of the process, seconds since 1970.", start_seconds());
    m4h_metrics_single(metrics, "process_open_fds", "gauge", "Open files.", m4h_open_files_count());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        m4h_metrics_single(metrics, "process_max_fds", "gauge", "Limit of open files.",
                           (double)files.rlim_cur);
}
