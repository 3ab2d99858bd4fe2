/* Slot. */
#include "lib/wire/slot_parts.h"

#include "lib/wire/field.h"
#include "lib/wire/parts.h"

#include <assert.h>

void m4h_wire_write_slot(struct m4h_wire_slot_parts *parts, const struct m4h_slot *slot)
{
    Mas4h__V1__Slot *message = &parts->message;

    assert(slot->host_key_count <= M4H_HOST_KEYS_MAX);
    mas4h__v1__slot__init(message);
    m4h_wire_write_time(&parts->expires_at, slot->expires_wall_ms);
    message->slave_id = m4h_wire_borrow(slot->slave_id);
    message->region = m4h_wire_borrow(slot->region);
    message->host = m4h_wire_borrow(slot->host);
    message->port = slot->port;
    for (size_t i = 0; i < slot->host_key_count; i++)
        parts->host_keys[i] = m4h_wire_borrow(slot->host_keys[i]);
    message->n_host_keys = slot->host_key_count;
    message->host_keys = parts->host_keys;
    message->expires_at = &parts->expires_at;
}

bool m4h_wire_read_slot(const Mas4h__V1__Slot *message, struct m4h_slot *out)
{
    return m4h_wire_read_id(message->slave_id, out->slave_id) &&
           m4h_wire_read_id(message->region, out->region) &&
           m4h_wire_read_host(message->host, out->host) &&
           m4h_wire_read_port(message->port, &out->port) &&
           m4h_wire_read_host_keys(message->n_host_keys, message->host_keys, out->host_keys,
                                   &out->host_key_count) &&
           m4h_wire_read_time(message->expires_at, &out->expires_wall_ms);
}
