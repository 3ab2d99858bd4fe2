/* How long the turns of a loop keep it busy: so long whatever comes meanwhile has to
 * wait. Private to lib/net; for services there is m4h_loop_write_lag. */
#ifndef M4H_NET_LAG_H
#define M4H_NET_LAG_H

#include "lib/base/histogram.h"

#include <uv.h>

/* Embedded in the loop. */
struct m4h_lag {
    uv_prepare_t uv;
    uint64_t began_ns;              /* when the first of this turn was called; 0: nobody yet */
    struct m4h_histogram histogram; /* microseconds */
};

void m4h_lag_start(struct m4h_lag *lag, uv_loop_t *uv);
/* The memory goes with the loop, after a turn. */
void m4h_lag_close(struct m4h_lag *lag);

/* Something begins. Called first of all by everything of lib/net that libuv calls. */
void m4h_lag_begin(const uv_loop_t *uv);

#endif
