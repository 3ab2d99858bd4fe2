/* The way of a simulated slave's events to NATS: the journal as it is. It mirrors
 * services/slave/io/outbox.c, and decides nothing. */
#include "tests/sim/slave.h"

#include "lib/base/error.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

#define RETRY_MS 100u
#define FLUSH_MS 1000u

static struct sim_slave *slave_of(struct node *node)
{
    return M4H_CONTAINER_OF(node, struct sim_slave, node);
}

/* ---- sending -------------------------------------------------------------- */

/* False: the bus has no room now. */
static bool publish(struct sim *sim, struct sim_slave *slave, const struct m4h_journal_entry *entry)
{
    if (!sim->is_calm && sim_chance(sim, slave->full_bus))
        return false;
    if (entry->sends == 0 && entry->seq <= slave->first_sent)
        sim_fail(sim, "%s sends %llu for the first time after %llu", slave->node.id,
                 (unsigned long long)entry->seq, (unsigned long long)slave->first_sent);
    if (entry->sends == 0)
        slave->first_sent = entry->seq;
    network_publish(sim, &slave->node, entry->data, entry->len, entry->seq);
    return true;
}

static void send_what_may_go(struct sim *sim, struct sim_slave *slave);

static void on_time(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    struct sim_slave *slave = slave_of(node);

    (void)argument;
    (void)owned;
    slave->outbox_due_ms = UINT64_MAX;
    send_what_may_go(sim, slave);
}

static void set_timer(struct sim *sim, struct sim_slave *slave, uint64_t now_ms, uint64_t due_ms)
{
    if (due_ms >= slave->outbox_due_ms)
        return;
    slave->outbox_due_ms = due_ms;
    sim_later(sim, due_ms > now_ms ? due_ms - now_ms : 0, &slave->node, on_time, 0, NULL);
}

static void end_later(struct sim *sim, struct sim_slave *slave, uint64_t delay_ms)
{
    sim_later(sim, delay_ms, &slave->node, sim_slave_ended, 0, NULL);
}

static void send_what_may_go(struct sim *sim, struct sim_slave *slave)
{
    uint64_t now_ms = sim_now_ms(sim, &slave->node);
    const struct m4h_journal_entry *entry;
    bool has_room = true;

    while (has_room && (entry = m4h_journal_next(slave->journal, now_ms)) != NULL) {
        has_room = publish(sim, slave, entry);
        if (has_room)
            m4h_journal_sent(slave->journal, now_ms);
    }
    if (slave->load_waits && slave->state != M4H_SLAVE_STOPPED &&
        !m4h_journal_is_behind(slave->journal))
        sim_slave_publish_load(sim, slave);
    set_timer(sim, slave, now_ms,
              has_room ? m4h_journal_due_ms(slave->journal) : now_ms + RETRY_MS);
    if (slave->ends_when_settled && m4h_journal_is_settled(slave->journal)) {
        truth_settled(sim, slave);
        end_later(sim, slave, 0);
    }
}

void sim_outbox_push(struct sim *sim, struct sim_slave *slave, const struct m4h_event *event)
{
    if (m4h_journal_push(slave->journal, event->seq, event->type, slave->out.data,
                         slave->out.len) != 0)
        abort();
    send_what_may_go(sim, slave);
}

void sim_outbox_on_ack(struct sim *sim, struct sim_slave *slave, const struct letter *letter)
{
    uint64_t seq = letter->request;

    sim->coverage.acknowledged += letter->error == 0;
    sim->coverage.not_taken += letter->error != 0;
    if (letter->error == 0)
        m4h_journal_acknowledged(slave->journal, seq);
    else if (letter->error == M4H_EINVALID)
        m4h_journal_refused(slave->journal, seq);
    else
        m4h_journal_failed(slave->journal, seq, sim_now_ms(sim, &slave->node));
    truth_answered(slave, letter->error);
    send_what_may_go(sim, slave);
}

void sim_outbox_linked(struct sim *sim, struct sim_slave *slave, bool up)
{
    m4h_journal_set_connected(slave->journal, up);
    send_what_may_go(sim, slave);
}

/* ---- life ----------------------------------------------------------------- */

void sim_outbox_create(struct sim *sim, struct sim_slave *slave)
{
    struct m4h_journal_limits *limits = &slave->outbox_limits;
    bool is_small = slave->bulk == 0 && sim_chance(sim, 150);

    limits->mode = (enum m4h_journal_mode)sim_pick(sim, M4H_JOURNAL_NEVER + 1);
    if (limits->mode == M4H_JOURNAL_NEVER && sim_chance(sim, 700))
        limits->mode = M4H_JOURNAL_AUTO;
    limits->messages_max = is_small ? sim_between(sim, 1, 12) : 4096;
    limits->bytes_max = is_small && sim_chance(sim, 300) ? 1000 : 4u * 1024 * 1024;
    limits->window = slave->bulk == 0 && sim_chance(sim, 300) ? sim_between(sim, 1, 16) : 4096;
    limits->ack_wait_ms = sim_between(sim, 100, 1500);
    slave->full_bus = sim_chance(sim, 200) ? 50 : 0;
}

void sim_outbox_begin(struct sim *sim, struct sim_slave *slave)
{
    if (m4h_journal_create(&slave->journal, &slave->outbox_limits) != 0)
        abort();
    m4h_journal_set_connected(slave->journal, network_is_up(sim, &slave->node));
    slave->outbox_due_ms = UINT64_MAX;
    slave->first_sent = 0;
    slave->load_waits = false;
    slave->ends_when_settled = false;
    slave->outbox_account = (struct truth_outbox){0};
}

void sim_outbox_finish(struct sim *sim, struct sim_slave *slave)
{
    slave->ends_when_settled = true;
    end_later(sim, slave, FLUSH_MS);
    send_what_may_go(sim, slave);
}

void sim_outbox_end(struct sim_slave *slave)
{
    m4h_journal_destroy(slave->journal);
    slave->journal = NULL;
}
