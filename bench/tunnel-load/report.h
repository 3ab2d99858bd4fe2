#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define REPORT_REASONS_MAX 16

struct report_reason {
    char text[160];
    unsigned count;
};

/* What became of a run's set-ups, and of its tunnels afterwards. */
struct report {
    unsigned up_count;
    unsigned failed_count;
    unsigned lost_count; /* were up, ended before they were told to */
    uint64_t total_ns;
    uint64_t *setup_ns; /* `up_count` of them; sorted by report_print() */
    struct report_reason reasons[REPORT_REASONS_MAX];
    size_t reason_count;
};

/* Returns 0, or -1 without memory. */
int report_init(struct report *report, unsigned device_count);
void report_clear(struct report *report);

void report_up(struct report *report, uint64_t setup_ns);
void report_failed(struct report *report, const char *reason);
void report_lost(struct report *report, const char *reason);

/* One line `up=N failed=F seconds=S`, for a script to wait for, then the rest as
 * text or as one line of JSON. */
void report_print(struct report *report, FILE *out, bool json);

/* Forgets what failed so far, before something else is counted. */
void report_begin_return(struct report *report);
/* `back=N seconds=S failed=F` and the reasons. */
void report_print_return(const struct report *report, FILE *out, unsigned back_count,
                         uint64_t total_ns);

/* The reasons of all that failed or was lost so far, one line each. */
void report_print_reasons(const struct report *report, FILE *out);

#endif
