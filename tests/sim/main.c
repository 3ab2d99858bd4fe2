/* sim: runs the simulated cluster from many seeds, or from one. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS_DEFAULT 200u
#define TOLD_EVERY    1000u

static volatile uint64_t seed_now;

static const char usage[] =
    "usage: sim [--seeds N] [--from SEED] | --seed SEED [--steps N] [-v]\n"
    "  --seeds N   runs N seeds (200), from 1 or --from on\n"
    "  --seed S    runs this one\n"
    "  --meets-all fails where some kind of fault or effect never happened\n"
    "  --steps N   ends it after so many steps\n"
    "  -v          prints what happens\n";

/* A crash names its seed as a broken rule does. */
static void on_crash(int number)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "seed %" PRIu64 " crashes: signal %d\n",
                       (uint64_t)seed_now, number);

    if (write(STDOUT_FILENO, text, (size_t)len) < 0)
        _exit(2);
    signal(number, SIG_DFL);
    raise(number);
}

static uint64_t number_of(const char *text)
{
    char *end;
    uint64_t number = text != NULL ? strtoull(text, &end, 10) : 0;

    if (text == NULL || end == text || *end != '\0') {
        fputs(usage, stderr);
        exit(2);
    }
    return number;
}

/* What happened how often. False: something never did, where all of it has to. */
static bool print_coverage(const struct sim_coverage *coverage, bool meets_all)
{
    static const struct {
        const char *name;
        size_t place;
    } counters[] = {
#define COUNTER(member) {#member, offsetof(struct sim_coverage, member)}
        COUNTER(steps),        COUNTER(events),
        COUNTER(faults),       COUNTER(tunnels),
        COUNTER(slots),        COUNTER(refused_slots),
        COUNTER(kicks),        COUNTER(duplicates),
        COUNTER(old_epochs),   COUNTER(wrong_regions),
        COUNTER(gaps),         COUNTER(digest_mismatches),
        COUNTER(snapshots),    COUNTER(snapshots_failed),
        COUNTER(lost_slaves),  COUNTER(acknowledged),
        COUNTER(shared),       COUNTER(taken_back),
        COUNTER(throttled),    COUNTER(not_taken),
        COUNTER(stored_again),
#undef COUNTER
    };
    bool met = true;

    for (size_t i = 0; i < M4H_COUNT(counters); i++) {
        uint64_t count;

        memcpy(&count, (const char *)coverage + counters[i].place, sizeof(count));
        printf("  %s %" PRIu64 "\n", counters[i].name, count);
        if (count > 0 || !meets_all)
            continue;
        printf("%s: it never happened, so nothing is shown about it\n", counters[i].name);
        met = false;
    }
    return met;
}

int main(int argc, char **argv)
{
    uint64_t from = 1, seeds = SEEDS_DEFAULT;
    struct sim_options options = {0};
    struct sim_coverage coverage = {0};
    bool meets_all = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            options.verbose = true;
        else if (strcmp(argv[i], "--meets-all") == 0)
            meets_all = true;
        else if (strcmp(argv[i], "--seeds") == 0)
            seeds = number_of(argv[++i]);
        else if (strcmp(argv[i], "--from") == 0)
            from = number_of(argv[++i]);
        else if (strcmp(argv[i], "--steps") == 0)
            options.steps_max = number_of(argv[++i]);
        else if (strcmp(argv[i], "--seed") == 0) {
            from = number_of(argv[++i]);
            seeds = 1;
        } else {
            fputs(usage, stderr);
            return 2;
        }
    }
    signal(SIGSEGV, on_crash);
    signal(SIGABRT, on_crash);
    for (options.seed = from; options.seed < from + seeds; options.seed++) {
        seed_now = options.seed;
        sim_run(&options, &coverage);
        if ((options.seed - from + 1) % TOLD_EVERY == 0) {
            printf("%" PRIu64 " seeds so far\n", options.seed - from + 1);
            fflush(stdout);
        }
    }
    printf("%" PRIu64 " seeds keep all rules\n", seeds);
    return print_coverage(&coverage, meets_all) ? 0 : 1;
}
