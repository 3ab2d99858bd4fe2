/* The way of events from the journal to the bus, and of acknowledgements back.
 * It must not know what is in an event. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"
#include "lib/base/latency.h"
#include "lib/bus/acknowledgement.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WINDOW   4096u
#define RETRY_MS 100u  /* the bus's own queue is full */
#define FLUSH_MS 1000u /* at the end of the service */

static int publish(struct m4h_slave *slave, const struct m4h_journal_entry *entry)
{
    const struct m4h_slave_config *config = slave->config;
    char subject[192], id[M4H_EVENT_ID_MAX + 1];

    snprintf(subject, sizeof(subject), "mas4h.v1.events.%s.%s.%s", config->region, config->id,
             m4h_event_type_name(entry->type));
    snprintf(id, sizeof(id), "%s:%" PRIu64 ":%" PRIu64, config->id, slave->epoch, entry->seq);
    if (config->events_acknowledge == M4H_JOURNAL_NEVER)
        return m4h_bus_publish(slave->bus, subject, M4H_BUS_KEEP, id, entry->data, entry->len);
    return m4h_bus_publish_acknowledged(slave->bus, subject, id, entry->data, entry->len,
                                        entry->seq);
}

static void complain(struct m4h_slave *slave, uint64_t seq, int error)
{
    uint32_t suppressed;

    if (m4h_log_limit_allows(&slave->lost_lines, m4h_loop_now_ms(slave->loop), &suppressed))
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT,
                "seq=%" PRIu64 " error=\"%s\" suppressed=%" PRIu32 " event is lost", seq,
                m4h_error_text(error), suppressed);
}

static void set_timer(struct m4h_slave *slave, uint64_t now_ms, uint64_t due_ms)
{
    if (due_ms >= slave->outbox_due_ms)
        return;
    slave->outbox_due_ms = due_ms;
    m4h_timer_start(slave->outbox_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

/* What the journal let go, which only its counters tell. */
static void note(struct m4h_slave *slave, uint64_t now_ms)
{
    struct m4h_journal_stats stats;
    uint32_t suppressed;

    m4h_journal_stats(slave->journal, &stats);
    if (stats.unacknowledged > 0 && !slave->noted_unacknowledged) {
        slave->noted_unacknowledged = true;
        m4h_log(
            M4H_LOG_INFO, M4H_SLAVE_COMPONENT,
            "no stream acknowledges events: they are let go when they are sent, until one does");
    }
    if (stats.refused > slave->noted_refused &&
        m4h_log_limit_allows(&slave->lost_lines, now_ms, &suppressed)) {
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT,
                "events=%" PRIu64 " suppressed=%" PRIu32 " the stream never takes these events",
                stats.refused - slave->noted_refused, suppressed);
        slave->noted_refused = stats.refused;
    }
}

static void send_what_may_go(struct m4h_slave *slave)
{
    uint64_t now_ms = m4h_loop_now_ms(slave->loop);
    const struct m4h_journal_entry *entry;
    int error = 0;

    while (error == 0 && (entry = m4h_journal_next(slave->journal, now_ms)) != NULL) {
        error = publish(slave, entry);
        if (error == M4H_ETOOBIG || error == M4H_EINVALID) {
            complain(slave, entry->seq, error);
            m4h_journal_skip(slave->journal);
            error = 0;
        } else if (error == 0) {
            m4h_journal_sent(slave->journal, now_ms);
        }
    }
    note(slave, now_ms);
    if (slave->load_waits && slave->state != M4H_SLAVE_STOPPED &&
        !m4h_journal_is_behind(slave->journal))
        m4h_publisher_load(slave);
    set_timer(slave, now_ms, error != 0 ? now_ms + RETRY_MS : m4h_journal_due_ms(slave->journal));
    if (slave->ends_when_settled && m4h_journal_is_settled(slave->journal))
        m4h_loop_stop(slave->loop);
}

static void on_time(void *context)
{
    struct m4h_slave *slave = context;

    slave->outbox_due_ms = UINT64_MAX;
    if (slave->ends_when_settled) {
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT, "events are left that nobody acknowledged");
        m4h_loop_stop(slave->loop);
        return;
    }
    send_what_may_go(slave);
}

void m4h_outbox_io_push(struct m4h_slave *slave, const struct m4h_event *event)
{
    int error = m4h_journal_push(slave->journal, event->seq, event->type, slave->message.data,
                                 slave->message.len);

    if (error != 0)
        complain(slave, event->seq, error);
    send_what_may_go(slave);
}

void m4h_outbox_io_status(struct m4h_slave *slave, bool connected)
{
    m4h_journal_set_connected(slave->journal, connected);
    send_what_may_go(slave);
}

static void acknowledged(struct m4h_slave *slave, uint64_t seq)
{
    uint64_t sent_ms = m4h_journal_sent_ms(slave->journal, seq);

    if (sent_ms != 0)
        m4h_histogram_add(&slave->events_acknowledged,
                          (m4h_loop_now_ms(slave->loop) - sent_ms) * 1000);
    m4h_journal_acknowledged(slave->journal, seq);
}

void m4h_outbox_io_ack(void *context, uint64_t seq, int error, const uint8_t *data, size_t len)
{
    struct m4h_slave *slave = context;

    switch (m4h_acknowledgement_read(error, data, len)) {
    case M4H_ACKNOWLEDGEMENT_STORED:
        acknowledged(slave, seq);
        break;
    case M4H_ACKNOWLEDGEMENT_REFUSED:
        m4h_journal_refused(slave->journal, seq);
        break;
    case M4H_ACKNOWLEDGEMENT_FAILED:
        m4h_journal_failed(slave->journal, seq, m4h_loop_now_ms(slave->loop));
        break;
    }
    send_what_may_go(slave);
}

void m4h_outbox_io_finish(struct m4h_slave *slave)
{
    if (slave->journal == NULL || m4h_journal_is_settled(slave->journal)) {
        m4h_loop_stop(slave->loop);
        return;
    }
    slave->ends_when_settled = true;
    slave->outbox_due_ms = 0; /* nothing else sets the timer any more */
    m4h_timer_start(slave->outbox_timer, FLUSH_MS, 0);
}

int m4h_outbox_io_create(struct m4h_slave *slave)
{
    const struct m4h_slave_config *config = slave->config;
    const struct m4h_journal_limits limits = {
        .mode = (enum m4h_journal_mode)config->events_acknowledge,
        .messages_max = (uint32_t)config->outbox_messages,
        .bytes_max = (uint64_t)config->outbox_bytes,
        .window = WINDOW,
        .ack_wait_ms = (uint32_t)config->ack_wait_ms,
    };
    int error = m4h_journal_create(&slave->journal, &limits);

    m4h_latency_init(&slave->events_acknowledged);
    slave->outbox_due_ms = UINT64_MAX;
    if (error == 0)
        error = m4h_timer_create(&slave->outbox_timer, slave->loop, on_time, slave);
    return error;
}

void m4h_outbox_io_destroy(struct m4h_slave *slave)
{
    m4h_timer_close(slave->outbox_timer);
    m4h_journal_destroy(slave->journal);
}
