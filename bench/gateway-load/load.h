/* Many WebSockets at one server, on one thread. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>

struct load_options {
    const char *address; /* IPv4, HOST:PORT */
    unsigned connections;
    unsigned in_flight; /* requests of each connection */
    unsigned seconds;
    unsigned at_a_time; /* connections that are being made */
    unsigned slots;     /* that each connection of a fleet asks for: 0 or 1 */
};

/* Opens all connections, then so many requests in flight on each, over and over, for `seconds`.
 * Prints one line of JSON. Returns the exit code: 0 where all were answered with a slot. */
int load_ask(const struct load_options *options);

/* Opens all connections, asks for the slots, prints how long that took as one line of JSON, and
 * holds the connections until stdin ends. Returns the exit code: 0 where all of it worked and no
 * connection was lost. */
int load_fleet(const struct load_options *options);

#endif
