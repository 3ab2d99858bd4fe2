/* Shared by lib/net's loop.c and listener.c only: listeners that rest because the
 * process has no file left. One timer serves all of a loop, and it is made with the
 * first listener: when there is need of it, there may be nothing to make it with.
 * On the loop's thread. */
#ifndef M4H_NET_REST_H
#define M4H_NET_REST_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

#include <stdbool.h>

struct m4h_rest;

/* Embedded in who rests; zeroed while it does not. */
struct m4h_rester {
    struct m4h_rester *prev, *next;
    bool rests;
};

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_rest_create(struct m4h_rest **rest, struct m4h_loop *loop);
/* Nobody may rest any more. Accepts NULL. */
void m4h_rest_close(struct m4h_rest *rest);

/* The loop's own, made when it is asked for first; NULL: no memory. */
struct m4h_rest *m4h_loop_rest(struct m4h_loop *loop);

/* Rests until the time is over for all that rest now, `ms` at most. `on_over` must
 * be the same for all. No effect on one that rests already. */
void m4h_rest_begin(struct m4h_rest *rest, struct m4h_rester *rester, uint64_t ms,
                    void (*on_over)(struct m4h_rester *rester));
/* Ends it early, without a call. No effect on one that does not rest. */
void m4h_rest_end(struct m4h_rest *rest, struct m4h_rester *rester);

#endif
