/* A timer on a loop: once after a delay, or again and again. */
#ifndef M4H_NET_TIMER_H
#define M4H_NET_TIMER_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

struct m4h_timer;

/* Makes a timer that does not run yet. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_timer_create(struct m4h_timer **timer, struct m4h_loop *loop,
                                    void (*on_time)(void *context), void *context);
/* (Re)starts: first after `delay_ms`, then every `repeat_ms` (0: only once). */
void m4h_timer_start(struct m4h_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void m4h_timer_stop(struct m4h_timer *timer);
/* No callback any more; freed by the loop. Legal in its own callback. Accepts NULL. */
void m4h_timer_close(struct m4h_timer *timer);

#endif
