/* Records to the bus, and acknowledgements back. What waits, and when it is sent again, is for
 * outbox.c to decide. */
#include "lib/audit/audit.h"

#include "lib/audit/outbox.h"
#include "lib/base/actor.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/walltime.h"
#include "lib/bus/acknowledgement.h"
#include "lib/net/timer.h"
#include "lib/wire/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG         "audit"
#define RECORDS     8192u
#define RECORD_MAX  4096u
#define RETRY_MS    100u /* the bus's own queue is full */
#define SUBJECT_MAX (M4H_ID_MAX + 32)
#define NAME_MAX    96

struct m4h_audit {
    struct m4h_loop *loop; /* borrowed, like the next two */
    struct m4h_bus *bus;
    const char *service_id;
    uint64_t started_wall_ms; /* in the ids: those of another start are others */
    struct m4h_audit_outbox outbox;
    struct m4h_timer *timer;
    struct m4h_buffer message;
    uint64_t noted_lost;
    struct m4h_log_limit lost_log;
};

static const char *name_record(const struct m4h_audit *audit, uint64_t number,
                               char id[M4H_EVENT_ID_MAX + 1])
{
    snprintf(id, M4H_EVENT_ID_MAX + 1, "%s:%" PRIu64 ":%" PRIu64, audit->service_id,
             audit->started_wall_ms, number);
    return id;
}

static int publish(struct m4h_audit *audit, const struct m4h_audit_entry *entry, uint64_t number)
{
    char subject[SUBJECT_MAX], id[M4H_EVENT_ID_MAX + 1];

    snprintf(subject, sizeof(subject), "mas4h.v1.audit.%s", audit->service_id);
    return m4h_bus_publish_acknowledged(audit->bus, subject, name_record(audit, number, id),
                                        entry->data, entry->len, number);
}

static void note_lost(struct m4h_audit *audit)
{
    uint32_t suppressed;

    if (audit->outbox.lost == audit->noted_lost ||
        !m4h_log_limit_allows(&audit->lost_log, m4h_loop_now_ms(audit->loop), &suppressed))
        return;
    m4h_log(M4H_LOG_ERROR, LOG, "records=%" PRIu64 " audit records are lost: no stream took them",
            audit->outbox.lost - audit->noted_lost);
    audit->noted_lost = audit->outbox.lost;
}

static void send_what_may_go(struct m4h_audit *audit)
{
    uint64_t now_ms = m4h_loop_now_ms(audit->loop), due_ms, number;
    const struct m4h_audit_entry *entry;
    int error = 0;

    while (audit->bus != NULL && error == 0 &&
           (entry = m4h_audit_outbox_next(&audit->outbox, now_ms, &number)) != NULL) {
        error = publish(audit, entry, number);
        if (error == 0) {
            m4h_audit_outbox_sent(&audit->outbox, now_ms);
        } else if (error == M4H_ETOOBIG || error == M4H_EINVALID) {
            m4h_audit_outbox_give_up(&audit->outbox, number);
            error = 0;
        }
    }
    note_lost(audit);
    due_ms = error != 0 ? now_ms + RETRY_MS : m4h_audit_outbox_due_ms(&audit->outbox);
    if (due_ms == UINT64_MAX)
        m4h_timer_stop(audit->timer);
    else
        m4h_timer_start(audit->timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void on_time(void *context)
{
    send_what_may_go(context);
}

void m4h_audit_tell(struct m4h_audit *audit, const struct m4h_audit_record *record)
{
    struct m4h_audit_record told;
    char address[M4H_ADDRESS_TEXT_MAX];
    int error;

    if (audit == NULL)
        return;
    told = *record;
    name_record(audit, m4h_audit_outbox_number(&audit->outbox), told.record_id);
    m4h_text_copy(told.service_id, sizeof(told.service_id), audit->service_id);
    told.wall_ms = m4h_walltime_now_ms();
    m4h_actor_split(told.actor, told.actor, address);
    if (told.remote_address[0] == '\0')
        m4h_text_copy(told.remote_address, sizeof(told.remote_address), address);
    m4h_buffer_clear(&audit->message);
    error = m4h_wire_audit_record_encode(&told, &audit->message);
    if (error == 0)
        error = m4h_audit_outbox_push(&audit->outbox, audit->message.data, audit->message.len);
    if (error != 0)
        m4h_log(M4H_LOG_ERROR, LOG, "action=%s error=\"%s\" an audit record is lost", told.action,
                m4h_error_text(error));
    send_what_may_go(audit);
}

void m4h_audit_connected(struct m4h_audit *audit, bool connected)
{
    m4h_audit_outbox_connected(&audit->outbox, connected);
    send_what_may_go(audit);
}

void m4h_audit_on_ack(struct m4h_audit *audit, uint64_t token, int error, const uint8_t *data,
                      size_t len)
{
    switch (m4h_acknowledgement_read(error, data, len)) {
    case M4H_ACKNOWLEDGEMENT_STORED:
        m4h_audit_outbox_acknowledged(&audit->outbox, token);
        break;
    case M4H_ACKNOWLEDGEMENT_REFUSED:
        m4h_audit_outbox_give_up(&audit->outbox, token);
        break;
    case M4H_ACKNOWLEDGEMENT_FAILED: /* its time comes again */
        break;
    }
    send_what_may_go(audit);
}

int m4h_audit_create(struct m4h_audit **audit, struct m4h_loop *loop, const char *service_id)
{
    struct m4h_audit *self = calloc(1, sizeof(*self));
    int error;

    *audit = NULL;
    if (self == NULL)
        return M4H_ENOMEM;
    self->loop = loop;
    self->service_id = service_id;
    self->started_wall_ms = m4h_walltime_now_ms();
    self->message.cap = RECORD_MAX;
    error = m4h_audit_outbox_init(&self->outbox, RECORDS);
    if (error == 0)
        error = m4h_timer_create(&self->timer, loop, on_time, self);
    if (error != 0) {
        m4h_audit_destroy(self);
        return error;
    }
    *audit = self;
    return 0;
}

void m4h_audit_use(struct m4h_audit *audit, struct m4h_bus *bus)
{
    audit->bus = bus;
}

void m4h_audit_destroy(struct m4h_audit *audit)
{
    size_t left;

    if (audit == NULL)
        return;
    left = m4h_audit_outbox_count(&audit->outbox);
    if (left > 0)
        m4h_log(M4H_LOG_WARNING, LOG,
                "records=%zu audit records end with this process: no stream "
                "has acknowledged them",
                left);
    m4h_timer_close(audit->timer);
    m4h_audit_outbox_free(&audit->outbox);
    m4h_buffer_free(&audit->message);
    free(audit);
}

static void write_number(struct m4h_metrics *metrics, const char *prefix, const char *name,
                         const char *type, const char *help, double value)
{
    char full[NAME_MAX];

    snprintf(full, sizeof(full), "%s_%s", prefix, name);
    m4h_metrics_single(metrics, full, type, help, value);
}

void m4h_audit_write_metrics(const struct m4h_audit *audit, const char *prefix,
                             struct m4h_metrics *metrics)
{
    write_number(metrics, prefix, "audit_records_total", "counter",
                 "Audit records that the stream has taken.", (double)audit->outbox.acknowledged);
    write_number(metrics, prefix, "audit_records_lost_total", "counter",
                 "Audit records that no stream took in time.", (double)audit->outbox.lost);
    write_number(metrics, prefix, "audit_records_waiting", "gauge",
                 "Audit records that the stream has not taken yet.",
                 (double)m4h_audit_outbox_count(&audit->outbox));
}
