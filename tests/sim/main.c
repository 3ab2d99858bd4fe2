/* sim: runs the simulated cluster from many seeds, or from one. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS_DEFAULT 200u

static volatile uint64_t seed_now;

static const char usage[] = "usage: sim [--seeds N] [--from SEED] | --seed SEED [--steps N] [-v]\n"
                            "  --seeds N   runs N seeds (200), from 1 or --from on\n"
                            "  --seed S    runs this one\n"
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

static void print_coverage(const struct sim_coverage *coverage)
{
#define PRINT(member) printf("  %s %" PRIu64 "\n", #member, coverage->member)
    PRINT(steps);
    PRINT(events);
    PRINT(faults);
    PRINT(tunnels);
    PRINT(slots);
    PRINT(refused_slots);
    PRINT(kicks);
    PRINT(duplicates);
    PRINT(old_epochs);
    PRINT(wrong_regions);
    PRINT(gaps);
    PRINT(digest_mismatches);
    PRINT(snapshots);
    PRINT(snapshots_failed);
    PRINT(lost_slaves);
#undef PRINT
}

int main(int argc, char **argv)
{
    uint64_t from = 1, seeds = SEEDS_DEFAULT;
    struct sim_options options = {0};
    struct sim_coverage coverage = {0};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            options.verbose = true;
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
    }
    printf("%" PRIu64 " seeds keep all rules\n", seeds);
    print_coverage(&coverage);
    return 0;
}
