/* Does something once at the end of a loop's turn, before the loop waits again: what
 * many events of one turn add to is then handed on in one go. Loop's thread only. */
#ifndef M4H_NET_TURN_END_H
#define M4H_NET_TURN_END_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

struct m4h_turn_end;

/* Nothing is done before it is asked for. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_turn_end_create(struct m4h_turn_end **turn_end, struct m4h_loop *loop,
                                       void (*at_end)(void *context), void *context);
/* Asks for it; many asks within a turn are one. Costs no system call. Takes a struct
 * m4h_turn_end as `void *`, so that it fits where a callback with a context is wanted. */
void m4h_turn_end_ask(void *turn_end);
/* What was asked for is not done any more. Freed by the loop. Legal in its own
 * callback. Accepts NULL. */
void m4h_turn_end_close(struct m4h_turn_end *turn_end);

#endif
