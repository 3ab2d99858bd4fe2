/* Pings. The thread only ever waits in natsConnection_FlushTimeout: reading and
 * writing the socket is left to the bus's own thread. */
#include "lib/bus/probe.h"

#include "lib/base/error.h"
#include "lib/bus/wake.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct m4h_probe {
    natsConnection *connection; /* borrowed */
    int wake_fd;                /* borrowed */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum m4h_probe_state state;
    uint64_t timeout_ms;
    bool stopping;
};

/* Waits for a question. False: it must end. */
static bool wait_for_question(struct m4h_probe *probe, uint64_t *timeout_ms)
{
    bool asked;

    pthread_mutex_lock(&probe->mutex);
    while (probe->state != M4H_PROBE_UNDER_WAY && !probe->stopping)
        pthread_cond_wait(&probe->changed, &probe->mutex);
    asked = !probe->stopping;
    *timeout_ms = probe->timeout_ms;
    pthread_mutex_unlock(&probe->mutex);
    return asked;
}

static void *run(void *argument)
{
    struct m4h_probe *probe = argument;
    uint64_t timeout_ms;

    while (wait_for_question(probe, &timeout_ms)) {
        natsStatus status = natsConnection_FlushTimeout(probe->connection, (int64_t)timeout_ms);

        pthread_mutex_lock(&probe->mutex);
        probe->state = status == NATS_OK ? M4H_PROBE_ANSWERED : M4H_PROBE_FAILED;
        pthread_mutex_unlock(&probe->mutex);
        m4h_wake(probe->wake_fd);
    }
    nats_ReleaseThreadMemory();
    return NULL;
}

int m4h_probe_start(struct m4h_probe **probe, natsConnection *connection, int wake_fd)
{
    struct m4h_probe *made = calloc(1, sizeof(*made));

    *probe = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->connection = connection;
    made->wake_fd = wake_fd;
    if (pthread_mutex_init(&made->mutex, NULL) != 0)
        goto no_mutex;
    if (pthread_cond_init(&made->changed, NULL) != 0)
        goto no_cond;
    if (pthread_create(&made->thread, NULL, run, made) != 0)
        goto no_thread;
    *probe = made;
    return 0;

no_thread:
    pthread_cond_destroy(&made->changed);
no_cond:
    pthread_mutex_destroy(&made->mutex);
no_mutex:
    free(made);
    return M4H_ESYSTEM;
}

void m4h_probe_stop(struct m4h_probe *probe)
{
    if (probe == NULL)
        return;
    pthread_mutex_lock(&probe->mutex);
    probe->stopping = true;
    pthread_cond_signal(&probe->changed);
    pthread_mutex_unlock(&probe->mutex);
    pthread_join(probe->thread, NULL);
    pthread_cond_destroy(&probe->changed);
    pthread_mutex_destroy(&probe->mutex);
    free(probe);
}

void m4h_probe_ask(struct m4h_probe *probe, uint64_t timeout_ms)
{
    pthread_mutex_lock(&probe->mutex);
    if (probe->state != M4H_PROBE_UNDER_WAY) {
        probe->state = M4H_PROBE_UNDER_WAY;
        probe->timeout_ms = timeout_ms;
        pthread_cond_signal(&probe->changed);
    }
    pthread_mutex_unlock(&probe->mutex);
}

enum m4h_probe_state m4h_probe_state(struct m4h_probe *probe)
{
    enum m4h_probe_state state;

    pthread_mutex_lock(&probe->mutex);
    state = probe->state;
    pthread_mutex_unlock(&probe->mutex);
    return state;
}
