/* Snapshots. A slave that is unsynced waits until its time has come and a place
 * is free; then its pages are asked for, one after the other. Each becomes
 * entries aside; with the last one they begin to replace what the slave holds,
 * some at each tick so that the loop has its turns. Then the rest of what it
 * held goes, and the events that came meanwhile are applied again where they are
 * later than the snapshot. Until then a tunnel that went meanwhile may show once
 * more. A page that fails, contradicts the page before or does not come
 * ends the attempt; the next one begins anew after a backoff. An answer of an
 * older attempt is known by its ticket and ignored.
 *
 * Why no event is lost: the slave makes the snapshot, of seq S, after it was
 * asked, so what it publishes with a seq above S reaches us after we asked. */
#include "services/master/core/cluster_state.h"

#include "lib/base/error.h"
#include "services/master/core/kept_events.h"

#include <stdlib.h>
#include <string.h>

/* Pauses between attempts: short ones, since whatever made the last attempt fail, or events
 * go missing after it, may be over, and then all must be right within 5 s. */
#define PAUSE_FIRST_MS 500u
#define PAUSE_MAX_MS   1000u
/* But long ones where snapshots come and do not help. */
#define USELESS_PAUSE_MAX_MS 30000u
/* Tunnels of a snapshot that are put in, or that it takes out, at one tick: some
 * milliseconds. */
#define INSTALLED_MAX 1000u

struct m4h_resync {
    uint64_t seq_asked; /* what the slave's seq was at least, when asked */
    uint64_t snapshot_id;
    uint32_t next_page;
    uint64_t epoch; /* of the first page, as are seq, info and state */
    uint64_t seq;
    struct m4h_slave_info info;
    enum m4h_slave_state state;
    struct m4h_entry *entries; /* owned; linked by chain_next */
    size_t entry_count;
    struct m4h_kept_events kept; /* that came meanwhile */
    bool spoiled;                /* an event could not be kept, or a tunnel not be put in */
    bool is_complete;            /* the last page is in; `entries` are what is left to put in */
    bool is_start;               /* there was none: the slave has started, and is empty */
};

/* ---- memory --------------------------------------------------------------- */

static void free_resync(struct m4h_resync *resync)
{
    if (resync == NULL)
        return;
    while (resync->entries != NULL) {
        struct m4h_entry *next = resync->entries->chain_next;

        m4h_entry_destroy(resync->entries);
        resync->entries = next;
    }
    m4h_kept_events_free(&resync->kept);
    free(resync);
}

/* ---- waiting and asking --------------------------------------------------- */

static void set_waiting(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t due_ms)
{
    slave->waiting_due_ms = due_ms;
    m4h_heap_moved(&cluster->waiting, &slave->waiting);
}

static void set_asked(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t due_ms)
{
    cluster->asked_count -= slave->asked_due_ms != UINT64_MAX;
    cluster->asked_count += due_ms != UINT64_MAX;
    slave->asked_due_ms = due_ms;
    m4h_heap_moved(&cluster->asked, &slave->asked);
}

/* 0 the first time, then growing. */
static uint64_t growing(uint32_t times, uint64_t max_ms)
{
    uint64_t pause_ms = PAUSE_FIRST_MS;

    if (times == 0)
        return 0;
    while (--times > 0 && pause_ms < max_ms)
        pause_ms *= 2;
    return pause_ms < max_ms ? pause_ms : max_ms;
}

static uint64_t backoff_ms(const struct m4h_slave *slave)
{
    uint64_t pause_ms = growing(slave->attempts_unconfirmed, PAUSE_MAX_MS);
    uint64_t useless_ms = growing(slave->snapshots_useless, USELESS_PAUSE_MAX_MS);

    return pause_ms > useless_ms ? pause_ms : useless_ms;
}

bool m4h_resync_is_wanted(const struct m4h_slave *slave)
{
    return slave->waiting_due_ms != UINT64_MAX || slave->asked_due_ms != UINT64_MAX;
}

void m4h_resync_want(struct m4h_cluster *cluster, struct m4h_slave *slave, const char *why,
                     uint64_t now_ms)
{
    if (slave->resync != NULL)
        slave->resync->spoiled = true;
    if (m4h_resync_is_wanted(slave))
        return;
    m4h_cluster_set_synced(cluster, slave, false);
    m4h_cluster_note(cluster, slave, M4H_NOTE_UNSYNCED, why, 0);
    set_waiting(cluster, slave, now_ms + backoff_ms(slave));
}

void m4h_resync_hurry(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    uint64_t due_ms;

    slave->snapshots_useless = 0;
    due_ms = now_ms + backoff_ms(slave);
    if (slave->waiting_due_ms != UINT64_MAX && due_ms < slave->waiting_due_ms)
        set_waiting(cluster, slave, due_ms);
}

void m4h_resync_cancel(struct m4h_cluster *cluster, struct m4h_slave *slave)
{
    free_resync(slave->resync);
    slave->resync = NULL;
    set_waiting(cluster, slave, UINT64_MAX);
    set_asked(cluster, slave, UINT64_MAX);
}

/* Asks for the next page. False: not now. */
static bool ask(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    struct m4h_effect *effect = m4h_effects_add(&cluster->effects, M4H_EFFECT_SNAPSHOT);

    if (effect == NULL)
        return false;
    m4h_text_copy(effect->slave_id, sizeof(effect->slave_id), slave->id);
    m4h_text_copy(effect->region, sizeof(effect->region), slave->region);
    effect->as.snapshot.attempt = slave->attempts;
    effect->as.snapshot.request.snapshot_id = slave->resync->snapshot_id;
    effect->as.snapshot.request.page = slave->resync->next_page;
    effect->as.snapshot.request.epoch = slave->epoch;
    set_asked(cluster, slave, now_ms + M4H_MASTER_PAGE_TIMEOUT_MS);
    return true;
}

/* The attempt is over without success: try again later. */
static void fail(struct m4h_cluster *cluster, struct m4h_slave *slave, const char *why,
                 uint64_t now_ms)
{
    cluster->stats.snapshots_failed++;
    m4h_resync_cancel(cluster, slave);
    m4h_cluster_note(cluster, slave, M4H_NOTE_SNAPSHOT_FAILED, why, 0);
    set_waiting(cluster, slave, now_ms + backoff_ms(slave));
}

static void begin(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    set_waiting(cluster, slave, UINT64_MAX);
    slave->attempts++;
    slave->attempts_unconfirmed++;
    slave->resync = calloc(1, sizeof(*slave->resync));
    if (slave->resync == NULL) {
        fail(cluster, slave, "out of memory", now_ms);
        return;
    }
    slave->resync->seq_asked = slave->seq;
    cluster->stats.snapshots_asked++;
    if (!ask(cluster, slave, now_ms))
        fail(cluster, slave, "too much is under way", now_ms);
}

/* ---- events meanwhile ----------------------------------------------------- */

void m4h_resync_keep(struct m4h_cluster *cluster, struct m4h_slave *slave,
                     const struct m4h_event *event)
{
    struct m4h_resync *resync = slave->resync;

    if (resync != NULL && !resync->spoiled)
        resync->spoiled = !m4h_kept_events_add(&resync->kept, &cluster->tunnels.labels, event);
}

/* Applies a kept event on top of the snapshot. */
static void apply_again(struct m4h_cluster *cluster, struct m4h_slave *slave,
                        struct m4h_resync *resync, struct m4h_kept_event *kept, uint64_t now_ms)
{
    switch (kept->type) {
    case M4H_EVENT_CONNECT:
        if (m4h_fold_insert(cluster, slave, kept->entry, now_ms) != 0)
            resync->spoiled = true;
        kept->entry = NULL;
        break;
    case M4H_EVENT_DISCONNECT:
        m4h_fold_remove(cluster, slave, kept->client_key, kept->tunnel_id);
        break;
    case M4H_EVENT_DRAIN:
        m4h_fold_announce(cluster, slave, M4H_SLAVE_DRAINING, kept->seq);
        break;
    case M4H_EVENT_STOP:
    case M4H_EVENT_START:
    case M4H_EVENT_REFUSE:
    case M4H_EVENT_FLAPPING:
    case M4H_EVENT_ACCESS:
    case M4H_EVENT_RELOAD:
    case M4H_EVENT_LOAD:
    case M4H_EVENT_OTHER:
        break;
    }
}

/* Applies what is later than the snapshot, as long as it has no gap. Returns
 * the seq up to which the slave's part is now right. */
static uint64_t replay(struct m4h_cluster *cluster, struct m4h_slave *slave,
                       struct m4h_resync *resync, uint64_t now_ms)
{
    uint64_t seq = resync->seq;

    for (struct m4h_kept_event *kept = resync->kept.first; kept != NULL; kept = kept->next) {
        if (kept->seq <= seq)
            continue;
        apply_again(cluster, slave, resync, kept, now_ms);
        if (kept->seq == seq + 1)
            seq++;
    }
    return seq;
}

/* ---- pages ---------------------------------------------------------------- */

/* Makes the page's tunnels into entries aside. */
static int set_aside(struct m4h_cluster *cluster, struct m4h_resync *resync,
                     const struct m4h_tunnel *tunnels, size_t count)
{
    if (cluster->tunnels.entries + resync->entry_count + count > M4H_MASTER_TUNNELS_MAX)
        return M4H_EFULL;
    for (size_t i = 0; i < count; i++) {
        struct m4h_entry *entry = m4h_entry_create(&cluster->tunnels.labels, &tunnels[i]);

        if (entry == NULL)
            return M4H_ENOMEM;
        entry->chain_next = resync->entries;
        resync->entries = entry;
        resync->entry_count++;
    }
    return 0;
}

/* All of the snapshot is in, and what it did not bring has gone: what came meanwhile
 * counts. */
static void finish(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    struct m4h_resync *resync = slave->resync;
    uint64_t seq;

    slave->resync = NULL;
    m4h_resync_cancel(cluster, slave);
    seq = replay(cluster, slave, resync, now_ms);
    cluster->stats.snapshots_installed += !resync->is_start;
    if (seq < slave->seq || resync->spoiled || m4h_resync_is_wanted(slave)) {
        m4h_resync_want(cluster, slave, "events are missing after the snapshot", now_ms);
    } else {
        slave->seq = seq;
        m4h_cluster_set_synced(cluster, slave, true);
        if (!resync->is_start)
            m4h_cluster_note(cluster, slave, M4H_NOTE_SYNCED, NULL, 0);
    }
    free_resync(resync);
    m4h_cluster_update_seat(slave);
}

/* Puts in as much of the snapshot as takes little time; the next tick goes on. */
static void install(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    struct m4h_resync *resync = slave->resync;
    size_t left = INSTALLED_MAX;

    for (; left > 0 && resync->entries != NULL; left--) {
        struct m4h_entry *entry = resync->entries;

        resync->entries = entry->chain_next;
        if (m4h_fold_renew(cluster, slave, entry, now_ms) != 0)
            resync->spoiled = true;
    }
    if (resync->entries == NULL &&
        m4h_tunnel_index_end_renewal(&cluster->tunnels, &slave->held, left))
        finish(cluster, slave, now_ms);
    else
        set_asked(cluster, slave, now_ms + 1);
}

/* The last page is there: the snapshot replaces what the slave holds. */
static void begin_install(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    slave->resync->is_complete = true;
    m4h_slaves_set_info(&cluster->slaves, slave, &slave->resync->info);
    m4h_fold_announce(cluster, slave, slave->resync->state, slave->resync->seq);
    m4h_tunnel_index_begin_renewal(&slave->held);
    install(cluster, slave, now_ms);
}

void m4h_resync_start_empty(struct m4h_cluster *cluster, struct m4h_slave *slave, uint64_t now_ms)
{
    m4h_resync_cancel(cluster, slave);
    if (slave->held.count > 0)
        slave->resync = calloc(1, sizeof(*slave->resync));
    if (slave->resync == NULL) {
        m4h_tunnel_index_drop(&cluster->tunnels, &slave->held);
        m4h_cluster_set_synced(cluster, slave, true);
        return;
    }
    slave->resync->seq = slave->seq;
    slave->resync->is_complete = true;
    slave->resync->is_start = true;
    m4h_tunnel_index_begin_renewal(&slave->held);
    install(cluster, slave, now_ms);
}

/* Keeps what the first page says of the whole snapshot. */
static void take_first(struct m4h_resync *resync, const struct m4h_snapshot_page *page)
{
    resync->snapshot_id = page->snapshot_id;
    resync->epoch = page->epoch;
    resync->seq = page->seq;
    resync->info = page->info;
    resync->state = page->state;
}

/* What is wrong with a page, or NULL. */
static const char *wrong_with(const struct m4h_slave *slave, const struct m4h_snapshot_page *page)
{
    const struct m4h_resync *resync = slave->resync;

    if (strcmp(page->slave_id, slave->id) != 0 || page->page != resync->next_page)
        return "the page is not the one that was asked for";
    if (page->snapshot_id != resync->snapshot_id || page->snapshot_id == 0 ||
        page->epoch != resync->epoch || page->seq != resync->seq)
        return "the page is of another snapshot";
    if (page->epoch == slave->epoch && strcmp(page->region, slave->region) != 0)
        return "the page claims another region";
    if (page->epoch < slave->epoch)
        return "the page is of a process that is gone";
    if (page->epoch == slave->epoch && page->seq < resync->seq_asked)
        return "the page is older than the events";
    return NULL;
}

/* The page comes from a process whose events did not reach us yet. */
static void adopt_epoch(struct m4h_cluster *cluster, struct m4h_slave *slave,
                        const struct m4h_snapshot_page *page)
{
    struct m4h_resync *resync = slave->resync;

    slave->resync = NULL;
    m4h_fold_begin_epoch(cluster, slave, page->epoch);
    if (strcmp(slave->region, page->region) != 0 &&
        m4h_fold_move(cluster, slave, page->region) != 0)
        m4h_cluster_note(cluster, slave, M4H_NOTE_NO_ROOM, "gets no devices", 0);
    m4h_cluster_note(cluster, slave, M4H_NOTE_RESTARTED, NULL, 0);
    slave->resync = resync;
    m4h_kept_events_free(&resync->kept);
    resync->spoiled = false;
    resync->seq_asked = 0;
}

static void on_page(struct m4h_cluster *cluster, struct m4h_slave *slave,
                    const struct m4h_snapshot_page *page, const struct m4h_tunnel *tunnels,
                    size_t count, uint64_t now_ms)
{
    const char *wrong;
    int error;

    if (slave->resync->next_page == 0)
        take_first(slave->resync, page);
    wrong = wrong_with(slave, page);
    if (wrong != NULL) {
        fail(cluster, slave, wrong, now_ms);
        return;
    }
    if (page->epoch > slave->epoch)
        adopt_epoch(cluster, slave, page);
    error = set_aside(cluster, slave->resync, tunnels, count);
    if (error != 0) {
        cluster->stats.not_taken++;
        slave->snapshots_useless++;
        fail(cluster, slave, m4h_error_text(error), now_ms);
    } else if (page->last) {
        begin_install(cluster, slave, now_ms);
    } else {
        slave->resync->next_page++;
        if (!ask(cluster, slave, now_ms))
            fail(cluster, slave, "too much is under way", now_ms);
    }
}

/* The slave that waits for an answer with this ticket, or NULL. */
static struct m4h_slave *slave_with(const struct m4h_cluster *cluster, const char *slave_id,
                                    const struct m4h_snapshot_ticket *ticket)
{
    struct m4h_slave *slave = m4h_slaves_find(&cluster->slaves, slave_id);

    if (slave == NULL || slave->resync == NULL || slave->attempts != ticket->attempt ||
        slave->resync->is_complete || slave->resync->next_page != ticket->request.page)
        return NULL;
    return slave;
}

void m4h_cluster_snapshot(struct m4h_cluster *cluster, const char *slave_id,
                          const struct m4h_snapshot_ticket *ticket,
                          const struct m4h_snapshot_page *page, const struct m4h_tunnel *tunnels,
                          size_t count, struct m4h_moment moment)
{
    struct m4h_slave *slave = slave_with(cluster, slave_id, ticket);

    if (slave == NULL)
        return;
    on_page(cluster, slave, page, tunnels, count, moment.now_ms);
    m4h_cluster_update_seat(slave);
    m4h_resync_tick(cluster, moment.now_ms);
}

void m4h_cluster_snapshot_failed(struct m4h_cluster *cluster, const char *slave_id,
                                 const struct m4h_snapshot_ticket *ticket, const char *why,
                                 struct m4h_moment moment)
{
    struct m4h_slave *slave = slave_with(cluster, slave_id, ticket);

    if (slave == NULL)
        return;
    fail(cluster, slave, why, moment.now_ms);
    m4h_resync_tick(cluster, moment.now_ms);
}

/* ---- time ----------------------------------------------------------------- */

void m4h_resync_tick(struct m4h_cluster *cluster, uint64_t now_ms)
{
    struct m4h_heap_node *first = m4h_heap_first(&cluster->asked);
    struct m4h_slave *slave;

    if (first == NULL)
        return;
    slave = M4H_CONTAINER_OF(first, struct m4h_slave, asked);
    while (slave->asked_due_ms <= now_ms && !slave->resync->is_complete) {
        fail(cluster, slave, "no answer in time", now_ms);
        slave = M4H_CONTAINER_OF(m4h_heap_first(&cluster->asked), struct m4h_slave, asked);
    }
    slave = M4H_CONTAINER_OF(m4h_heap_first(&cluster->waiting), struct m4h_slave, waiting);
    while (slave->waiting_due_ms <= now_ms && cluster->asked_count < M4H_MASTER_SNAPSHOTS_MAX) {
        begin(cluster, slave, now_ms);
        slave = M4H_CONTAINER_OF(m4h_heap_first(&cluster->waiting), struct m4h_slave, waiting);
    }
}

void m4h_resync_go_on(struct m4h_cluster *cluster, uint64_t now_ms)
{
    struct m4h_heap_node *first = m4h_heap_first(&cluster->asked);
    struct m4h_slave *slave;

    if (first == NULL)
        return;
    slave = M4H_CONTAINER_OF(first, struct m4h_slave, asked);
    if (slave->asked_due_ms <= now_ms && slave->resync->is_complete)
        install(cluster, slave, now_ms);
}
