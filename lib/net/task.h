/* Work that would hold a loop for too long, done once on a thread of its own. */
#ifndef M4H_NET_TASK_H
#define M4H_NET_TASK_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

struct m4h_task;

/* Begins: `run` on the thread, which must touch nothing that the loop touches meanwhile; then
 * `on_done` on the loop, where the task is closed. M4H_ENOMEM, M4H_ESYSTEM: nothing was done. */
M4H_MUST_CHECK int m4h_task_start(struct m4h_task **task, struct m4h_loop *loop,
                                  void (*run)(void *context), void (*on_done)(void *context),
                                  void *context);
/* Waits for `run` to end, which blocks where it has not; no callback any more. Legal in on_done.
 * Accepts NULL. */
void m4h_task_close(struct m4h_task *task);

#endif
