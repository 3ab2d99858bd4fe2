/* Who was heard, and who was not for too long. */
#include "services/master/core/cluster_state.h"

/* So many tunnels of lost slaves go at one tick: some milliseconds. The rest waits for the
 * next one, which is due at once, so that the loop has its turns between. */
#define DROPPED_MAX 1000u

static uint64_t age_ms(const struct m4h_slave *slave, uint64_t now_ms)
{
    return now_ms > slave->last_seen_ms ? now_ms - slave->last_seen_ms : 0;
}

static void set_due(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t due_ms)
{
    slave->liveness_due_ms = due_ms;
    m4h_heap_moved(&cluster->liveness, &slave->liveness);
}

void m4h_liveness_heard(struct m4h_cluster *cluster, struct m4h_slave *slave,
                        struct m4h_moment moment)
{
    uint64_t silence_ms = age_ms(slave, moment.now_ms);

    slave->last_seen_ms = moment.now_ms;
    slave->last_seen_wall_ms = moment.wall_ms;
    if (!slave->silent)
        return;
    slave->silent = false;
    m4h_cluster_set_lost(cluster, slave, false);
    set_due(cluster, slave, moment.now_ms + cluster->config.silent_after_ms);
    if (slave->announced != M4H_SLAVE_STOPPED)
        m4h_cluster_note(cluster, slave, M4H_NOTE_BACK, NULL, silence_ms);
}

static void forget(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    m4h_cluster_note(cluster, slave, M4H_NOTE_FORGOTTEN, NULL, age_ms(slave, now_ms));
    m4h_resync_cancel(cluster, slave);
    m4h_tunnel_index_drop(&cluster->tunnels, &slave->held);
    m4h_seat_leave(cluster->dispatch, &slave->seat);
    m4h_heap_remove(&cluster->liveness, &slave->liveness);
    m4h_heap_remove(&cluster->waiting, &slave->waiting);
    m4h_heap_remove(&cluster->asked, &slave->asked);
    m4h_cluster_set_synced(cluster, slave, true);
    m4h_slaves_remove(&cluster->slaves, slave);
}

static void become_silent(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    slave->silent = true;
    if (slave->announced != M4H_SLAVE_STOPPED)
        m4h_cluster_note(cluster, slave, M4H_NOTE_SILENT, NULL, age_ms(slave, now_ms));
    m4h_cluster_update_seat(slave);
}

static void become_lost(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    m4h_cluster_set_lost(cluster, slave, true);
    if (slave->announced != M4H_SLAVE_STOPPED) {
        m4h_cluster_note(cluster, slave, M4H_NOTE_LOST, NULL, age_ms(slave, now_ms));
        m4h_cluster_set_synced(cluster, slave, false);
    }
    m4h_resync_cancel(cluster, slave);
    slave->snapshots_useless = 0;
    m4h_seat_forget_reservations(cluster->dispatch, &slave->seat);
    m4h_cluster_update_seat(slave);
}

/* When to look at the slave again. A lost one is looked at until its tunnels are gone. */
static uint64_t next_look_ms(const struct m4h_cluster_config *config, const struct m4h_slave *slave,
                             uint64_t now_ms)
{
    if (slave->lost)
        return slave->held.count > 0 ? now_ms + 1 : slave->last_seen_ms + config->forget_after_ms;
    return slave->last_seen_ms + (slave->silent ? config->lost_after_ms : config->silent_after_ms);
}

/* Does what the slave's silence asks for, and sets when to look again. Returns
 * false where the slave is gone. */
static bool look_at(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    const struct m4h_cluster_config *config = &cluster->config;
    uint64_t age = age_ms(slave, now_ms);

    if (age >= config->forget_after_ms) {
        forget(cluster, slave, now_ms);
        return false;
    }
    if (age >= config->silent_after_ms && !slave->silent)
        become_silent(cluster, slave, now_ms);
    if (age >= config->lost_after_ms && !slave->lost)
        become_lost(cluster, slave, now_ms);
    if (slave->lost)
        m4h_tunnel_index_drop_some(&cluster->tunnels, &slave->held, DROPPED_MAX);
    set_due(cluster, slave, next_look_ms(config, slave, now_ms));
    return true;
}

void m4h_liveness_tick(struct m4h_cluster *cluster, uint64_t now_ms)
{
    size_t before = cluster->tunnels.entries;
    struct m4h_heap_node *first;

    while ((first = m4h_heap_first(&cluster->liveness)) != NULL &&
           before - cluster->tunnels.entries < DROPPED_MAX) {
        struct m4h_slave *slave = M4H_CONTAINER_OF(first, struct m4h_slave, liveness);

        if (slave->liveness_due_ms > now_ms)
            return;
        look_at(cluster, slave, now_ms);
    }
}
