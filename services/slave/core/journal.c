/* A ring of events with a cursor: before it what was sent in this round, from it on what
 * is to be. `fresh` is the first that was never sent.
 * It must not know how an event is encoded or sent. */
#include "services/slave/core/journal.h"

#include "lib/base/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MAX_MS  10000u
#define PASSED_OVER_MAX 6u /* with their rests, 16 s at least where `ack_wait_ms` is 1 s */

struct m4h_journal {
    struct m4h_journal_limits limits;
    struct m4h_journal_entry *ring; /* `limits.messages_max` of them */
    uint32_t first, count;
    uint32_t cursor; /* of the `count`, the next to send */
    uint32_t fresh;  /* likewise, the first that was never sent */
    uint32_t round;
    uint32_t in_flight; /* sent in this round, not acknowledged */
    bool held;          /* only the oldest is sent again, at `probe_ms` */
    uint32_t backoff_ms;
    uint64_t probe_ms;
    bool connected;
    bool confirmed;   /* something was acknowledged since the start */
    bool took_others; /* since the oldest was sent, while held */
    struct m4h_journal_stats stats;
};

int m4h_journal_create(struct m4h_journal **journal, const struct m4h_journal_limits *limits)
{
    struct m4h_journal *made = calloc(1, sizeof(*made));

    assert(limits->messages_max > 0 && limits->window > 0 && limits->ack_wait_ms > 0);
    *journal = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->limits = *limits;
    made->ring = calloc(limits->messages_max, sizeof(*made->ring));
    if (made->ring == NULL) {
        free(made);
        return M4H_ENOMEM;
    }
    *journal = made;
    return 0;
}

static struct m4h_journal_entry *at(const struct m4h_journal *journal, uint32_t index)
{
    return &journal->ring[((uint64_t)journal->first + index) % journal->limits.messages_max];
}

static bool is_in_flight(const struct m4h_journal *journal, const struct m4h_journal_entry *entry)
{
    return entry->sends > 0 && !entry->acknowledged && entry->round == journal->round;
}

static void release(struct m4h_journal *journal, struct m4h_journal_entry *entry)
{
    if (is_in_flight(journal, entry))
        journal->in_flight--;
    journal->stats.bytes -= entry->len;
    free(entry->data);
    entry->data = NULL;
    entry->len = 0;
    entry->acknowledged = true;
}

static void pop(struct m4h_journal *journal)
{
    struct m4h_journal_entry *entry = at(journal, 0);

    if (!entry->acknowledged)
        release(journal, entry);
    *entry = (struct m4h_journal_entry){0};
    journal->first = (journal->first + 1) % journal->limits.messages_max;
    journal->count--;
    if (journal->cursor > 0)
        journal->cursor--;
    if (journal->fresh > 0)
        journal->fresh--;
}

static void pop_acknowledged(struct m4h_journal *journal)
{
    while (journal->count > 0 && at(journal, 0)->acknowledged)
        pop(journal);
}

void m4h_journal_destroy(struct m4h_journal *journal)
{
    if (journal == NULL)
        return;
    while (journal->count > 0)
        pop(journal);
    free(journal->ring);
    free(journal);
}

static void drop_oldest(struct m4h_journal *journal)
{
    const struct m4h_journal_entry *entry = at(journal, 0);

    if (!entry->acknowledged && entry->sends == 0)
        journal->stats.lost++;
    else if (!entry->acknowledged)
        journal->stats.dropped_sent++;
    pop(journal);
    pop_acknowledged(journal);
}

int m4h_journal_push(struct m4h_journal *journal, uint64_t seq, enum m4h_event_type type,
                     const uint8_t *data, size_t len)
{
    uint8_t *copy = len <= journal->limits.bytes_max ? malloc(len > 0 ? len : 1) : NULL;

    if (copy == NULL) {
        journal->stats.lost++;
        return len <= journal->limits.bytes_max ? M4H_ENOMEM : M4H_ETOOBIG;
    }
    while (journal->count == journal->limits.messages_max ||
           journal->stats.bytes + len > journal->limits.bytes_max)
        drop_oldest(journal);
    if (len > 0)
        memcpy(copy, data, len);
    *at(journal, journal->count++) =
        (struct m4h_journal_entry){.seq = seq, .type = type, .data = copy, .len = len};
    journal->stats.bytes += len;
    return 0;
}

static void begin_round(struct m4h_journal *journal)
{
    journal->round++;
    journal->in_flight = 0;
    journal->cursor = 0;
    journal->held = false;
}

void m4h_journal_set_connected(struct m4h_journal *journal, bool connected)
{
    journal->connected = connected;
    journal->backoff_ms = 0;
    begin_round(journal);
}

static void rest(struct m4h_journal *journal, uint64_t now_ms)
{
    uint32_t wait_ms = journal->limits.ack_wait_ms;

    journal->backoff_ms = journal->backoff_ms == 0 ? wait_ms / 4 + 1 : journal->backoff_ms * 2;
    if (journal->backoff_ms > BACKOFF_MAX_MS)
        journal->backoff_ms = BACKOFF_MAX_MS;
    journal->probe_ms = now_ms + journal->backoff_ms;
}

static void hold(struct m4h_journal *journal, uint64_t now_ms)
{
    journal->held = true;
    journal->took_others = false;
    rest(journal, now_ms);
}

static bool is_patient_once(const struct m4h_journal *journal)
{
    return journal->limits.mode == M4H_JOURNAL_AUTO && !journal->confirmed;
}

static bool is_overdue(const struct m4h_journal *journal, uint64_t now_ms)
{
    return journal->count > 0 && is_in_flight(journal, at(journal, 0)) &&
           now_ms >= at(journal, 0)->sent_ms + journal->limits.ack_wait_ms;
}

static bool is_refused(const struct m4h_journal *journal, uint64_t now_ms)
{
    return journal->held && journal->count > 0 && now_ms >= journal->probe_ms &&
           at(journal, 0)->passed_over >= PASSED_OVER_MAX;
}

/* The oldest, and what has waited in vain like it. */
static void give_up(struct m4h_journal *journal, uint64_t now_ms)
{
    enum m4h_event_type type = at(journal, 0)->type;

    for (uint32_t i = 0; i < journal->count; i++) {
        struct m4h_journal_entry *entry = at(journal, i);

        if (entry->type != type || entry->acknowledged || entry->sends == 0 ||
            now_ms < entry->sent_ms + journal->limits.ack_wait_ms)
            continue;
        release(journal, entry);
        journal->stats.refused++;
    }
    pop_acknowledged(journal);
    begin_round(journal);
}

static void look_at_time(struct m4h_journal *journal, uint64_t now_ms)
{
    if (!is_patient_once(journal)) {
        if (is_refused(journal, now_ms))
            give_up(journal, now_ms);
        if (!journal->held && is_overdue(journal, now_ms))
            hold(journal, now_ms);
        return;
    }
    while (is_overdue(journal, now_ms)) {
        journal->stats.unacknowledged++;
        pop(journal);
    }
}

/* The oldest, when its rest is over, and what was never sent. */
static void aim_while_held(struct m4h_journal *journal, uint64_t now_ms)
{
    journal->cursor = now_ms >= journal->probe_ms ? 0 : journal->fresh;
}

static void aim(struct m4h_journal *journal)
{
    while (journal->cursor < journal->count && at(journal, journal->cursor)->acknowledged)
        journal->cursor++;
}

const struct m4h_journal_entry *m4h_journal_next(struct m4h_journal *journal, uint64_t now_ms)
{
    bool is_full;

    if (!journal->connected)
        return NULL;
    look_at_time(journal, now_ms);
    if (journal->held)
        aim_while_held(journal, now_ms);
    else
        aim(journal);
    is_full =
        !journal->held && !is_patient_once(journal) && journal->in_flight >= journal->limits.window;
    return journal->cursor < journal->count && !is_full ? at(journal, journal->cursor) : NULL;
}

void m4h_journal_sent(struct m4h_journal *journal, uint64_t now_ms)
{
    struct m4h_journal_entry *entry = at(journal, journal->cursor);

    assert(journal->cursor < journal->count);
    if (!is_in_flight(journal, entry))
        journal->in_flight++;
    if (entry->sends++ > 0)
        journal->stats.resent++;
    if (journal->held && journal->cursor == 0) {
        entry->passed_over += journal->took_others;
        journal->took_others = false;
        rest(journal, now_ms);
    }
    entry->sent_ms = now_ms;
    entry->round = journal->round;
    if (++journal->cursor > journal->fresh)
        journal->fresh = journal->cursor;
    if (journal->limits.mode == M4H_JOURNAL_NEVER)
        pop(journal);
}

void m4h_journal_skip(struct m4h_journal *journal)
{
    assert(journal->cursor < journal->count);
    journal->stats.lost++;
    release(journal, at(journal, journal->cursor));
    if (++journal->cursor > journal->fresh)
        journal->fresh = journal->cursor;
    pop_acknowledged(journal);
}

/* Numbers rise along the ring, with gaps. NULL: it is not here. */
static struct m4h_journal_entry *find(const struct m4h_journal *journal, uint64_t seq)
{
    uint32_t low = 0, high = journal->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (at(journal, middle)->seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < journal->count && at(journal, low)->seq == seq ? at(journal, low) : NULL;
}

/* The stream has answered, finally, and counts it here. */
static void conclude(struct m4h_journal *journal, uint64_t seq, uint64_t *counter)
{
    struct m4h_journal_entry *entry = find(journal, seq);
    bool is_oldest = journal->count > 0 && entry == at(journal, 0);

    journal->confirmed = true;
    if (entry == NULL || entry->acknowledged)
        return;
    release(journal, entry);
    (*counter)++;
    pop_acknowledged(journal);
    if (!is_oldest) {
        journal->took_others = true;
        return;
    }
    journal->backoff_ms = 0;
    if (journal->held)
        begin_round(journal);
}

uint64_t m4h_journal_sent_ms(const struct m4h_journal *journal, uint64_t seq)
{
    const struct m4h_journal_entry *entry = find(journal, seq);

    return entry == NULL || entry->acknowledged ? 0 : entry->sent_ms;
}

void m4h_journal_acknowledged(struct m4h_journal *journal, uint64_t seq)
{
    conclude(journal, seq, &journal->stats.acknowledged);
}

void m4h_journal_refused(struct m4h_journal *journal, uint64_t seq)
{
    conclude(journal, seq, &journal->stats.refused);
}

void m4h_journal_failed(struct m4h_journal *journal, uint64_t seq, uint64_t now_ms)
{
    const struct m4h_journal_entry *entry = find(journal, seq);

    if (entry != NULL && !entry->acknowledged && !is_patient_once(journal) && !journal->held)
        hold(journal, now_ms);
}

bool m4h_journal_is_behind(const struct m4h_journal *journal)
{
    for (uint32_t i = journal->held ? journal->fresh : journal->cursor; i < journal->count; i++)
        if (!at(journal, i)->acknowledged)
            return true;
    return false;
}

uint64_t m4h_journal_due_ms(const struct m4h_journal *journal)
{
    if (!journal->connected || journal->count == 0)
        return UINT64_MAX;
    if (journal->held)
        return journal->probe_ms;
    return is_in_flight(journal, at(journal, 0))
               ? at(journal, 0)->sent_ms + journal->limits.ack_wait_ms
               : UINT64_MAX;
}

bool m4h_journal_is_settled(const struct m4h_journal *journal)
{
    return journal->count == 0 ||
           (is_patient_once(journal) && journal->connected && journal->cursor == journal->count);
}

void m4h_journal_stats(const struct m4h_journal *journal, struct m4h_journal_stats *stats)
{
    *stats = journal->stats;
    stats->messages = journal->count;
}
