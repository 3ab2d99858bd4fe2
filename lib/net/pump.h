/* A pump runs something on a loop when any thread asks for it, or when a time
 * that the run itself named has come: how the bus delivers on its owner's loop. */
#ifndef M4H_NET_PUMP_H
#define M4H_NET_PUMP_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

struct m4h_pump;

/* Does the work, and returns when to run again at the latest (on the loop's
 * clock), UINT64_MAX for only when woken. */
typedef uint64_t (*m4h_pump_run)(void *context, uint64_t now_ms);

/* M4H_ENOMEM, M4H_ESYSTEM. The first run comes with the first wake. */
M4H_MUST_CHECK int m4h_pump_create(struct m4h_pump **pump, struct m4h_loop *loop, m4h_pump_run run,
                                   void *context);
/* Asks for a run; many asks may become one. Any thread, until m4h_pump_close:
 * whoever wakes must have ended before. Takes a struct m4h_pump as `void *`, so
 * that it fits where a callback with a context is wanted. */
void m4h_pump_wake(void *pump);
/* Asks for a run at the end of the loop's turn, before the loop waits again: many asks
 * within a turn are one, and none costs a system call. The loop's thread only. */
void m4h_pump_run_soon(void *pump);
/* No run any more; freed by the loop. Accepts NULL. */
void m4h_pump_close(struct m4h_pump *pump);

#endif
