/* Signals of the process, delivered on a loop. */
#ifndef M4H_NET_SIGNALS_H
#define M4H_NET_SIGNALS_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

struct m4h_signals;

/* Delivers SIGTERM, SIGINT and SIGHUP to `on_signal`, and ignores SIGPIPE for
 * the whole process. One per process. M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_signals_start(struct m4h_signals **signals, struct m4h_loop *loop,
                                     void (*on_signal)(void *context, int number), void *context);
/* Freed by the loop. Accepts NULL. */
void m4h_signals_close(struct m4h_signals *signals);

#endif
