/* The readiness of a master. */
#include "services/master/core/readiness.h"

#include <stddef.h>

void m4h_master_readiness_connected(struct m4h_master_readiness *readiness, bool is_connected,
                                    uint64_t now_ms)
{
    if (is_connected && !readiness->is_connected)
        readiness->connected_ms = now_ms;
    readiness->is_connected = is_connected;
}

static bool has_heard_enough(const struct m4h_master_readiness *readiness, bool is_synced,
                             uint64_t now_ms)
{
    uint64_t listened_ms = now_ms - readiness->connected_ms;

    return (is_synced && listened_ms >= M4H_MASTER_LISTEN_MS) ||
           listened_ms >= M4H_MASTER_LISTEN_MAX_MS;
}

bool m4h_master_readiness_decide(struct m4h_master_readiness *readiness, bool is_synced,
                                 uint64_t now_ms)
{
    bool before = readiness->is_ready;

    readiness->is_ready = readiness->is_connected &&
                          (readiness->was_ready || has_heard_enough(readiness, is_synced, now_ms));
    readiness->was_ready |= readiness->is_ready;
    return readiness->is_ready != before;
}

uint64_t m4h_master_readiness_next_ms(const struct m4h_master_readiness *readiness, uint64_t now_ms)
{
    if (!readiness->is_connected || readiness->was_ready)
        return UINT64_MAX;
    if (now_ms < readiness->connected_ms + M4H_MASTER_LISTEN_MS)
        return readiness->connected_ms + M4H_MASTER_LISTEN_MS;
    return readiness->connected_ms + M4H_MASTER_LISTEN_MAX_MS;
}

const char *m4h_master_readiness_lack(const struct m4h_master_readiness *readiness)
{
    if (readiness->is_ready)
        return NULL;
    return readiness->is_connected ? "this master is still learning the state of the cluster"
                                   : "this master is not connected to NATS";
}
