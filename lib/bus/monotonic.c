/* CLOCK_MONOTONIC, read and waited for. */
#include "lib/bus/monotonic.h"

#include "lib/base/error.h"

#include <time.h>

uint64_t m4h_monotonic_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int m4h_monotonic_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    int error;

    if (pthread_condattr_init(&attributes) != 0)
        return M4H_ESYSTEM;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0)
        error = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return error == 0 ? 0 : M4H_ESYSTEM;
}

void m4h_monotonic_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t until_ms)
{
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                             .tv_nsec = (long)(until_ms % 1000) * 1000000};

    if (until_ms == UINT64_MAX)
        pthread_cond_wait(cond, mutex);
    else
        pthread_cond_timedwait(cond, mutex, &until);
}
