#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include <stdbool.h>

struct fleet_options {
    const char *host;
    const char *port;
    const char *user;
    const char *bind_address;
    const char *keys_dir;
    const char *ports_file; /* NULL: none */
    unsigned device_count;
    unsigned in_flight_max;
    unsigned setup_timeout_seconds;
    unsigned hold_seconds;
    bool hold_until_stdin_eof;
    unsigned reconnect_ms; /* 0: who is lost stays away */
    bool echo;
    bool json;
};

/* Set up all tunnels, report on stdout, hold, hang up. SIGINT and SIGTERM end it
 * early. Returns the exit code of the program: 0 when every tunnel came up and
 * stayed up to the end. */
int fleet_run(const struct fleet_options *options);

#endif
