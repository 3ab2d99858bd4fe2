/*
 * Counts, reasons and latencies of a run, and how they are printed. Reasons are
 * grouped by their text; past REPORT_REASONS_MAX different ones, the rest share
 * the last group.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

struct latency {
    double p50_ms;
    double p99_ms;
    double max_ms;
};

int report_init(struct report *report, unsigned device_count)
{
    memset(report, 0, sizeof(*report));
    report->setup_ns = calloc(device_count, sizeof(*report->setup_ns));
    return report->setup_ns ? 0 : -1;
}

void report_clear(struct report *report)
{
    free(report->setup_ns);
    report->setup_ns = NULL;
}

static void count_reason(struct report *report, const char *text)
{
    struct report_reason *reason = report->reasons;
    const struct report_reason *end = reason + report->reason_count;

    while (reason < end && strcmp(reason->text, text) != 0)
        reason++;
    if (reason == end && report->reason_count < REPORT_REASONS_MAX) {
        report->reason_count++;
        if (report->reason_count == REPORT_REASONS_MAX)
            text = "other reasons";
        snprintf(reason->text, sizeof(reason->text), "%s", text);
    } else if (reason == end) {
        reason--;
    }
    reason->count++;
}

void report_up(struct report *report, uint64_t setup_ns)
{
    report->setup_ns[report->up_count++] = setup_ns;
}

void report_failed(struct report *report, const char *reason)
{
    report->failed_count++;
    count_reason(report, reason);
}

void report_lost(struct report *report, const char *reason)
{
    report->lost_count++;
    count_reason(report, reason);
}

static int compare_ns(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* Nearest rank: the smallest value that `percent` of all do not exceed. */
static double percentile_ms(const struct report *report, unsigned percent)
{
    uint64_t rank = ((uint64_t)report->up_count * percent + 99) / 100;

    return rank ? (double)report->setup_ns[rank - 1] / 1e6 : 0;
}

static struct latency summarise(struct report *report)
{
    qsort(report->setup_ns, report->up_count, sizeof(*report->setup_ns), compare_ns);
    return (struct latency){
        .p50_ms = percentile_ms(report, 50),
        .p99_ms = percentile_ms(report, 99),
        .max_ms = percentile_ms(report, 100),
    };
}

static void print_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < 0x20 || byte > 0x7e)
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

static void print_json(const struct report *report, FILE *out, double seconds, double per_second,
                       const struct latency *latency)
{
    fprintf(out,
            "{\"up\":%u,\"failed\":%u,\"seconds\":%.3f,\"tunnels_per_second\":%.1f,"
            "\"setup_ms\":{\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f},\"reasons\":[",
            report->up_count, report->failed_count, seconds, per_second, latency->p50_ms,
            latency->p99_ms, latency->max_ms);
    for (size_t i = 0; i < report->reason_count; i++) {
        fprintf(out, "%s{\"count\":%u,\"reason\":", i ? "," : "", report->reasons[i].count);
        print_json_string(out, report->reasons[i].text);
        fputc('}', out);
    }
    fputs("]}\n", out);
}

void report_print_reasons(const struct report *report, FILE *out)
{
    for (size_t i = 0; i < report->reason_count; i++)
        fprintf(out, "%u x %s\n", report->reasons[i].count, report->reasons[i].text);
}

void report_begin_return(struct report *report)
{
    report->failed_count = 0;
    report->reason_count = 0;
}

void report_print_return(const struct report *report, FILE *out, unsigned back_count,
                         uint64_t total_ns)
{
    fprintf(out, "back=%u seconds=%.3f failed=%u\n", back_count, (double)total_ns / 1e9,
            report->failed_count);
    report_print_reasons(report, stderr);
    fflush(out);
}

static void print_text(const struct report *report, FILE *out, double per_second,
                       const struct latency *latency)
{
    fprintf(out, "tunnels per second: %.0f\n", per_second);
    fprintf(out, "set-up latency in ms: p50 %.1f, p99 %.1f, max %.1f\n", latency->p50_ms,
            latency->p99_ms, latency->max_ms);
    report_print_reasons(report, out);
}

void report_print(struct report *report, FILE *out, bool json)
{
    double seconds = (double)report->total_ns / 1e9;
    double per_second = seconds > 0 ? report->up_count / seconds : 0;
    struct latency latency = summarise(report);

    fprintf(out, "up=%u failed=%u seconds=%.3f\n", report->up_count, report->failed_count, seconds);
    if (json)
        print_json(report, out, seconds, per_second, &latency);
    else
        print_text(report, out, per_second, &latency);
    fflush(out);
}
