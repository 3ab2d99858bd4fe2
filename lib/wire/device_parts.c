/* Device. */
#include "lib/wire/device_parts.h"

#include "lib/wire/field.h"

#include <assert.h>
#include <string.h>

void m4h_wire_write_device(struct m4h_wire_device_parts *parts,
                           const struct m4h_device_record *device)
{
    Mas4h__V1__Device *message = &parts->message;

    assert(device->public_key_len <= M4H_PUBLIC_KEY_BLOB_MAX);
    mas4h__v1__device__init(message);
    message->key_fingerprint = m4h_wire_borrow(device->key_fingerprint);
    message->public_key.data = (uint8_t *)device->public_key;
    message->public_key.len = device->public_key_len;
    message->state = (Mas4h__V1__DeviceState)device->state;
    message->client_key = m4h_wire_borrow(device->client_key);
    message->n_labels = m4h_wire_write_labels(&parts->labels, device->labels);
    message->labels = parts->labels.pointers;
    message->limits = m4h_wire_write_limits(&parts->limits, &device->limits);
    message->fixed_port = device->fixed_port;
    message->preferred_region = m4h_wire_borrow(device->preferred_region);
    message->expires_at = m4h_wire_write_time_maybe(&parts->expires_at, device->expires_wall_ms);
    message->operator_ = m4h_wire_write_operator(&parts->operator_, &device->operator_);
    message->comment = m4h_wire_borrow(device->comment);
    message->created_at = m4h_wire_write_time_maybe(&parts->created_at, device->created_wall_ms);
    message->stamp = device->stamp;
    message->actor = m4h_wire_borrow(device->actor);
    message->remote_address = m4h_wire_borrow(device->remote_address);
    message->username = m4h_wire_borrow(device->username);
    message->attempts = device->attempts;
}

static bool read_public_key(const ProtobufCBinaryData *key, struct m4h_device_record *out)
{
    if (key->len > M4H_PUBLIC_KEY_BLOB_MAX)
        return false;
    if (key->len > 0)
        memcpy(out->public_key, key->data, key->len);
    out->public_key_len = key->len;
    return true;
}

static bool read_state(Mas4h__V1__DeviceState state, enum m4h_device_state *out)
{
    bool known = (int)state >= 0 && (int)state <= M4H_DEVICE_REMOVED;

    *out = known ? (enum m4h_device_state)state : M4H_DEVICE_DISABLED;
    return *out != 0;
}

static bool read_fixed_port(uint32_t port, uint16_t *out)
{
    *out = (uint16_t)port;
    return port <= UINT16_MAX;
}

/* What its key gets. */
static bool read_grants(const Mas4h__V1__Device *message, struct m4h_device_record *out)
{
    return m4h_wire_read_client_key_maybe(message->client_key, out->client_key) &&
           m4h_wire_read_labels(message->n_labels, message->labels, out->labels) &&
           m4h_wire_read_limits(message->limits, &out->limits) &&
           read_fixed_port(message->fixed_port, &out->fixed_port) &&
           m4h_wire_read_id_maybe(message->preferred_region, out->preferred_region) &&
           m4h_wire_read_time_maybe(message->expires_at, &out->expires_wall_ms) &&
           m4h_wire_read_operator(message->operator_, &out->operator_);
}

bool m4h_wire_read_device(const Mas4h__V1__Device *message, struct m4h_device_record *out)
{
    if (message == NULL || message->key_fingerprint[0] == '\0')
        return false;
    out->attempts = message->attempts;
    return m4h_wire_read_text(message->key_fingerprint, out->key_fingerprint,
                              sizeof(out->key_fingerprint)) &&
           read_public_key(&message->public_key, out) && read_state(message->state, &out->state) &&
           read_grants(message, out) &&
           m4h_wire_read_text(message->comment, out->comment, sizeof(out->comment)) &&
           m4h_wire_read_time_maybe(message->created_at, &out->created_wall_ms) &&
           m4h_wire_read_stamp(message->stamp, &out->stamp) &&
           m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor)) &&
           m4h_wire_read_text(message->remote_address, out->remote_address,
                              sizeof(out->remote_address)) &&
           m4h_wire_read_text(message->username, out->username, sizeof(out->username));
}
