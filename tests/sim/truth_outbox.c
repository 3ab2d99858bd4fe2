/* The rules on events between a slave and the stream. What counts is what the stream has, and
 * what the journal itself says became of the rest. */
#include "tests/sim/truth.h"

#include "lib/base/error.h"
#include "services/slave/core/journal.h"
#include "tests/sim/sim.h"

static uint64_t let_go(const struct m4h_journal_stats *stats)
{
    return stats->unacknowledged + stats->refused + stats->lost + stats->dropped_sent;
}

void truth_answered(struct sim_slave *slave, int error)
{
    struct m4h_journal_stats stats;

    if (error != M4H_EUNAVAILABLE && !slave->outbox_account.is_confirmed) {
        m4h_journal_stats(slave->journal, &stats);
        slave->outbox_account.is_confirmed = true;
        slave->outbox_account.unacknowledged = stats.unacknowledged;
    }
}

/* Numbers that the slave gave and the stream does not have are still here, or counted. */
static void check_none_is_missing(struct sim *sim, const struct sim_slave *slave,
                                  const struct m4h_journal_stats *stats)
{
    uint64_t stored = stream_count(sim, slave->node.index, slave->epoch);

    if (stats->acknowledged > stored)
        sim_fail(sim, "%s counts %llu events as acknowledged, the stream has %llu", slave->node.id,
                 (unsigned long long)stats->acknowledged, (unsigned long long)stored);
    if (slave->seq > stored + stats->messages + let_go(stats))
        sim_fail(sim, "%s gave %llu numbers: the stream has %llu, %u wait, %llu were let go",
                 slave->node.id, (unsigned long long)slave->seq, (unsigned long long)stored,
                 stats->messages, (unsigned long long)let_go(stats));
    if (slave->seq > stats->acknowledged + stats->messages + let_go(stats))
        sim_fail(sim, "%s gave %llu numbers, and accounts for fewer", slave->node.id,
                 (unsigned long long)slave->seq);
}

/* Nothing is let go without a reason that is there. */
static void check_reasons(struct sim *sim, const struct sim_slave *slave,
                          const struct m4h_journal_stats *stats)
{
    const struct m4h_journal_limits *limits = &slave->outbox_limits;
    bool is_ample = limits->messages_max > slave->seq && limits->bytes_max > 1000000;

    if (stats->messages > limits->messages_max || stats->bytes > limits->bytes_max)
        sim_fail(sim, "%s keeps %u events of %llu bytes, which is too much", slave->node.id,
                 stats->messages, (unsigned long long)stats->bytes);
    if (is_ample && stats->lost + stats->dropped_sent > 0)
        sim_fail(sim, "%s drops events and has room", slave->node.id);
    if (stats->unacknowledged > slave->outbox_account.unacknowledged &&
        (limits->mode != M4H_JOURNAL_AUTO || slave->outbox_account.is_confirmed))
        sim_fail(sim, "%s lets events go that must be acknowledged", slave->node.id);
    if (stats->refused > 0 && sim->stream.refused == M4H_EVENT_TYPE_COUNT)
        sim_fail(sim, "%s takes %llu events for refused, and the stream takes all", slave->node.id,
                 (unsigned long long)stats->refused);
}

void truth_check_outbox(struct sim *sim, const struct sim_slave *slave)
{
    struct m4h_journal_stats stats;

    m4h_journal_stats(slave->journal, &stats);
    check_reasons(sim, slave, &stats);
    if (slave->outbox_limits.mode != M4H_JOURNAL_NEVER)
        check_none_is_missing(sim, slave, &stats);
}

void truth_settled(struct sim *sim, const struct sim_slave *slave)
{
    struct m4h_journal_stats stats;
    uint64_t stored = stream_count(sim, slave->node.index, slave->epoch);

    m4h_journal_stats(slave->journal, &stats);
    if (slave->outbox_limits.mode == M4H_JOURNAL_REQUIRED && slave->seq > stored + let_go(&stats))
        sim_fail(sim, "%s has nothing left to send; the stream has %llu of its %llu events",
                 slave->node.id, (unsigned long long)stored, (unsigned long long)slave->seq);
}

static bool may_settle(const struct sim *sim, const struct sim_slave *slave)
{
    const struct stream *stream = &sim->stream;

    return (stream->exists || slave->outbox_limits.mode != M4H_JOURNAL_REQUIRED) &&
           (stream->refused == M4H_EVENT_TYPE_COUNT || !stream->refuses_silently);
}

const struct sim_slave *truth_unsettled(struct sim *sim)
{
    for (unsigned i = 0; i < sim->slave_count; i++) {
        const struct sim_slave *slave = &sim->slaves[i];

        if (!may_settle(sim, slave))
            continue;
        if (!m4h_journal_is_settled(slave->journal))
            return slave;
        truth_settled(sim, slave);
    }
    return NULL;
}
