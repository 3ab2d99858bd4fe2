/* The events of a slave from their numbering to their acknowledgement. The owner
 * numbers, encodes and pushes the bytes; then it sends what m4h_journal_next names
 * and tells how that went. Bounded by messages and bytes: beyond, the oldest goes.
 * Load events never come here. Pure.
 *
 * First sends go in order. What was not acknowledged in time, or was said no to, is
 * asked about by its oldest, again and again with longer rests; once that one is
 * acknowledged, all that are not go again, in order. Meanwhile new events go out
 * unhindered: whoever listens without a stream hears them. A reconnect sends all again.
 *
 * What the stream refuses for ever stops nothing: it is let go when the stream says so, or when
 * it was asked about again and again while the stream took later ones; and with it, what else
 * of its type is overdue, as such a stream takes none of it.
 *
 * A number that was not pushed is a gap, as what was dropped unsent is: masters then
 * ask for a snapshot. */
#ifndef M4H_SLAVE_CORE_JOURNAL_H
#define M4H_SLAVE_CORE_JOURNAL_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

struct m4h_journal;

enum m4h_journal_mode {
    M4H_JOURNAL_AUTO,     /* as required once anything was acknowledged, before that patient once */
    M4H_JOURNAL_REQUIRED, /* an event stays until it is acknowledged */
    M4H_JOURNAL_NEVER,    /* what was sent is done */
};

struct m4h_journal_limits {
    enum m4h_journal_mode mode;
    uint32_t messages_max; /* at least 1 */
    uint64_t bytes_max;
    uint32_t window;      /* in flight, while acknowledgements come; at least 1 */
    uint32_t ack_wait_ms; /* at least 1 */
};

struct m4h_journal_entry {
    uint64_t seq;
    enum m4h_event_type type;
    uint8_t *data; /* owned by the journal; NULL once acknowledged */
    size_t len;
    uint64_t sent_ms; /* the last time */
    uint32_t sends;
    uint32_t round;       /* in which it was sent last */
    uint32_t passed_over; /* times that it was asked about, after which later ones were taken */
    bool acknowledged;
};

struct m4h_journal_stats {
    uint64_t acknowledged;
    uint64_t unacknowledged; /* let go in M4H_JOURNAL_AUTO */
    uint64_t refused;        /* let go because the stream never takes them */
    uint64_t resent;
    uint64_t lost;         /* dropped before they were ever sent */
    uint64_t dropped_sent; /* dropped sent, not acknowledged */
    uint64_t bytes;
    uint32_t messages;
};

/* `limits` is copied. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_journal_create(struct m4h_journal **journal,
                                      const struct m4h_journal_limits *limits);
/* Accepts NULL. */
void m4h_journal_destroy(struct m4h_journal *journal);

/* Copies the event `seq`, later than all before. M4H_ENOMEM, M4H_ETOOBIG: it is lost, and counted.
 */
M4H_MUST_CHECK int m4h_journal_push(struct m4h_journal *journal, uint64_t seq,
                                    enum m4h_event_type type, const uint8_t *data, size_t len);

void m4h_journal_set_connected(struct m4h_journal *journal, bool connected);
/* What to send now, valid until the next call that changes; NULL: nothing. */
const struct m4h_journal_entry *m4h_journal_next(struct m4h_journal *journal, uint64_t now_ms);
/* What m4h_journal_next named was handed to the bus. */
void m4h_journal_sent(struct m4h_journal *journal, uint64_t now_ms);
/* It can never be sent: it is lost. */
void m4h_journal_skip(struct m4h_journal *journal);
/* When what waits to be acknowledged was sent last; 0: it does not wait, or is not here. */
uint64_t m4h_journal_sent_ms(const struct m4h_journal *journal, uint64_t seq);
/* The stream has it, or said no to it. One that is not here any more is ignored. */
void m4h_journal_acknowledged(struct m4h_journal *journal, uint64_t seq);
void m4h_journal_failed(struct m4h_journal *journal, uint64_t seq, uint64_t now_ms);
/* The stream never takes this one. */
void m4h_journal_refused(struct m4h_journal *journal, uint64_t seq);
/* Something waits for its turn: what tells of the latest number must wait, too, or who hears
 * it misses the events between. */
bool m4h_journal_is_behind(const struct m4h_journal *journal);
/* When m4h_journal_next may name something that it does not now; UINT64_MAX: not by time alone. */
uint64_t m4h_journal_due_ms(const struct m4h_journal *journal);
/* Nothing is left to send or to wait for. */
bool m4h_journal_is_settled(const struct m4h_journal *journal);

void m4h_journal_stats(const struct m4h_journal *journal, struct m4h_journal_stats *stats);

#endif
