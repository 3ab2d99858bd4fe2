/* An event loop, and the thread that runs it: everything created on a loop is
 * used and closed on that thread only, unless its header says otherwise. */
#ifndef M4H_NET_LOOP_H
#define M4H_NET_LOOP_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_metrics;
struct m4h_loop;

/* `*loop` is NULL on error: M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_loop_create(struct m4h_loop **loop);

/* Runs until m4h_loop_stop, on the calling thread. */
void m4h_loop_run(struct m4h_loop *loop);
/* Makes m4h_loop_run return after this turn. From the loop's thread. */
void m4h_loop_stop(struct m4h_loop *loop);

/* Lets what was closed finish closing, then frees. All handles must have been
 * closed before (a bug otherwise). Accepts NULL. */
void m4h_loop_destroy(struct m4h_loop *loop);

/* Monotonic milliseconds, cached at the start of each turn. */
uint64_t m4h_loop_now_ms(const struct m4h_loop *loop);

/* How long this turn has kept it busy so far; for those that can let others go first. */
uint64_t m4h_loop_busy_us(const struct m4h_loop *loop);

/* How long its turns kept it busy: so long what came meanwhile had to wait.
 * mas4h_loop_lag_seconds by loop, whose HELP and TYPE are written by the first call:
 * `describe`. Any thread. */
void m4h_loop_write_lag(const struct m4h_loop *loop, const char *name, bool describe,
                        struct m4h_metrics *metrics);

/* For the modules in lib/net: the libuv loop inside. */
struct uv_loop_s *m4h_loop_uv(struct m4h_loop *loop);

#endif
