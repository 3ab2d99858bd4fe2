#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stdint.h>

/* What all echoes of a run did together. */
struct echo_totals {
    uint64_t channels;
    uint64_t bytes;
};

/* The operators' connections of one device, each sent back byte for byte, its end
 * included. Starts as all zero. */
struct echo_set {
    struct echo *first;
};

/* Take over `channel`, just accepted. Legal inside a libssh callback. `*totals`
 * must outlive the set. Returns false without memory; the channel is then still
 * the caller's. */
bool echo_set_add(struct echo_set *set, ssh_channel channel, struct echo_totals *totals);

/* Move what can be moved and drop what has ended. Returns true when a second call
 * would get further without anything new from the server. Not to be called from a
 * libssh callback. */
bool echo_set_serve(struct echo_set *set);

/* Close and free all channels. Call it before their session is freed. */
void echo_set_clear(struct echo_set *set);

#endif
