/* So many requests in flight, over and over: how many are answered each second, and how long
 * each one takes. */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

struct requests_options {
    const char *url;
    const char *subject;
    const char *region; /* "": any */
    unsigned in_flight;
    unsigned seconds;
    unsigned devices; /* requests name one of so many; 0: none */
};

/* Prints one line of JSON. Returns the exit code: 0 where all were answered. */
int requests_run(const struct requests_options *options);

#endif
