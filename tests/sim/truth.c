/* The account: what slaves said, what masters were told and gave. */
#include "tests/sim/truth.h"

#include "lib/base/digest.h"
#include "services/master/core/cluster_state.h"
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

void truth_free(struct truth *truth)
{
    while (truth->epochs != NULL) {
        struct truth_epoch *epoch = truth->epochs;

        truth->epochs = epoch->next;
        free(epoch->states);
        free(epoch);
    }
}

/* ---- what slaves said ----------------------------------------------------- */

struct truth_epoch *truth_epoch(const struct sim *sim, unsigned slave, uint64_t number)
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
        if (epoch->states == NULL)
            abort();
    }
    epoch->states[epoch->count++] = state;
}

void truth_begin_epoch(struct sim *sim, const struct sim_slave *slave)
{
    struct truth_epoch *epoch = calloc(1, sizeof(*epoch));

    if (epoch == NULL)
        abort();
    *epoch = (struct truth_epoch){
        .next = sim->truth.epochs, .slave = slave->node.index, .epoch = slave->epoch};
    sim->truth.epochs = epoch;
    add_state(epoch, (struct truth_state){0});
}

void truth_published(struct sim *sim, const struct sim_slave *slave, const struct m4h_event *event)
{
    struct truth_epoch *epoch = truth_epoch(sim, slave->node.index, event->epoch);
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
    uint64_t sum = cluster->tunnels.entries * 31 + cluster->tunnels.owners.names.count;

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

uint64_t truth_hearing_ms(const struct sim *sim, const struct sim_master *master)
{
    return sim->now_ms - master->deaf_ms -
           (master->is_deaf ? sim->now_ms - master->deaf_since_ms : 0);
}

const struct sim_slave *truth_slave(const struct sim *sim, const char *slave_id)
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
    sim->truth.was_new = slave != NULL && event->epoch == slave->epoch && event->seq > slave->seq &&
                         !slave->lost && strcmp(event->region, slave->region) == 0;
    sim->truth.was_repeat = slave != NULL && event->epoch == slave->epoch &&
                            event->seq <= slave->seq && event->type != M4H_EVENT_LOAD;
    sim->truth.was_old = slave != NULL && ((event->epoch < slave->epoch && !slave->lost) ||
                                           (event->epoch == slave->epoch && !slave->lost &&
                                            strcmp(event->region, slave->region) != 0));
}

void truth_after_event(struct sim *sim, struct sim_master *master, const struct m4h_event *event)
{
    const struct sim_slave *real = truth_slave(sim, event->slave_id);
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
    if (sim->truth.was_new && event->type == M4H_EVENT_CONNECT &&
        m4h_cluster_keeps_slot(master->cluster, event->as.connect.client_key))
        sim_fail(sim, "%s keeps a slot for %s, which has come to %s", master->node.id,
                 event->as.connect.client_key, event->slave_id);
    if (slave == NULL || slave->epoch != event->epoch || strcmp(event->region, slave->region) != 0)
        return;
    if (heard->epoch != event->epoch) /* a page may have told of it, and is no sign of life */
        *heard = (struct sim_heard){.epoch = event->epoch, .at_ms = heard->at_ms};
    if (!sim->truth.was_repeat)
        heard->at_ms = truth_hearing_ms(sim, master);
    heard->is_closing |= event->type == M4H_EVENT_DRAIN || event->type == M4H_EVENT_STOP ||
                         (event->type == M4H_EVENT_LOAD && event->as.load.state != M4H_SLAVE_READY);
}

/* ---- slots ---------------------------------------------------------------- */

static void note_given(const struct sim *sim, struct sim_master *master)
{
    master->given_ms[master->given++ % M4H_COUNT(master->given_ms)] = sim->now_ms;
}

/* No more than the slave can take, but for what a rested one gets at once; where all rest,
 * nobody gets any. */
static void check_pace(struct sim *sim, struct sim_master *master, const struct sim_slave *real,
                       const struct m4h_slave *slave)
{
    struct sim_heard *heard = &master->heard[real->node.index];
    uint64_t pace = slave->info.handshakes_per_second;
    uint64_t due = (sim->now_ms - heard->paced_ms) * pace * 1000;

    if (!master->is_paced || pace == 0)
        return;
    heard->paced = (heard->paced > due ? heard->paced - due : 0) + 1000000;
    heard->paced_ms = sim->now_ms;
    if (heard->paced > pace * M4H_SEAT_BURST_MS * 1000 + 1000000)
        sim_fail(sim, "%s sends too many devices to %s, which takes %llu in a second",
                 master->node.id, slave->id, (unsigned long long)pace);
}

void truth_slot(struct sim *sim, struct sim_master *master, const struct m4h_slot *slot)
{
    const struct sim_slave *real = truth_slave(sim, slot->slave_id);
    const struct sim_heard *heard = &master->heard[real->node.index];
    const struct m4h_slave *slave = m4h_slaves_find(&master->cluster->slaves, slot->slave_id);
    uint64_t age_ms = truth_hearing_ms(sim, master) - heard->at_ms;

    if (heard->epoch == 0)
        sim_fail(sim, "%s sends a device to %s, of which it never heard", master->node.id,
                 slot->slave_id);
    if (heard->is_closing && heard->epoch == slave->epoch) /* else a snapshot told of another */
        sim_fail(sim, "%s sends a device to %s, which drains or has stopped", master->node.id,
                 slot->slave_id);
    if (age_ms > SIM_SILENT_AFTER_MS)
        sim_fail(sim, "%s sends a device to %s, silent for %llu ms", master->node.id,
                 slot->slave_id, (unsigned long long)age_ms);
    note_given(sim, master);
    check_pace(sim, master, real, slave);
}

void truth_kept(struct sim *sim, const struct sim_master *master, const char *client_key,
                bool given)
{
    bool kept = m4h_cluster_keeps_slot(master->cluster, client_key);

    if (client_key[0] != '\0' && kept != given)
        sim_fail(sim, "%s %s %s, and keeps %s", master->node.id,
                 given ? "gives a slot to" : "refuses", client_key, kept ? "one" : "none");
}

void truth_shared(struct sim *sim, struct sim_master *master,
                  const struct m4h_shared_reservation *reservation)
{
    const struct m4h_slave *slave =
        m4h_slaves_find(&master->cluster->slaves, reservation->slave_id);
    bool kept = m4h_cluster_keeps_slot(master->cluster, reservation->client_key);
    bool should = slave != NULL && !slave->lost && slave->seat.seats != NULL;

    if (reservation->client_key[0] != '\0' && kept != should)
        sim_fail(sim, "%s hears of the slot of %s at \"%s\", and keeps %s", master->node.id,
                 reservation->client_key, reservation->slave_id, kept ? "one" : "none");
    if (should)
        note_given(sim, master);
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
