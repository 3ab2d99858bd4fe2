/* The rules after each step. They look into the cores' private state, to see what no answer
 * of theirs would show. */
#include "tests/sim/truth.h"

#include "lib/base/digest.h"
#include "lib/base/stamp.h"
#include "services/master/core/cluster_state.h"
#include "tests/sim/sim.h"

#include <string.h>

/* Rules that cost more are looked at in one of so many steps. */
#define DEAR_RULES_EVERY      32u
#define DEAR_RULES_BULK_EVERY 1024u /* where there are many tunnels */

/* What the index holds of each slave, counted anew. */
static void check_holder(struct sim *sim, const struct sim_master *master,
                         const struct m4h_slave *slave)
{
    uint64_t digest = 0;
    uint32_t count = 0;

    struct m4h_order_cursor cursor = m4h_order_seek(&slave->held.order, "", true);

    for (const struct m4h_entry *entry; (entry = m4h_order_at(&cursor)) != NULL;
         m4h_order_step(&cursor)) {
        count++;
        digest ^= m4h_digest_of(entry->tunnel_id);
    }
    if (count != slave->held.count || digest != slave->held.digest)
        sim_fail(sim, "%s counts %u tunnels of %s, and holds %u", master->node.id,
                 slave->held.count, slave->id, count);
}

/* A slave's part is right as of its number. */
static void check_synced(struct sim *sim, const struct sim_master *master,
                         const struct m4h_slave *slave)
{
    const struct truth_epoch *epoch =
        truth_epoch(sim, truth_slave(sim, slave->id)->node.index, slave->epoch);

    if (epoch == NULL || slave->seq >= epoch->count)
        sim_fail(sim, "%s knows number %llu of epoch %llu of %s, which was never given",
                 master->node.id, (unsigned long long)slave->seq, (unsigned long long)slave->epoch,
                 slave->id);
    if (slave->synced && !slave->lost &&
        (slave->held.digest != epoch->states[slave->seq].digest ||
         slave->held.count != epoch->states[slave->seq].tunnels))
        sim_fail(sim, "%s holds %u tunnels of %s at number %llu, the slave had %u", master->node.id,
                 slave->held.count, slave->id, (unsigned long long)slave->seq,
                 epoch->states[slave->seq].tunnels);
}

/* A lost slave's tunnels go in pieces, one each millisecond. */
static void check_lost(struct sim *sim, struct sim_master *master, const struct m4h_slave *slave)
{
    struct sim_heard *heard = &master->heard[truth_slave(sim, slave->id)->node.index];

    if (!slave->lost || slave->held.count == 0 || master->node.paused_until_ms != 0 ||
        master->is_deaf)
        heard->lost_ms = 0;
    else if (heard->lost_ms == 0)
        heard->lost_ms = sim->now_ms;
    if (heard->lost_ms != 0 && sim->now_ms > heard->lost_ms + SIM_UNDER_WAY_MS)
        sim_fail(sim, "%s shows %u tunnels of %s, which it lost %llu ms ago", master->node.id,
                 slave->held.count, slave->id, (unsigned long long)(sim->now_ms - heard->lost_ms));
    if (truth_hearing_ms(sim, master) > heard->at_ms + SIM_LOST_AFTER_MS + SIM_UNDER_WAY_MS &&
        !slave->lost && slave->held.count > 0 && !master->is_deaf &&
        master->node.paused_until_ms == 0 &&
        m4h_cluster_next_tick_ms(master->cluster) > sim_now_ms(sim, &master->node))
        sim_fail(sim, "%s has not lost %s, silent for %llu ms", master->node.id, slave->id,
                 (unsigned long long)(truth_hearing_ms(sim, master) - heard->at_ms));
}

static void check_seat(struct sim *sim, const struct sim_master *master,
                       const struct m4h_slave *slave)
{
    bool ready = m4h_slave_state_of(slave) == M4H_SLAVE_READY && slave->has_info;

    if (slave->seat.open != ready)
        sim_fail(sim, "%s: the seat of %s is %s", master->node.id, slave->id,
                 ready ? "closed" : "open");
    if (slave->synced && slave->seat.tunnels != slave->held.count)
        sim_fail(sim, "%s: the seat of %s counts %u tunnels, the index %u", master->node.id,
                 slave->id, slave->seat.tunnels, slave->held.count);
}

static void check_slaves(struct sim *sim, struct sim_master *master)
{
    const struct m4h_cluster *cluster = master->cluster;
    size_t entries = 0, unsynced = 0;

    for (size_t i = 0; i < cluster->slaves.count; i++) {
        const struct m4h_slave *slave = cluster->slaves.sorted[i];

        check_synced(sim, master, slave);
        check_lost(sim, master, slave);
        if (!slave->lost) /* the tunnels of a lost one go in pieces */
            check_seat(sim, master, slave);
        entries += slave->held.count;
        unsynced += !slave->synced && !slave->lost;
    }
    if (entries != cluster->tunnels.entries)
        sim_fail(sim, "%s: the slaves have %zu tunnels, the index %zu", master->node.id, entries,
                 cluster->tunnels.entries);
    if (unsynced != cluster->unsynced_count)
        sim_fail(sim, "%s: %zu slaves are unsynced, it counts %zu", master->node.id, unsynced,
                 cluster->unsynced_count);
}

/* Every client key has one owner, the one that wins over all others. */
static size_t check_owner(struct sim *sim, const struct sim_master *master,
                          const struct m4h_entry *owner)
{
    size_t entries = 1;

    if (m4h_tunnel_index_owner(&master->cluster->tunnels, m4h_entry_client_key(owner)) != owner ||
        !owner->is_owner)
        sim_fail(sim, "%s: the owner of %s is another one than the order has", master->node.id,
                 m4h_entry_client_key(owner));
    for (const struct m4h_entry *rival = m4h_entry_rival(owner); rival != NULL;
         rival = m4h_entry_rival(rival)) {
        entries++;
        if (rival->is_owner ||
            m4h_stamp_wins(rival->stamp, rival->tunnel_id, owner->stamp, owner->tunnel_id))
            sim_fail(sim, "%s: %s is owned by an older tunnel", master->node.id,
                     m4h_entry_client_key(owner));
    }
    return entries;
}

static void check_owners(struct sim *sim, const struct sim_master *master)
{
    const struct m4h_tunnel_index *index = &master->cluster->tunnels;
    struct m4h_order_cursor cursor = m4h_order_seek(&index->order, "", true);
    const struct m4h_entry *before = NULL;
    size_t keys = 0, entries = 0;

    for (const struct m4h_entry *owner; (owner = m4h_order_at(&cursor)) != NULL;
         m4h_order_step(&cursor)) {
        if (before != NULL &&
            strcmp(m4h_entry_client_key(before), m4h_entry_client_key(owner)) >= 0)
            sim_fail(sim, "%s: the index is out of order", master->node.id);
        keys++;
        entries += check_owner(sim, master, owner);
        before = owner;
    }
    if (keys != index->owners.names.count || entries != index->entries)
        sim_fail(sim, "%s counts %zu client keys and has %zu", master->node.id,
                 index->owners.names.count, keys);
}

/* What REST shows are the sums of what the slaves show. */
static void check_status(struct sim *sim, const struct sim_master *master)
{
    static struct m4h_region_status regions[M4H_REGIONS_MAX];
    static struct m4h_slave_status slaves[SIM_SLAVES_MAX];
    const struct m4h_page_request all = {.page_size = SIM_SLAVES_MAX};
    struct m4h_cluster_status status;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t region_count, slave_count;
    uint32_t tunnels = 0, in_regions = 0, ready = 0;

    m4h_cluster_status(master->cluster, &status, regions, &region_count);
    m4h_cluster_slaves(master->cluster, &all, slaves, &slave_count, token);
    for (size_t i = 0; i < slave_count; i++) {
        tunnels += slaves[i].tunnels;
        ready += slaves[i].state == M4H_SLAVE_READY;
    }
    for (size_t i = 0; i < region_count; i++)
        in_regions += regions[i].tunnels;
    if (status.slaves != slave_count || status.slaves_ready != ready || tunnels != in_regions)
        sim_fail(sim, "%s: the status says %u slaves, %u ready; they are %zu and %u",
                 master->node.id, status.slaves, status.slaves_ready, slave_count, ready);
    if (status.tunnels != master->cluster->tunnels.owners.names.count)
        sim_fail(sim, "%s: the status says %llu tunnels", master->node.id,
                 (unsigned long long)status.tunnels);
}

/* Each reservation is a slot that was given lately, at one of the seats. */
static void check_reservations(struct sim *sim, const struct sim_master *master)
{
    const struct m4h_cluster *cluster = master->cluster;
    struct m4h_dispatch_stats stats;
    size_t at_seats = 0, lately = 0;

    m4h_cluster_dispatch_stats(cluster, &stats);
    for (size_t i = 0; i < cluster->slaves.count; i++)
        at_seats += cluster->slaves.sorted[i]->seat.reserved.count;
    for (size_t i = 0; i < M4H_COUNT(master->given_ms) && i < master->given; i++)
        lately += sim->now_ms <= master->given_ms[i] + SIM_RESERVATION_MS;
    if (at_seats != stats.reservations)
        sim_fail(sim, "%s: %zu reservations, %zu at the seats", master->node.id, stats.reservations,
                 at_seats);
    if (stats.reservations > lately &&
        m4h_cluster_next_tick_ms(cluster) > sim_now_ms(sim, &master->node))
        sim_fail(sim, "%s: %zu reservations of %zu slots given lately", master->node.id,
                 stats.reservations, lately);
}

static void check_master(struct sim *sim, struct sim_master *master, bool dear)
{
    check_slaves(sim, master);
    if (!dear)
        return;
    for (size_t i = 0; i < master->cluster->slaves.count; i++)
        check_holder(sim, master, master->cluster->slaves.sorted[i]);
    check_owners(sim, master);
    check_status(sim, master);
    check_reservations(sim, master);
}

void truth_check(struct sim *sim)
{
    bool has_bulk = sim->slaves[0].bulk > 0;
    bool dear = sim->step % (has_bulk ? DEAR_RULES_BULK_EVERY : DEAR_RULES_EVERY) == 0;

    for (unsigned i = 0; i < sim->master_count; i++)
        if (sim->masters[i].node.lives)
            check_master(sim, &sim->masters[i], dear);
    for (unsigned i = 0; i < sim->slave_count; i++)
        if (sim->slaves[i].node.lives)
            truth_check_outbox(sim, &sim->slaves[i]);
}
