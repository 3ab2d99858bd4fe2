/* The peer of the dispatch: who answers each request with its own bytes and does nothing else,
 * as plain use of nats.c has it. */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include "lib/base/buffer.h"

/* Prints "ready" and answers until standard input ends, always with `answer` where it is not
 * NULL. Returns the exit code. */
int echo_run(const char *url, const char *subject, const struct m4h_buffer *answer);

#endif
