/* What is asked by who wants a slot. */
#ifndef BENCH_SLOTS_H
#define BENCH_SLOTS_H

#include "requests.h"

struct slots_options {
    const char *region; /* "": any */
    unsigned devices;   /* requests name one of so many; 0: none */
};

/* Fills in what `requests` asks, and asks. */
int slots_run(const struct slots_options *options, struct requests_options *requests);

#endif
