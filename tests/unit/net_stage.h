/* What the tests of lib/net share: running a loop until something is so, and
 * pairs of sockets. One thread. What cannot be had fails the test. */
#ifndef M4H_TESTS_NET_STAGE_H
#define M4H_TESTS_NET_STAGE_H

#include "lib/net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A loop for each test, in `*state`. */
int stage_begin(void **state);
int stage_end(void **state);

/* Runs the loop until `is_done` says so; after 10 s the test fails. */
void run_until(struct m4h_loop *loop, bool (*is_done)(void *context), void *context);
/* For what must not happen: lets it have so many milliseconds to happen. */
void run_for(struct m4h_loop *loop, uint64_t ms);

/* Two ends of one TCP connection over the loopback. */
void tcp_pair(int fds[2]);
/* Two ends of a local stream; its buffers are small where `small`. */
void local_pair(int fds[2], bool small);
/* Ends a TCP connection by a reset. */
void reset_connection(int fd);

#endif
