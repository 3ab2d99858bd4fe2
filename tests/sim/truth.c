/* The account, and the rules that it is held against. It looks into the cores' private
 * state, to see what no answer of theirs would show. */
#include "tests/sim/truth.h"

#include "lib/base/digest.h"
#include "lib/base/stamp.h"
#include "services/master/core/cluster_state.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rules that cost more are looked at in one of so many steps. */
#define DEAR_RULES_EVERY      32u
#define DEAR_RULES_BULK_EVERY 1024u /* where there are many tunnels */

void truth_free(struct truth *truth)
{
    while (truth->epochs != NULL) {
        struct truth_epoch *epoch = truth->epochs;

        truth->epochs = epoch->next;
        free(epoch->states);
        free(epoch->is_stored);
        free(epoch);
    }
}

/* ---- what slaves said ----------------------------------------------------- */

static struct truth_epoch *epoch_of(const struct sim *sim, unsigned slave, uint64_t number)
{
    struct truth_epoch *epoch = sim->truth.epochs;

    while (epoch != NULL && (epoch->slave != slave || epoch->epoch != number))
        epoch = epoch->next;
    return epoch;
}

static void add_state(struct truth_epoch *epoch, struct truth_state state)
{
    if (epoch->count == epoch->allocated) {
        epoch->allocated = epoch->allocated > 0 ? epoch->allocated * 2 : 64;
        epoch->states = realloc(epoch->states, epoch->allocated * sizeof(*epoch->states));
        epoch->is_stored = realloc(epoch->is_stored, epoch->allocated * sizeof(bool));
        if (epoch->states == NULL || epoch->is_stored == NULL)
            abort();
    }
    epoch->is_stored[epoch->count] = false;
    epoch->states[epoch->count++] = state;
}

void truth_begin_epoch(struct sim *sim, const struct sim_slave *slave)
{
    struct truth_epoch *epoch = calloc(1, sizeof(*epoch));

    if (epoch == NULL)
        abort();
    *epoch = (struct truth_epoch){.next = sim->truth.epochs,
                                  .slave = slave->node.index,
                                  .epoch = slave->epoch,
                                  .is_whole = true};
    sim->truth.epochs = epoch;
    add_state(epoch, (struct truth_state){0});
}

void truth_published(struct sim *sim, const struct sim_slave *slave, const struct m4h_event *event)
{
    struct truth_epoch *epoch = epoch_of(sim, slave->node.index, event->epoch);
    struct truth_state state = epoch->states[epoch->count - 1];

    if (event->type == M4H_EVENT_LOAD)
        return;
    if (event->seq != epoch->count)
        sim_fail(sim, "%s gives the number %llu after %zu", slave->node.id,
                 (unsigned long long)event->seq, epoch->count - 1);
    if (event->type == M4H_EVENT_CONNECT && slave->is_announcing) {
        state.tunnels++;
        state.digest ^= m4h_digest_of(event->as.connect.tunnel_id);
    } else if (event->type == M4H_EVENT_DISCONNECT) {
        state.tunnels--;
        state.digest ^= m4h_digest_of(event->as.disconnect.tunnel_id);
    } else if (event->type == M4H_EVENT_STOP) {
        state = (struct truth_state){0};
    }
    add_state(epoch, state);
}

/* ---- what masters hear ---------------------------------------------------- */

/* A number for what a master holds of all slaves. */
static uint64_t held_of(const struct m4h_cluster *cluster)
{
    uint64_t sum = cluster->tunnels.entries * 31 + cluster->tunnels.client_keys;

    for (size_t i = 0; i < cluster->slaves.count; i++) {
        const struct m4h_slave *slave = cluster->slaves.sorted[i];

        sum = sum * 1000003 + (slave->held.digest ^ slave->epoch ^ slave->seq << 32);
        sum = sum * 1000003 + (unsigned)slave->announced * 2u + slave->synced;
    }
    return sum;
}

/* A number for all that an event could change at a master. */
static uint64_t fingerprint(const struct m4h_cluster *cluster)
{
    uint64_t sum = held_of(cluster);

    for (size_t i = 0; i < cluster->slaves.count; i++) {
        const struct m4h_slave *slave = cluster->slaves.sorted[i];

        sum = sum * 1000003 + slave->silent * 2u + slave->lost;
        sum = sum * 1000003 + slave->last_seen_ms + slave->seat.tunnels;
    }
    return sum;
}

/* True time, less that for which the master counts itself as cut off. */
static uint64_t hearing_ms(const struct sim *sim, const struct sim_master *master)
{
    return sim->now_ms - master->deaf_ms -
           (master->is_deaf ? sim->now_ms - master->deaf_since_ms : 0);
}

static const struct sim_slave *slave_named(const struct sim *sim, const char *slave_id)
{
    for (unsigned i = 0; i < sim->slave_count; i++)
        if (strcmp(sim->slaves[i].node.id, slave_id) == 0)
            return &sim->slaves[i];
    return NULL;
}

void truth_before_event(struct sim *sim, struct sim_master *master, const struct m4h_event *event)
{
    const struct m4h_slave *slave = m4h_slaves_find(&master->cluster->slaves, event->slave_id);

    sim->truth.before = fingerprint(master->cluster);
    sim->truth.held_before = held_of(master->cluster);
    sim->truth.was_duplicate = slave != NULL && event->epoch == slave->epoch &&
                               event->seq <= slave->seq && !slave->lost &&
                               event->type != M4H_EVENT_LOAD && event->type != M4H_EVENT_DRAIN &&
                               event->type != M4H_EVENT_STOP;
    sim->truth.was_old = slave != NULL && ((event->epoch < slave->epoch && !slave->lost) ||
                                           (event->epoch == slave->epoch && !slave->lost &&
                                            strcmp(event->region, slave->region) != 0));
}

void truth_after_event(struct sim *sim, struct sim_master *master, const struct m4h_event *event)
{
    const struct sim_slave *real = slave_named(sim, event->slave_id);
    const struct m4h_slave *slave = m4h_slaves_find(&master->cluster->slaves, event->slave_id);
    struct sim_heard *heard = &master->heard[real->node.index];

    if (sim->options.verbose)
        sim_say(sim, "%s takes %s of %s:%llu, knows %llu%s", master->node.id,
                m4h_event_type_name(event->type), event->slave_id, (unsigned long long)event->seq,
                slave != NULL ? (unsigned long long)slave->seq : 0,
                slave != NULL && slave->synced ? "" : ", unsynced");
    if (sim->truth.was_old && fingerprint(master->cluster) != sim->truth.before)
        sim_fail(sim, "%s: an event %s:%llu of an old epoch or a false region changes something",
                 master->node.id, event->event_id, (unsigned long long)event->seq);
    if (sim->truth.was_duplicate && held_of(master->cluster) != sim->truth.held_before)
        sim_fail(sim, "%s: a duplicate, %s, changes something", master->node.id, event->event_id);
    if (slave == NULL || slave->epoch != event->epoch || strcmp(event->region, slave->region) != 0)
        return;
    if (heard->epoch != event->epoch)
        *heard = (struct sim_heard){.epoch = event->epoch};
    heard->at_ms = hearing_ms(sim, master);
    heard->is_closing |= event->type == M4H_EVENT_DRAIN || event->type == M4H_EVENT_STOP ||
                         (event->type == M4H_EVENT_LOAD && event->as.load.state != M4H_SLAVE_READY);
}

/* ---- slots ---------------------------------------------------------------- */

void truth_slot(struct sim *sim, struct sim_master *master, const struct m4h_slot *slot)
{
    const struct sim_slave *real = slave_named(sim, slot->slave_id);
    const struct sim_heard *heard = &master->heard[real->node.index];
    const struct m4h_slave *slave = m4h_slaves_find(&master->cluster->slaves, slot->slave_id);
    uint64_t age_ms = hearing_ms(sim, master) - heard->at_ms;

    if (heard->epoch == 0)
        sim_fail(sim, "%s sends a device to %s, of which it never heard", master->node.id,
                 slot->slave_id);
    if (heard->is_closing && heard->epoch == slave->epoch) /* else a snapshot told of another */
        sim_fail(sim, "%s sends a device to %s, which drains or has stopped", master->node.id,
                 slot->slave_id);
    if (age_ms > SIM_SILENT_AFTER_MS)
        sim_fail(sim, "%s sends a device to %s, silent for %llu ms", master->node.id,
                 slot->slave_id, (unsigned long long)age_ms);
    master->given_ms[master->given++ % M4H_COUNT(master->given_ms)] = sim->now_ms;
}

void truth_forget_master(struct sim *sim, const struct sim_master *master)
{
    struct m4h_cluster_stats stats;
    struct sim_coverage *coverage = &sim->coverage;

    if (master->cluster == NULL)
        return;
    m4h_cluster_stats(master->cluster, &stats);
    coverage->duplicates += stats.duplicates;
    coverage->old_epochs += stats.old_epochs;
    coverage->wrong_regions += stats.wrong_regions;
    coverage->gaps += stats.gaps;
    coverage->digest_mismatches += stats.digest_mismatches;
    coverage->snapshots += stats.snapshots_installed;
    coverage->snapshots_failed += stats.snapshots_failed;
}

/* ---- rules after each step ------------------------------------------------ */

/* What the index holds of each slave, counted anew. */
static void check_holder(struct sim *sim, const struct sim_master *master,
                         const struct m4h_slave *slave)
{
    uint64_t digest = 0;
    uint32_t count = 0;

    for (const struct m4h_entry *entry = slave->held.first; entry != NULL;
         entry = entry->slave_next) {
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
        epoch_of(sim, slave_named(sim, slave->id)->node.index, slave->epoch);

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
static void check_lost(struct sim *sim, const struct sim_master *master,
                       const struct m4h_slave *slave)
{
    const struct sim_heard *heard = &master->heard[slave_named(sim, slave->id)->node.index];
    uint64_t age_ms = hearing_ms(sim, master) - heard->at_ms;

    if (age_ms > SIM_LOST_AFTER_MS + SIM_UNDER_WAY_MS && slave->held.count > 0 &&
        master->node.paused_until_ms == 0 && !master->is_deaf &&
        m4h_cluster_next_tick_ms(master->cluster) > sim_now_ms(sim, &master->node))
        sim_fail(sim, "%s shows %u tunnels of %s, silent for %llu ms", master->node.id,
                 slave->held.count, slave->id, (unsigned long long)age_ms);
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

static void check_slaves(struct sim *sim, const struct sim_master *master)
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
static void check_owners(struct sim *sim, const struct sim_master *master)
{
    const struct m4h_tunnel_index *index = &master->cluster->tunnels;
    const struct m4h_entry *owner = NULL;
    size_t keys = 0, entries = 0;

    for (const struct m4h_entry *entry = index->head[0]; entry != NULL;
         entry = m4h_entry_next(entry)) {
        entries++;
        if (owner == NULL || !m4h_entry_same_key(owner, entry)) {
            if (owner != NULL &&
                strcmp(m4h_entry_client_key(owner), m4h_entry_client_key(entry)) > 0)
                sim_fail(sim, "%s: the index is out of order", master->node.id);
            owner = entry;
            keys++;
            if (m4h_cluster_owner_stamp(master->cluster, m4h_entry_client_key(entry)) !=
                entry->stamp)
                sim_fail(sim, "%s: the owner of %s is another one than the first", master->node.id,
                         m4h_entry_client_key(entry));
        } else if (m4h_stamp_wins(entry->stamp, entry->tunnel_id, owner->stamp, owner->tunnel_id)) {
            sim_fail(sim, "%s: %s is owned by an older tunnel", master->node.id,
                     m4h_entry_client_key(entry));
        }
    }
    if (keys != index->client_keys || entries != index->entries)
        sim_fail(sim, "%s counts %zu client keys and has %zu", master->node.id, index->client_keys,
                 keys);
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
    if (status.tunnels != master->cluster->tunnels.client_keys)
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

static void check_master(struct sim *sim, const struct sim_master *master, bool dear)
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
}

/* ---- agreement ------------------------------------------------------------ */

struct comparison {
    const struct m4h_cluster *cluster;
    const struct m4h_slave *slave;
    const struct m4h_tunnel *missing;
    uint32_t seen;
};

static void compare_one(void *context, struct m4h_resident *resident)
{
    struct comparison *comparison = context;
    const struct m4h_entry *entry;
    struct m4h_tunnel tunnel;

    if (!resident->was_up)
        return;
    comparison->seen++;
    entry = m4h_tunnel_index_find(&comparison->cluster->tunnels, &comparison->slave->held,
                                  resident->tunnel.client_key, resident->tunnel.tunnel_id);
    if (entry != NULL)
        m4h_entry_read(entry, &tunnel);
    if (entry == NULL || tunnel.stamp != resident->tunnel.stamp ||
        tunnel.port_count != resident->tunnel.port_count ||
        memcmp(tunnel.ports, resident->tunnel.ports, tunnel.port_count * sizeof(uint16_t)) != 0)
        comparison->missing = &resident->tunnel;
}

static const char *compare_slave(const struct sim_master *master, const struct sim_slave *real)
{
    static char text[240];
    const struct m4h_slave *slave = m4h_slaves_find(&master->cluster->slaves, real->node.id);
    struct comparison comparison = {.cluster = master->cluster, .slave = slave};

    if (slave == NULL || slave->epoch != real->epoch) {
        snprintf(text, sizeof(text), "%s does not know the epoch %llu of %s", master->node.id,
                 (unsigned long long)real->epoch, real->node.id);
        return text;
    }
    if (!slave->synced || m4h_slave_state_of(slave) != real->state) {
        snprintf(text, sizeof(text), "%s has %s as %s and %s", master->node.id, real->node.id,
                 m4h_slave_state_name(m4h_slave_state_of(slave)),
                 slave->synced ? "synced" : "unsynced");
        return text;
    }
    m4h_roster_each(real->roster, compare_one, &comparison);
    if (comparison.missing == NULL && comparison.seen == slave->held.count)
        return NULL;
    snprintf(text, sizeof(text), "%s holds %u tunnels of %s, which has %u; %s differs",
             master->node.id, slave->held.count, real->node.id, comparison.seen,
             comparison.missing != NULL ? comparison.missing->client_key : "none");
    return text;
}

static const char *compare_master(const struct sim *sim, const struct sim_master *master)
{
    static char text[240];

    for (unsigned i = 0; i < sim->slave_count; i++) {
        const char *difference = compare_slave(master, &sim->slaves[i]);

        if (difference != NULL)
            return difference;
    }
    if (m4h_kicks_count(master->kicks) > 0) {
        snprintf(text, sizeof(text), "%s has %zu kicks outstanding", master->node.id,
                 m4h_kicks_count(master->kicks));
        return text;
    }
    if (master->cluster->tunnels.entries != master->cluster->tunnels.client_keys) {
        snprintf(text, sizeof(text), "%s: %zu tunnels of %zu client keys", master->node.id,
                 master->cluster->tunnels.entries, master->cluster->tunnels.client_keys);
        return text;
    }
    return NULL;
}

const char *truth_disagreement(struct sim *sim)
{
    for (unsigned i = 0; i < sim->master_count; i++) {
        const char *difference = compare_master(sim, &sim->masters[i]);

        if (difference != NULL)
            return difference;
    }
    return NULL;
}
