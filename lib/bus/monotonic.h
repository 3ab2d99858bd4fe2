/* The clock of the bus's own thread, for its deadlines. Private to lib/bus; the
 * owner's deadlines use the owner's clock. */
#ifndef M4H_BUS_MONOTONIC_H
#define M4H_BUS_MONOTONIC_H

#include <pthread.h>
#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC. Any thread. */
uint64_t m4h_monotonic_now_ms(void);

/* A condition whose waits end by that clock. M4H_ESYSTEM. */
int m4h_monotonic_cond_init(pthread_cond_t *cond);
/* Waits until signalled or until `until_ms` (UINT64_MAX: for ever). */
void m4h_monotonic_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t until_ms);

#endif
