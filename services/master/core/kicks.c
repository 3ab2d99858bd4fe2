/* The kicks: a table by tunnel, and a heap of those that wait, by due time. */
#include "services/master/core/kicks.h"

#include "lib/base/error.h"
#include "lib/base/heap.h"
#include "services/master/core/cluster.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* What names a kick. Zeroed before it is filled: it is hashed as bytes. */
struct name {
    uint64_t tunnel_id;
    char slave_id[M4H_ID_MAX + 1];
};

struct job {
    UT_hash_handle hh;
    struct m4h_heap_node waiting; /* in no heap while it is under way */
    uint64_t due_ms;
    struct name name;
    uint32_t tries;
    char client_key[];
};

struct m4h_kicks {
    struct job *by_name; /* owned */
    struct m4h_heap waiting;
};

static struct job *job_of(const struct m4h_heap_node *node)
{
    return M4H_CONTAINER_OF(node, struct job, waiting);
}

static bool before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return job_of(a)->due_ms < job_of(b)->due_ms;
}

int m4h_kicks_create(struct m4h_kicks **kicks)
{
    *kicks = calloc(1, sizeof(**kicks));
    if (*kicks == NULL)
        return M4H_ENOMEM;
    m4h_heap_init(&(*kicks)->waiting, before);
    return 0;
}

static void end(struct m4h_kicks *kicks, struct job *job)
{
    m4h_heap_remove(&kicks->waiting, &job->waiting);
    HASH_DELETE(hh, kicks->by_name, job);
    free(job);
}

void m4h_kicks_destroy(struct m4h_kicks *kicks)
{
    if (kicks == NULL)
        return;
    while (kicks->by_name != NULL)
        end(kicks, kicks->by_name);
    m4h_heap_free(&kicks->waiting);
    free(kicks);
}

static struct job *find(const struct m4h_kicks *kicks, const char *slave_id, uint64_t tunnel_id)
{
    struct name name = {.tunnel_id = tunnel_id};
    struct job *job;

    m4h_text_copy(name.slave_id, sizeof(name.slave_id), slave_id);
    HASH_FIND(hh, kicks->by_name, &name, sizeof(name), job);
    return job;
}

/* Waits until `due_ms`. M4H_ENOMEM: it is where it was. */
static int wait_until(struct m4h_kicks *kicks, struct job *job, uint64_t due_ms)
{
    job->due_ms = due_ms;
    return m4h_heap_insert(&kicks->waiting, &job->waiting);
}

int m4h_kicks_want(struct m4h_kicks *kicks, const char *slave_id, const char *client_key,
                   uint64_t tunnel_id, uint64_t now_ms)
{
    size_t key_len = strlen(client_key);
    struct job *job;

    if (find(kicks, slave_id, tunnel_id) != NULL)
        return 0;
    if (m4h_kicks_count(kicks) == M4H_KICKS_MAX)
        return M4H_EFULL;
    job = calloc(1, sizeof(*job) + key_len + 1);
    if (job == NULL)
        return M4H_ENOMEM;
    job->name.tunnel_id = tunnel_id;
    m4h_text_copy(job->name.slave_id, sizeof(job->name.slave_id), slave_id);
    memcpy(job->client_key, client_key, key_len);
    HASH_ADD(hh, kicks->by_name, name, sizeof(job->name), job);
    if (job->hh.tbl == NULL) {
        free(job);
        return M4H_ENOMEM;
    }
    if (wait_until(kicks, job, now_ms) != 0) {
        end(kicks, job);
        return M4H_ENOMEM;
    }
    return 0;
}

bool m4h_kicks_take(struct m4h_kicks *kicks, const struct m4h_cluster *cluster, uint64_t now_ms,
                    struct m4h_kick *kick)
{
    while (m4h_kicks_next_ms(kicks) <= now_ms) {
        struct job *job = job_of(m4h_heap_first(&kicks->waiting));

        if (!m4h_cluster_is_loser(cluster, job->name.slave_id, job->client_key,
                                  job->name.tunnel_id)) {
            end(kicks, job);
            continue;
        }
        m4h_heap_remove(&kicks->waiting, &job->waiting);
        *kick = (struct m4h_kick){.tunnel_id = job->name.tunnel_id, .tries = ++job->tries};
        m4h_text_copy(kick->slave_id, sizeof(kick->slave_id), job->name.slave_id);
        m4h_text_copy(kick->client_key, sizeof(kick->client_key), job->client_key);
        return true;
    }
    return false;
}

static uint64_t pause_ms(uint32_t tries)
{
    uint64_t pause_ms = M4H_KICKS_PAUSE_FIRST_MS;

    while (--tries > 0 && pause_ms < M4H_KICKS_PAUSE_MAX_MS)
        pause_ms *= 2;
    return pause_ms;
}

void m4h_kicks_answered(struct m4h_kicks *kicks, const struct m4h_kick *kick, bool done,
                        uint64_t now_ms)
{
    struct job *job = find(kicks, kick->slave_id, kick->tunnel_id);

    if (job == NULL || m4h_heap_holds(&job->waiting))
        return;
    if (done || wait_until(kicks, job, now_ms + pause_ms(job->tries)) != 0)
        end(kicks, job);
}

uint64_t m4h_kicks_next_ms(const struct m4h_kicks *kicks)
{
    const struct m4h_heap_node *first = m4h_heap_first(&kicks->waiting);

    return first != NULL ? job_of(first)->due_ms : UINT64_MAX;
}

size_t m4h_kicks_count(const struct m4h_kicks *kicks)
{
    return HASH_COUNT(kicks->by_name);
}
