/* AuditRecord: what people and masters have changed. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/audit.pb-c.h"

int m4h_wire_audit_record_encode(const struct m4h_audit_record *record, struct m4h_buffer *out)
{
    Mas4h__V1__AuditRecord message = MAS4H__V1__AUDIT_RECORD__INIT;
    Google__Protobuf__Timestamp time;

    m4h_wire_write_time(&time, record->wall_ms);
    message.record_id = m4h_wire_borrow(record->record_id);
    message.time = &time;
    message.service_id = m4h_wire_borrow(record->service_id);
    message.actor = m4h_wire_borrow(record->actor);
    message.remote_address = m4h_wire_borrow(record->remote_address);
    message.action = m4h_wire_borrow(record->action);
    message.target = m4h_wire_borrow(record->target);
    message.reason = m4h_wire_borrow(record->reason);
    message.error = m4h_wire_borrow(record->error);
    message.detail = m4h_wire_borrow(record->detail);
    return m4h_wire_pack(&message.base, out);
}

static bool read_record(const Mas4h__V1__AuditRecord *message, struct m4h_audit_record *out)
{
    return message->record_id[0] != '\0' && message->action[0] != '\0' &&
           m4h_wire_read_text(message->record_id, out->record_id, sizeof(out->record_id)) &&
           m4h_wire_read_time(message->time, &out->wall_ms) &&
           m4h_wire_read_id(message->service_id, out->service_id) &&
           m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor)) &&
           m4h_wire_read_text(message->remote_address, out->remote_address,
                              sizeof(out->remote_address)) &&
           m4h_wire_read_text(message->action, out->action, sizeof(out->action)) &&
           m4h_wire_read_text(message->target, out->target, sizeof(out->target)) &&
           m4h_wire_read_text(message->reason, out->reason, sizeof(out->reason)) &&
           m4h_wire_read_text(message->error, out->error, sizeof(out->error)) &&
           m4h_wire_read_text(message->detail, out->detail, sizeof(out->detail));
}

int m4h_wire_audit_record_decode(const uint8_t *data, size_t len, struct m4h_audit_record *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__audit_record__descriptor, M4H_WIRE_SMALL_MAX,
                                data, len);

    if (error == 0 && !read_record(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}
