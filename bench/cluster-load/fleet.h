/* Simulated slaves on a bus of their own: load events every 2 s, snapshots and kicks answered,
 * and on standard input what else they do. */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include <stdint.h>

struct fleet_options {
    const char *url;
    unsigned slaves;
    unsigned tunnels;       /* of all together, up from the beginning */
    const char *capacities; /* separated by commas; slaves take them in turn */
    const char *regions;    /* likewise */
    const char *gateway;    /* HOST:PORT, for probes; NULL: none */
};

/* Runs until standard input ends; returns the exit code. */
int fleet_run(const struct fleet_options *options);

#endif
