/* Keys that a master is asked about. They are made from their numbers, so that all who need to
 * know them do, and nobody has their private halves: a master does not ask for a signature. */
#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H

#include "requests.h"

struct keys_options {
    unsigned first;   /* number of the first key */
    unsigned keys;    /* so many, asked about in turn */
    const char *file; /* keys or certificates, one on a line as in authorized_keys, instead; NULL */
};

/* Prints them as lines of authorized_keys. Returns the exit code. */
int keys_print(const struct keys_options *options);
/* Fills in what `requests` asks, and asks whose they are. */
int keys_ask(const struct keys_options *options, struct requests_options *requests);
/* Makes a record of each, as the masters keep them. */
int keys_record(const struct keys_options *options, struct requests_options *requests);
/* Answers each request with a yes, as a validator on the bus. Prints "ready"; until standard
 * input ends. */
int keys_validate(const char *url, const char *subject);

#endif
