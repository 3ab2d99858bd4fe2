/* The fold: one event of one slave into the state. */
#include "services/master/core/cluster_state.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

/* More tunnels than these of a process that is gone take too long to drop at once: they go
 * piece by piece, with the start of the new one or with its snapshot. */
#define DROPPED_MAX 1000u

/* ---- tunnels -------------------------------------------------------------- */

static void kick(struct m4h_cluster *cluster, const struct m4h_entry *loser, uint64_t now_ms)
{
    struct m4h_slave *slave = M4H_CONTAINER_OF(loser->holder, struct m4h_slave, held);
    struct m4h_effect *effect = m4h_effects_add(&cluster->effects, M4H_EFFECT_KICK);

    if (effect == NULL) {
        m4h_resync_want(cluster, slave, "more kicks than fit", now_ms);
        return;
    }
    m4h_text_copy(effect->slave_id, sizeof(effect->slave_id), slave->id);
    m4h_text_copy(effect->region, sizeof(effect->region), slave->region);
    m4h_text_copy(effect->as.kick.client_key, sizeof(effect->as.kick.client_key),
                  m4h_entry_client_key(loser));
    effect->as.kick.tunnel_id = loser->tunnel_id;
    cluster->stats.kicks++;
}

/* Compares an entry with the best one that another slave has of its client key, and kicks
 * the one that loses. A slave replaces its own by itself. */
static void compare(struct m4h_cluster *cluster, const struct m4h_entry *entry, bool may_kick,
                    uint64_t now_ms)
{
    const struct m4h_entry *owner =
        m4h_tunnel_index_owner(&cluster->tunnels, m4h_entry_client_key(entry));
    const struct m4h_entry *rival = owner;
    bool wins = false;

    while (rival != NULL && rival->holder == entry->holder) {
        wins = wins || rival == entry;
        rival = m4h_entry_rival(rival);
    }
    if (owner == entry)
        m4h_last_places_set(&cluster->last_places, m4h_entry_client_key(entry),
                            m4h_entry_first_port(entry),
                            M4H_CONTAINER_OF(entry->holder, struct m4h_slave, held)->number);
    if (may_kick && rival != NULL)
        kick(cluster, wins ? rival : entry, now_ms);
}

int m4h_fold_insert(struct m4h_cluster *cluster, struct m4h_slave *slave, struct m4h_entry *entry,
                    uint64_t now_ms)
{
    bool is_new;
    int error = m4h_tunnel_index_insert(&cluster->tunnels, &slave->held, entry, &is_new);

    if (error == 0)
        compare(cluster, entry, is_new, now_ms);
    else
        cluster->stats.not_taken++;
    return error;
}

int m4h_fold_renew(struct m4h_cluster *cluster, struct m4h_slave *slave, struct m4h_entry *entry,
                   uint64_t now_ms)
{
    const struct m4h_entry *known =
        m4h_tunnel_index_confirm(&cluster->tunnels, &slave->held, entry);

    if (known == NULL)
        return m4h_fold_insert(cluster, slave, entry, now_ms);
    compare(cluster, known, true, now_ms);
    return 0;
}

void m4h_fold_remove(struct m4h_cluster *cluster, struct m4h_slave *slave, const char *client_key,
                     uint64_t tunnel_id)
{
    struct m4h_entry *entry =
        m4h_tunnel_index_find(&cluster->tunnels, &slave->held, client_key, tunnel_id);

    if (entry != NULL)
        m4h_tunnel_index_remove(&cluster->tunnels, entry);
}

/* ---- live devices with one key --------------------------------------------- */

static void tell_flapping(struct m4h_cluster *cluster, const struct m4h_slave *slave,
                          const char *client_key, uint64_t now_ms)
{
    struct m4h_effect *effect = m4h_effects_add(&cluster->effects, M4H_EFFECT_FLAPPING);

    if (effect == NULL)
        return;
    m4h_text_copy(effect->slave_id, sizeof(effect->slave_id), slave->id);
    m4h_text_copy(effect->region, sizeof(effect->region), slave->region);
    m4h_text_copy(effect->as.flapping.client_key, sizeof(effect->as.flapping.client_key),
                  client_key);
    effect->as.flapping.evictions =
        m4h_evictions_find(&cluster->evictions, client_key, now_ms).count;
}

static void evicted(struct m4h_cluster *cluster, const struct m4h_slave *slave,
                    const char *client_key, uint64_t now_ms)
{
    if (m4h_evictions_add(&cluster->evictions, client_key, now_ms))
        tell_flapping(cluster, slave, client_key, now_ms);
}

static void on_flapping(struct m4h_cluster *cluster, const struct m4h_slave *slave,
                        const struct m4h_flapping *flapping, uint64_t now_ms)
{
    if (m4h_evictions_report(&cluster->evictions, flapping->client_key, flapping->hold_ms, now_ms))
        tell_flapping(cluster, slave, flapping->client_key, now_ms);
}

/* ---- events of tunnels ------------------------------------------------------ */

static void on_connect(struct m4h_cluster *cluster, struct m4h_slave *slave,
                       const struct m4h_tunnel *tunnel, uint64_t now_ms)
{
    struct m4h_entry *entry = NULL;

    if (cluster->tunnels.entries < M4H_MASTER_TUNNELS_MAX)
        entry = m4h_entry_create(&cluster->tunnels.labels, tunnel);
    if (entry == NULL)
        cluster->stats.not_taken++;
    if (entry == NULL || m4h_fold_insert(cluster, slave, entry, now_ms) != 0) {
        m4h_resync_want(cluster, slave, "no room for a tunnel", now_ms);
        return;
    }
    m4h_seat_arrived(cluster->dispatch, &slave->seat, tunnel->client_key);
}

/* A tunnel that was replaced was alive: its slave gives another reason for one that was not. */
static void on_disconnect(struct m4h_cluster *cluster, struct m4h_slave *slave,
                          const struct m4h_disconnect *disconnect, uint64_t now_ms)
{
    m4h_fold_remove(cluster, slave, disconnect->client_key, disconnect->tunnel_id);
    if (disconnect->reason == M4H_DISCONNECT_REPLACED)
        evicted(cluster, slave, disconnect->client_key, now_ms);
}

/* ---- the life of a slave -------------------------------------------------- */

static void on_start(struct m4h_cluster *cluster, struct m4h_slave *slave,
                     const struct m4h_slave_info *info, bool is_first, uint64_t now_ms)
{
    m4h_slaves_set_info(&cluster->slaves, slave, info);
    if (is_first)
        m4h_resync_start_empty(cluster, slave, now_ms);
}

/* It holds nothing any more. */
static void on_stop(struct m4h_cluster *cluster, struct m4h_slave *slave)
{
    m4h_cluster_note(cluster, slave, M4H_NOTE_STOPPED, NULL, 0);
    m4h_resync_cancel(cluster, slave);
    m4h_tunnel_index_drop(&cluster->tunnels, &slave->held);
    m4h_seat_forget_reservations(cluster->dispatch, &slave->seat);
    slave->announced = M4H_SLAVE_STOPPED;
    slave->announced_seq = slave->seq;
    slave->load.tunnels = 0;
    slave->load.channels = 0;
    slave->load.cpu_permille = 0;
    m4h_cluster_set_synced(cluster, slave, true);
}

void m4h_fold_announce(struct m4h_cluster *cluster, struct m4h_slave *slave,
                       enum m4h_slave_state state, uint64_t seq)
{
    if (seq < slave->announced_seq)
        return;
    if (state == M4H_SLAVE_DRAINING && slave->announced != state)
        m4h_cluster_note(cluster, slave, M4H_NOTE_DRAINING, NULL, 0);
    slave->announced = state;
    slave->announced_seq = seq;
}

void m4h_fold_begin_epoch(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t epoch)
{
    m4h_resync_cancel(cluster, slave);
    if (slave->held.count <= DROPPED_MAX)
        m4h_tunnel_index_drop(&cluster->tunnels, &slave->held);
    slave->epoch = epoch;
    slave->seq = 0;
    slave->has_info = false;
    slave->announced = M4H_SLAVE_READY;
    slave->announced_seq = 0;
    slave->load = (struct m4h_load){0};
    slave->attempts_unconfirmed = 0;
    slave->snapshots_useless = 0;
    m4h_cluster_set_synced(cluster, slave, false);
}

/* ---- an event of a known slave -------------------------------------------- */

static void apply(struct m4h_cluster *cluster, struct m4h_slave *slave,
                  const struct m4h_event *event, uint64_t now_ms)
{
    switch (event->type) {
    case M4H_EVENT_CONNECT:
        on_connect(cluster, slave, &event->as.connect, now_ms);
        break;
    case M4H_EVENT_DISCONNECT:
        on_disconnect(cluster, slave, &event->as.disconnect, now_ms);
        break;
    case M4H_EVENT_START:
        on_start(cluster, slave, &event->as.start, event->seq == 1, now_ms);
        break;
    case M4H_EVENT_DRAIN:
        slave->load.drain_deadline_wall_ms = event->as.drain.deadline_wall_ms;
        m4h_fold_announce(cluster, slave, M4H_SLAVE_DRAINING, event->seq);
        break;
    case M4H_EVENT_STOP:
        on_stop(cluster, slave);
        break;
    case M4H_EVENT_FLAPPING:
        on_flapping(cluster, slave, &event->as.flapping, now_ms);
        break;
    case M4H_EVENT_REFUSE:
    case M4H_EVENT_ACCESS:
    case M4H_EVENT_RELOAD:
    case M4H_EVENT_LOAD:
    case M4H_EVENT_OTHER:
        break;
    }
}

/* Moves the slave's seq on to that of an event or of a load event. */
static void advance(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t seq,
                    bool is_next, uint64_t now_ms)
{
    if (!is_next && slave->synced) {
        cluster->stats.gaps++;
        slave->snapshots_useless = 0; /* that was for another reason */
        m4h_resync_want(cluster, slave, "events are missing", now_ms);
    }
    slave->seq = seq;
}

/* A duplicate, or one that later ones have overtaken. A drain and a stop are final in their
 * epoch, so they count however late: after a stop nobody is there to give a snapshot. */
static void apply_late(struct m4h_cluster *cluster, struct m4h_slave *slave,
                       const struct m4h_event *event)
{
    cluster->stats.duplicates++;
    if (event->type == M4H_EVENT_DRAIN)
        m4h_fold_announce(cluster, slave, M4H_SLAVE_DRAINING, event->seq);
    else if (event->type == M4H_EVENT_STOP && slave->announced != M4H_SLAVE_STOPPED)
        on_stop(cluster, slave);
}

static void on_numbered(struct m4h_cluster *cluster, struct m4h_slave *slave,
                        const struct m4h_event *event, uint64_t now_ms)
{
    if (event->seq <= slave->seq) {
        apply_late(cluster, slave, event);
        return;
    }
    m4h_resync_keep(cluster, slave, event);
    advance(cluster, slave, event->seq, event->seq == slave->seq + 1, now_ms);
    apply(cluster, slave, event, now_ms);
}

static bool agrees(const struct m4h_slave *slave, const struct m4h_load *load)
{
    return slave->held.count == load->tunnels && slave->held.digest == load->digest;
}

static void on_load(struct m4h_cluster *cluster, struct m4h_slave *slave,
                    const struct m4h_event *event, uint64_t now_ms)
{
    const struct m4h_load *load = &event->as.load;

    m4h_fold_announce(cluster, slave, load->state, event->seq);
    if (event->seq < slave->seq) {
        cluster->stats.duplicates++; /* overtaken by later events */
        return;
    }
    slave->load = *load;
    if (event->seq > slave->seq) {
        advance(cluster, slave, event->seq, false, now_ms);
    } else if (slave->synced && !agrees(slave, load)) {
        cluster->stats.digest_mismatches++;
        slave->snapshots_useless += slave->attempts_unconfirmed > 0;
        m4h_resync_want(cluster, slave, "the tunnels disagree with the load event", now_ms);
    } else if (slave->synced) {
        slave->attempts_unconfirmed = 0;
        slave->snapshots_useless = 0;
    } else if (agrees(slave, load)) {
        m4h_resync_hurry(cluster, slave, now_ms);
    }
}

/* ---- which slave ---------------------------------------------------------- */

int m4h_fold_move(struct m4h_cluster *cluster, struct m4h_slave *slave, const char *region)
{
    m4h_seat_leave(cluster->dispatch, &slave->seat);
    m4h_text_copy(slave->region, sizeof(slave->region), region);
    return m4h_seat_join(cluster->dispatch, &slave->seat, slave->id, slave->region);
}

/* Puts a new slave everywhere it belongs. */
static int settle(struct m4h_cluster *cluster, struct m4h_slave *slave, const char *region)
{
    int error = m4h_heap_insert(&cluster->liveness, &slave->liveness);

    if (error == 0)
        error = m4h_heap_insert(&cluster->waiting, &slave->waiting);
    if (error == 0)
        error = m4h_heap_insert(&cluster->asked, &slave->asked);
    if (error == 0)
        error = m4h_fold_move(cluster, slave, region);
    return error;
}

static void unsettle(struct m4h_cluster *cluster, struct m4h_slave *slave)
{
    m4h_heap_remove(&cluster->liveness, &slave->liveness);
    m4h_heap_remove(&cluster->waiting, &slave->waiting);
    m4h_heap_remove(&cluster->asked, &slave->asked);
    m4h_slaves_remove(&cluster->slaves, slave);
}

static void refuse(struct m4h_cluster *cluster, const struct m4h_event *event)
{
    struct m4h_effect *effect = m4h_effects_add(&cluster->effects, M4H_EFFECT_NOTE);

    cluster->stats.not_taken++;
    if (effect == NULL)
        return;
    m4h_text_copy(effect->slave_id, sizeof(effect->slave_id), event->slave_id);
    m4h_text_copy(effect->region, sizeof(effect->region), event->region);
    effect->as.note.note = M4H_NOTE_NO_ROOM;
    effect->as.note.why = "it is ignored";
}

/* A slave that was never heard; NULL: it cannot be taken. */
static struct m4h_slave *meet(struct m4h_cluster *cluster, const struct m4h_event *event,
                              struct m4h_moment moment)
{
    struct m4h_slave *slave;

    if (m4h_slaves_add(&cluster->slaves, event->slave_id, &slave) != 0) {
        refuse(cluster, event);
        return NULL;
    }
    slave->waiting_due_ms = UINT64_MAX;
    slave->asked_due_ms = UINT64_MAX;
    slave->last_seen_ms = moment.now_ms;
    slave->liveness_due_ms = moment.now_ms + cluster->config.silent_after_ms;
    if (settle(cluster, slave, event->region) != 0) {
        refuse(cluster, event);
        unsettle(cluster, slave);
        return NULL;
    }
    cluster->unsynced_count++;
    m4h_fold_begin_epoch(cluster, slave, event->epoch);
    m4h_cluster_note(cluster, slave, M4H_NOTE_APPEARED, NULL, 0);
    return slave;
}

/* Another process speaks under the slave's id: all that was known of it goes. */
static void change_process(struct m4h_cluster *cluster, struct m4h_slave *slave,
                           const struct m4h_event *event)
{
    m4h_fold_begin_epoch(cluster, slave, event->epoch);
    if (strcmp(slave->region, event->region) != 0 &&
        m4h_fold_move(cluster, slave, event->region) != 0)
        m4h_cluster_note(cluster, slave, M4H_NOTE_NO_ROOM, "gets no devices", 0);
    m4h_cluster_note(cluster, slave, M4H_NOTE_RESTARTED, NULL, 0);
}

/* A number that is known already. It may be from a journal that tries for long to get it into
 * the stream, so it says nothing of what the slave is like now, nor that it lives. */
static bool is_repeat(const struct m4h_slave *slave, const struct m4h_event *event)
{
    return event->epoch == slave->epoch && event->seq <= slave->seq &&
           event->type != M4H_EVENT_LOAD;
}

/* Whether the event is of the process that the slave is known by. One that is older, or
 * claims another region within its epoch, is ignored; but where the known one is lost, the
 * one that speaks is the one that lives. */
static bool is_of(struct m4h_cluster *cluster, struct m4h_slave *slave,
                  const struct m4h_event *event)
{
    bool has_region = strcmp(slave->region, event->region) == 0;

    if (event->epoch == slave->epoch && has_region)
        return true;
    if (event->epoch > slave->epoch || (slave->lost && !is_repeat(slave, event))) {
        change_process(cluster, slave, event);
        return true;
    }
    if (event->epoch < slave->epoch) {
        cluster->stats.old_epochs++;
        m4h_cluster_note(cluster, slave, M4H_NOTE_OLD_EPOCH, NULL, 0);
    } else {
        cluster->stats.wrong_regions++;
        m4h_cluster_note(cluster, slave, M4H_NOTE_WRONG_REGION, NULL, 0);
    }
    return false;
}

/* The slave whose state the event changes, or NULL. */
static struct m4h_slave *slave_of(struct m4h_cluster *cluster, const struct m4h_event *event,
                                  struct m4h_moment moment)
{
    struct m4h_slave *slave = m4h_slaves_find(&cluster->slaves, event->slave_id);

    if (slave == NULL)
        return event->type == M4H_EVENT_STOP ? NULL : meet(cluster, event, moment);
    return is_of(cluster, slave, event) ? slave : NULL;
}

void m4h_cluster_event(struct m4h_cluster *cluster, const struct m4h_event *event,
                       struct m4h_moment moment)
{
    struct m4h_slave *slave = slave_of(cluster, event, moment);

    if (slave == NULL)
        return;
    cluster->stats.events[event->type]++;
    if (!is_repeat(slave, event))
        m4h_liveness_heard(cluster, slave, moment);
    if (event->type == M4H_EVENT_LOAD)
        on_load(cluster, slave, event, moment.now_ms);
    else
        on_numbered(cluster, slave, event, moment.now_ms);
    if (!slave->synced && !slave->lost && !m4h_resync_is_wanted(slave))
        m4h_resync_want(cluster, slave, "its tunnels are not known", moment.now_ms);
    m4h_cluster_update_seat(slave);
    m4h_resync_tick(cluster, moment.now_ms);
}
