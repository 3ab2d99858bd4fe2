/* The cluster's life, its small shared parts, and its counters. */
#include "services/master/core/cluster_state.h"

#include "lib/base/error.h"

#include <stdlib.h>

/* ---- order of the heaps --------------------------------------------------- */

#define SLAVE_OF(node, member)                                                                     \
    ((const struct m4h_slave *)(const void *)((const char *)(node)-offsetof(struct m4h_slave,      \
                                                                            member)))

static bool liveness_before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return SLAVE_OF(a, liveness)->liveness_due_ms < SLAVE_OF(b, liveness)->liveness_due_ms;
}

static bool waiting_before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return SLAVE_OF(a, waiting)->waiting_due_ms < SLAVE_OF(b, waiting)->waiting_due_ms;
}

static bool asked_before(const struct m4h_heap_node *a, const struct m4h_heap_node *b)
{
    return SLAVE_OF(a, asked)->asked_due_ms < SLAVE_OF(b, asked)->asked_due_ms;
}

/* ---- life ----------------------------------------------------------------- */

int m4h_cluster_create(struct m4h_cluster **cluster, const struct m4h_cluster_config *config)
{
    struct m4h_cluster *made = calloc(1, sizeof(*made));
    int error;

    *cluster = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    error = m4h_dispatch_create(&made->dispatch, &config->dispatch, config->seed);
    if (error == 0)
        error = m4h_last_places_init(&made->last_places, config->seed);
    if (error == 0)
        error = m4h_tunnel_index_init(&made->tunnels, config->seed);
    if (error != 0) {
        m4h_last_places_free(&made->last_places);
        m4h_dispatch_destroy(made->dispatch);
        free(made);
        return error;
    }
    made->config = *config;
    made->online = true;
    m4h_evictions_init(&made->evictions);
    m4h_heap_init(&made->liveness, liveness_before);
    m4h_heap_init(&made->waiting, waiting_before);
    m4h_heap_init(&made->asked, asked_before);
    *cluster = made;
    return 0;
}

void m4h_cluster_set_dispatch(struct m4h_cluster *cluster, const struct m4h_dispatch_config *config)
{
    m4h_dispatch_set_config(cluster->dispatch, config);
}

void m4h_cluster_destroy(struct m4h_cluster *cluster)
{
    if (cluster == NULL)
        return;
    for (size_t i = 0; i < cluster->slaves.count; i++)
        m4h_resync_cancel(cluster, cluster->slaves.sorted[i]);
    m4h_tunnel_index_free(&cluster->tunnels);
    m4h_dispatch_destroy(cluster->dispatch);
    m4h_slaves_free(&cluster->slaves);
    m4h_heap_free(&cluster->liveness);
    m4h_heap_free(&cluster->waiting);
    m4h_heap_free(&cluster->asked);
    m4h_evictions_free(&cluster->evictions);
    m4h_last_places_free(&cluster->last_places);
    m4h_effects_free(&cluster->effects);
    free(cluster);
}

/* ---- shared parts --------------------------------------------------------- */

/* Of what a slave says of its own life, so much is told in such a time. */
#define TOLD_MAX      20u
#define TOLD_EVERY_MS 60000u

static bool may_be_told(struct m4h_slave *slave, enum m4h_note note)
{
    if (note != M4H_NOTE_RESTARTED && note != M4H_NOTE_DRAINING && note != M4H_NOTE_STOPPED)
        return true;
    if (slave->last_seen_ms - slave->told_since_ms >= TOLD_EVERY_MS) {
        slave->told_since_ms = slave->last_seen_ms;
        slave->told = 0;
    }
    if (slave->told == TOLD_MAX) {
        slave->untold++;
        return false;
    }
    slave->told++;
    return true;
}

void m4h_cluster_note(struct m4h_cluster *cluster, struct m4h_slave *slave, enum m4h_note note,
                      const char *why, uint64_t age_ms)
{
    struct m4h_effect *effect;

    if (!may_be_told(slave, note))
        return;
    effect = m4h_effects_add(&cluster->effects, M4H_EFFECT_NOTE);
    if (effect == NULL)
        return;
    m4h_text_copy(effect->slave_id, sizeof(effect->slave_id), slave->id);
    m4h_text_copy(effect->region, sizeof(effect->region), slave->region);
    effect->as.note.note = note;
    effect->as.note.why = why;
    effect->as.note.age_ms = age_ms;
    effect->as.note.untold = slave->untold;
    slave->untold = 0;
    effect->as.note.tunnels = slave->held.count;
    effect->as.note.epoch = slave->epoch;
}

enum m4h_slave_state m4h_slave_state_of(const struct m4h_slave *slave)
{
    if (slave->announced == M4H_SLAVE_STOPPED)
        return M4H_SLAVE_STOPPED;
    return slave->silent ? M4H_SLAVE_SILENT : slave->announced;
}

bool m4h_slave_is_listed(const struct m4h_slave *slave)
{
    return slave->has_info;
}

void m4h_cluster_update_seat(struct m4h_slave *slave)
{
    uint32_t tunnels = slave->held.count;

    if (!slave->synced && slave->load.tunnels > tunnels)
        tunnels = slave->load.tunnels;
    m4h_seat_set(
        &slave->seat,
        &(struct m4h_seat_state){
            .tunnels = tunnels,
            .capacity = slave->load.capacity > 0 ? slave->load.capacity : slave->info.capacity,
            .weight = slave->info.weight,
            .slots_per_second = slave->info.handshakes_per_second,
            .open = slave->has_info && m4h_slave_state_of(slave) == M4H_SLAVE_READY,
        });
}

static bool counts_as_unsynced(const struct m4h_slave *slave)
{
    return !slave->synced && !slave->lost;
}

void m4h_cluster_set_synced(struct m4h_cluster *cluster, struct m4h_slave *slave, bool synced)
{
    cluster->unsynced_count -= counts_as_unsynced(slave);
    slave->synced = synced;
    cluster->unsynced_count += counts_as_unsynced(slave);
}

void m4h_cluster_set_lost(struct m4h_cluster *cluster, struct m4h_slave *slave, bool lost)
{
    cluster->unsynced_count -= counts_as_unsynced(slave);
    slave->lost = lost;
    cluster->unsynced_count += counts_as_unsynced(slave);
}

/* ---- time and effects ----------------------------------------------------- */

void m4h_cluster_set_online(struct m4h_cluster *cluster, bool online, uint64_t now_ms)
{
    if (online == cluster->online)
        return;
    cluster->online = online;
    if (!online) {
        cluster->offline_since_ms = now_ms;
        return;
    }
    for (size_t i = 0; i < cluster->slaves.count; i++)
        cluster->slaves.sorted[i]->last_seen_ms += now_ms - cluster->offline_since_ms;
}

uint64_t m4h_cluster_next_tick_ms(const struct m4h_cluster *cluster)
{
    const struct m4h_heap_node *liveness = m4h_heap_first(&cluster->liveness);
    const struct m4h_heap_node *waiting = m4h_heap_first(&cluster->waiting);
    const struct m4h_heap_node *asked = m4h_heap_first(&cluster->asked);
    uint64_t next_ms = m4h_dispatch_next_ms(cluster->dispatch);

    if (m4h_evictions_next_ms(&cluster->evictions) < next_ms)
        next_ms = m4h_evictions_next_ms(&cluster->evictions);
    if (liveness == NULL)
        return next_ms;
    if (cluster->online && SLAVE_OF(liveness, liveness)->liveness_due_ms < next_ms)
        next_ms = SLAVE_OF(liveness, liveness)->liveness_due_ms;
    if (SLAVE_OF(asked, asked)->asked_due_ms < next_ms)
        next_ms = SLAVE_OF(asked, asked)->asked_due_ms;
    if (cluster->asked_count < M4H_MASTER_SNAPSHOTS_MAX &&
        SLAVE_OF(waiting, waiting)->waiting_due_ms < next_ms)
        next_ms = SLAVE_OF(waiting, waiting)->waiting_due_ms;
    return next_ms;
}

uint64_t m4h_cluster_tick(struct m4h_cluster *cluster, struct m4h_moment moment)
{
    m4h_dispatch_expire(cluster->dispatch, moment.now_ms);
    m4h_evictions_expire(&cluster->evictions, moment.now_ms);
    if (cluster->online)
        m4h_liveness_tick(cluster, moment.now_ms);
    m4h_resync_go_on(cluster, moment.now_ms);
    m4h_resync_tick(cluster, moment.now_ms);
    return m4h_cluster_next_tick_ms(cluster);
}

bool m4h_cluster_take_effect(struct m4h_cluster *cluster, struct m4h_effect *effect)
{
    return m4h_effects_take(&cluster->effects, effect);
}
