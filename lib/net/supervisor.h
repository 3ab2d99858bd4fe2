/* The service manager that started this process, systemd or one that speaks like it
 * (sd_notify(3)): it is told when the service is ready, reloads and ends, and, where it
 * asks for that (WatchdogSec=), again and again that the service lives. Where nobody
 * asked (no NOTIFY_SOCKET) or the build has no libsystemd, all this does nothing.
 * On the thread of its loop. A message that cannot be sent is lost. A supervisor that is
 * NULL is told nothing. */
#ifndef M4H_NET_SUPERVISOR_H
#define M4H_NET_SUPERVISOR_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_supervisor;

/* `is_alive` is asked three times in each period of the watchdog; as long as it says
 * no, the supervisor hears nothing, and in the end it kills the process. NULL: the loop
 * turns, that is sign enough. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_supervisor_create(struct m4h_supervisor **supervisor, struct m4h_loop *loop,
                                         bool (*is_alive)(void *context), void *context);

/* READY=1: the start, or a reload, is over. */
void m4h_supervisor_ready(struct m4h_supervisor *supervisor);
/* RELOADING=1, to be followed by ready. */
void m4h_supervisor_reloading(struct m4h_supervisor *supervisor);
/* STOPPING=1, and that the end may take so long (EXTEND_TIMEOUT_USEC=). */
void m4h_supervisor_stopping(struct m4h_supervisor *supervisor, uint64_t within_ms);
/* STATUS=: one line for systemctl status; told only when it is another than before. */
void m4h_supervisor_status(struct m4h_supervisor *supervisor, const char *format, ...)
    M4H_PRINTF(2, 3);

/* No question any more; freed by the loop. Accepts NULL. */
void m4h_supervisor_close(struct m4h_supervisor *supervisor);

#endif
