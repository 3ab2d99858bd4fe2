/* A ring of events with a cursor: before it what was sent, from it on what is to be.
 * It must not know how an event is encoded or sent. */
#include "services/slave/core/journal.h"

#include "lib/base/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MAX_MS 30000u

struct m4h_journal {
    struct m4h_journal_limits limits;
    struct m4h_journal_entry *ring; /* `limits.messages_max` of them */
    uint32_t first, count;
    uint32_t cursor; /* of the `count`, the next to send */
    uint32_t backoff_ms;
    uint64_t rest_until_ms;
    uint64_t latest;
    bool connected;
    bool confirmed; /* something was acknowledged since the start */
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

static void pop(struct m4h_journal *journal)
{
    struct m4h_journal_entry *entry = at(journal, 0);

    journal->stats.bytes -= entry->len;
    free(entry->data);
    *entry = (struct m4h_journal_entry){0};
    journal->first = (journal->first + 1) % journal->limits.messages_max;
    journal->count--;
    if (journal->cursor > 0)
        journal->cursor--;
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

uint64_t m4h_journal_number(struct m4h_journal *journal)
{
    return ++journal->latest;
}

uint64_t m4h_journal_latest(const struct m4h_journal *journal)
{
    return journal->latest;
}

static void drop_oldest(struct m4h_journal *journal)
{
    const struct m4h_journal_entry *entry = at(journal, 0);

    if (entry->sends == 0)
        journal->stats.lost++;
    else if (!entry->acknowledged)
        journal->stats.dropped_sent++;
    pop(journal);
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

void m4h_journal_set_connected(struct m4h_journal *journal, bool connected)
{
    journal->connected = connected;
    journal->cursor = 0;
    journal->rest_until_ms = 0;
    journal->backoff_ms = 0;
}

static void send_again(struct m4h_journal *journal, uint64_t now_ms)
{
    uint32_t wait_ms = journal->limits.ack_wait_ms;

    journal->backoff_ms = journal->backoff_ms == 0 ? wait_ms / 4 + 1 : journal->backoff_ms * 2;
    if (journal->backoff_ms > BACKOFF_MAX_MS)
        journal->backoff_ms = BACKOFF_MAX_MS;
    journal->rest_until_ms = now_ms + journal->backoff_ms;
    journal->cursor = 0;
}

static bool is_patient_once(const struct m4h_journal *journal)
{
    return journal->limits.mode == M4H_JOURNAL_AUTO && !journal->confirmed;
}

/* The oldest that was sent on this connection and is overdue is let go, or all begins anew with it.
 */
static void look_at_time(struct m4h_journal *journal, uint64_t now_ms)
{
    while (journal->cursor > 0 && now_ms - at(journal, 0)->sent_ms >= journal->limits.ack_wait_ms) {
        if (!is_patient_once(journal)) {
            send_again(journal, now_ms);
            return;
        }
        journal->stats.unacknowledged++;
        pop(journal);
    }
}

const struct m4h_journal_entry *m4h_journal_next(struct m4h_journal *journal, uint64_t now_ms)
{
    if (!journal->connected)
        return NULL;
    look_at_time(journal, now_ms);
    if (now_ms < journal->rest_until_ms)
        return NULL;
    while (journal->cursor < journal->count && at(journal, journal->cursor)->acknowledged)
        journal->cursor++;
    if (journal->cursor == journal->count || journal->cursor >= journal->limits.window)
        return NULL;
    return at(journal, journal->cursor);
}

void m4h_journal_sent(struct m4h_journal *journal, uint64_t now_ms)
{
    struct m4h_journal_entry *entry = at(journal, journal->cursor);

    assert(journal->cursor < journal->count);
    if (entry->sends++ > 0)
        journal->stats.resent++;
    entry->sent_ms = now_ms;
    journal->cursor++;
    if (journal->limits.mode == M4H_JOURNAL_NEVER)
        pop(journal);
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

void m4h_journal_acknowledged(struct m4h_journal *journal, uint64_t seq)
{
    struct m4h_journal_entry *entry = find(journal, seq);

    journal->confirmed = true;
    if (entry == NULL || entry->acknowledged)
        return;
    entry->acknowledged = true;
    journal->stats.acknowledged++;
    journal->backoff_ms = 0;
    while (journal->count > 0 && at(journal, 0)->acknowledged)
        pop(journal);
}

void m4h_journal_failed(struct m4h_journal *journal, uint64_t seq, uint64_t now_ms)
{
    const struct m4h_journal_entry *entry = find(journal, seq);

    if (entry == NULL || entry->acknowledged || is_patient_once(journal) ||
        now_ms < journal->rest_until_ms)
        return;
    send_again(journal, now_ms);
}

uint64_t m4h_journal_due_ms(const struct m4h_journal *journal)
{
    if (!journal->connected || journal->count == 0)
        return UINT64_MAX;
    if (journal->rest_until_ms > 0 && journal->cursor == 0)
        return journal->rest_until_ms;
    return journal->cursor > 0 ? at(journal, 0)->sent_ms + journal->limits.ack_wait_ms : 0;
}

void m4h_journal_stats(const struct m4h_journal *journal, struct m4h_journal_stats *stats)
{
    *stats = journal->stats;
    stats->messages = journal->count;
}
