/* Requests over and over: how many are answered each second, and how long each one takes. */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

#include "client.h"
#include "lib/base/buffer.h"

struct requests_options {
    const char *url;
    const char *subject;
    unsigned in_flight; /* the next one leaves when one is answered */
    unsigned rate;      /* not 0: so many leave in a second, answered or not */
    unsigned seconds;
    unsigned count; /* not 0: so many, and no matter how long it takes */
    /* Writes the next request. */
    void (*make)(void *context, struct m4h_buffer *out);
    /* Whether the answer gives what was asked for. */
    bool (*is_good)(const uint8_t *data, size_t len);
    void *context;
};

/* Prints one line of JSON. Returns the exit code: 0 where all were answered. */
int requests_run(const struct requests_options *options);

#endif
