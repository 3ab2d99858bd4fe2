/* Kicks of tunnels that lost their client key. A kick that fails is tried again
 * with growing pauses while the tunnel is still there and still a loser; after
 * the last try it is left for the next snapshot of that slave. */
#include "services/master/io/service.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#define KICK_TIMEOUT_MS 2000u
#define PAUSE_FIRST_MS  500u
#define TRIES_MAX       6u
/* Kicks under way or waiting; beyond, a kick is given up at once. */
#define JOBS_MAX 65536u

struct m4h_kick_job {
    struct m4h_master *master;
    struct m4h_kick_job *prev, *next;
    struct m4h_heap_node waiting;
    uint64_t due_ms;
    unsigned tries;
    char slave_id[M4H_ID_MAX + 1];
    struct m4h_kick_request request;
};

static struct m4h_kick_job *job_of(const struct m4h_heap_node *node)
{
    return M4H_CONTAINER_OF(node, struct m4h_kick_job, waiting);
}

static bool before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return job_of(a)->due_ms < job_of(b)->due_ms;
}

static void log_job(enum m4h_log_level level, const struct m4h_kick_job *job, const char *reason,
                    const char *what)
{
    char device[2 * M4H_CLIENT_KEY_MAX], tunnel[M4H_TUNNEL_ID_TEXT_MAX];

    m4h_log(level, M4H_MASTER_LOG, "slave=%s device=%s tunnel=%s tries=%u reason=\"%s\" %s",
            job->slave_id, m4h_log_quote(device, sizeof(device), job->request.client_key),
            m4h_tunnel_id_format(job->request.tunnel_id, tunnel), job->tries, reason, what);
}

static void end(struct m4h_kick_job *job)
{
    struct m4h_master *master = job->master;

    m4h_heap_remove(&master->kicks_waiting, &job->waiting);
    DL_DELETE(master->kick_jobs, job);
    master->kick_count--;
    free(job);
}

static void give_up(struct m4h_kick_job *job, const char *reason)
{
    job->master->counters.kicks_given_up++;
    log_job(M4H_LOG_WARNING, job, reason, "the older connection is not kicked");
    end(job);
}

/* Waits for the next try, or gives up after the last. */
static void again(struct m4h_kick_job *job, const char *reason)
{
    struct m4h_master *master = job->master;

    if (job->tries == TRIES_MAX) {
        give_up(job, reason);
        return;
    }
    job->due_ms = m4h_loop_now_ms(master->loop) + ((uint64_t)PAUSE_FIRST_MS << job->tries);
    if (m4h_heap_insert(&master->kicks_waiting, &job->waiting) != 0)
        give_up(job, "out of memory");
}

static void on_reply(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_kick_job *job = context;
    struct m4h_problem problem = {0};

    if (error == 0)
        error = m4h_wire_kick_reply_decode(data, len, &problem);
    if (error != 0) {
        again(job, m4h_error_text(error));
    } else if (problem.code != 0 && problem.code != M4H_PROBLEM_NOT_FOUND) {
        again(job, m4h_problem_code_name(problem.code));
    } else {
        job->master->counters.kicks_done++;
        log_job(M4H_LOG_INFO, job, "replaced", "the older connection is kicked");
        end(job);
    }
}

static void try_kick(struct m4h_kick_job *job)
{
    struct m4h_master *master = job->master;
    char subject[M4H_ID_MAX + 64];
    uint64_t id;
    int error;

    if (!m4h_cluster_is_loser(master->cluster, job->slave_id, job->request.client_key,
                              job->request.tunnel_id)) {
        end(job);
        return;
    }
    job->tries++;
    snprintf(subject, sizeof(subject), "mas4h.v1.slave.%s.kick", job->slave_id);
    error = m4h_wire_kick_request_encode(&job->request, &master->out);
    if (error == 0)
        error = m4h_bus_request(master->bus, subject, master->out.data, master->out.len,
                                m4h_loop_now_ms(master->loop), KICK_TIMEOUT_MS, on_reply, job, &id);
    m4h_buffer_clear(&master->out);
    if (error != 0)
        again(job, m4h_error_text(error));
}

void m4h_master_kick(struct m4h_master *master, const struct m4h_effect *effect)
{
    struct m4h_kick_job *job = master->kick_count < JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;

    if (job == NULL) {
        master->counters.kicks_given_up++;
        return;
    }
    job->master = master;
    job->request.tunnel_id = effect->as.kick.tunnel_id;
    job->request.reason = M4H_DISCONNECT_REPLACED;
    m4h_text_copy(job->slave_id, sizeof(job->slave_id), effect->slave_id);
    m4h_text_copy(job->request.client_key, sizeof(job->request.client_key),
                  effect->as.kick.client_key);
    m4h_text_copy(job->request.actor, sizeof(job->request.actor), master->config->id);
    DL_APPEND(master->kick_jobs, job);
    master->kick_count++;
    try_kick(job);
}

uint64_t m4h_master_run_kicks(struct m4h_master *master)
{
    struct m4h_heap_node *first;

    while ((first = m4h_heap_first(&master->kicks_waiting)) != NULL) {
        struct m4h_kick_job *job = job_of(first);

        if (job->due_ms > m4h_loop_now_ms(master->loop))
            return job->due_ms;
        m4h_heap_remove(&master->kicks_waiting, &job->waiting);
        try_kick(job);
    }
    return UINT64_MAX;
}

void m4h_master_init_kicks(struct m4h_master *master)
{
    m4h_heap_init(&master->kicks_waiting, before);
}

void m4h_master_free_kicks(struct m4h_master *master)
{
    while (master->kick_jobs != NULL)
        end(master->kick_jobs);
    m4h_heap_free(&master->kicks_waiting);
}
