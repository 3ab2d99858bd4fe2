/* The masters that are heard: a few, in an array. */
#include "services/master/core/masters.h"

#include <string.h>

void m4h_masters_init(struct m4h_masters *masters, const struct m4h_master_hello *self)
{
    *masters = (struct m4h_masters){.self = *self};
}

static size_t place_of(const struct m4h_masters *masters, uint64_t instance)
{
    size_t i = 0;

    while (i < masters->count && masters->others[i].hello.instance != instance)
        i++;
    return i;
}

static void forget(struct m4h_masters *masters, size_t i)
{
    masters->others[i] = masters->others[--masters->count];
}

static enum m4h_masters_news came(const struct m4h_masters *masters,
                                  const struct m4h_master_hello *hello)
{
    return strcmp(hello->master_id, masters->self.master_id) == 0 ? M4H_MASTERS_SAME_ID
                                                                  : M4H_MASTERS_CAME;
}

enum m4h_masters_news m4h_masters_heard(struct m4h_masters *masters,
                                        const struct m4h_master_hello *hello, uint64_t now_ms,
                                        uint64_t wall_ms)
{
    size_t i = place_of(masters, hello->instance);
    bool is_new = i == masters->count;

    if (hello->instance == masters->self.instance || (is_new && hello->stopping))
        return M4H_MASTERS_NOTHING;
    if (hello->stopping) {
        forget(masters, i);
        return M4H_MASTERS_WENT;
    }
    if (is_new && masters->count == M4H_COUNT(masters->others))
        return M4H_MASTERS_FULL;
    masters->count += is_new;
    masters->others[i].hello = *hello;
    masters->others[i].seen_ms = now_ms;
    masters->others[i].seen_wall_ms = wall_ms;
    return is_new ? came(masters, hello) : M4H_MASTERS_NOTHING;
}

bool m4h_masters_expire(struct m4h_masters *masters, uint64_t now_ms, struct m4h_master_hello *gone)
{
    for (size_t i = 0; i < masters->count; i++) {
        if (now_ms - masters->others[i].seen_ms < M4H_MASTERS_GONE_MS)
            continue;
        *gone = masters->others[i].hello;
        forget(masters, i);
        return true;
    }
    return false;
}

/* Puts one where it belongs by its id. */
static void add(struct m4h_cluster_status *status, const struct m4h_master_hello *hello,
                uint64_t seen_wall_ms)
{
    struct m4h_master_status *at = status->masters + status->master_count++;

    for (; at > status->masters && strcmp(at[-1].master_id, hello->master_id) > 0; at--)
        *at = at[-1];
    memcpy(at->master_id, hello->master_id, sizeof(at->master_id));
    memcpy(at->version, hello->version, sizeof(at->version));
    at->started_wall_ms = hello->started_wall_ms;
    at->last_seen_wall_ms = seen_wall_ms;
}

void m4h_masters_status(const struct m4h_masters *masters, uint64_t wall_ms,
                        struct m4h_cluster_status *status)
{
    status->master_count = 0;
    add(status, &masters->self, wall_ms);
    for (size_t i = 0; i < masters->count; i++)
        add(status, &masters->others[i].hello, masters->others[i].seen_wall_ms);
}
