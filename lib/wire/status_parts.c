/* SlaveStatus and TunnelStatus. */
#include "lib/wire/status_parts.h"

#include "lib/wire/field.h"

void m4h_wire_write_tunnel_status(struct m4h_wire_tunnel_status_parts *parts,
                                  const struct m4h_tunnel_status *status)
{
    mas4h__v1__tunnel_status__init(&parts->message);
    m4h_wire_write_tunnel(&parts->tunnel, &status->tunnel);
    parts->message.tunnel = &parts->tunnel.message;
    parts->message.slave_id = m4h_wire_borrow(status->slave_id);
    parts->message.region = m4h_wire_borrow(status->region);
    parts->message.host = m4h_wire_borrow(status->host);
    parts->message.flapping = status->flapping;
}

bool m4h_wire_read_tunnel_status(const Mas4h__V1__TunnelStatus *message,
                                 struct m4h_tunnel_status *out)
{
    out->flapping = message->flapping;
    return m4h_wire_read_tunnel(message->tunnel, &out->tunnel) &&
           m4h_wire_read_id(message->slave_id, out->slave_id) &&
           m4h_wire_read_id(message->region, out->region) &&
           (message->host[0] == '\0' || m4h_wire_read_host(message->host, out->host));
}

void m4h_wire_write_slave_status(struct m4h_wire_slave_status_parts *parts,
                                 const struct m4h_slave_status *status)
{
    Mas4h__V1__SlaveStatus *message = &parts->message;

    mas4h__v1__slave_status__init(message);
    message->slave_id = m4h_wire_borrow(status->slave_id);
    message->region = m4h_wire_borrow(status->region);
    message->state = (Mas4h__V1__SlaveState)status->state;
    if (status->info.host[0] != '\0') {
        m4h_wire_write_info(&parts->info, &status->info);
        message->info = &parts->info.message;
    }
    message->epoch = status->epoch;
    message->tunnels = status->tunnels;
    message->reservations = status->reservations;
    message->channels = status->channels;
    message->bytes_from_device = status->bytes_from_device;
    message->bytes_to_device = status->bytes_to_device;
    message->cpu_permille = status->cpu_permille;
    m4h_wire_write_time(&parts->last_seen_at, status->last_seen_wall_ms);
    message->last_seen_at = &parts->last_seen_at;
    message->synced = status->synced;
    message->drain_deadline =
        m4h_wire_write_time_maybe(&parts->drain_deadline, status->drain_deadline_wall_ms);
}

bool m4h_wire_read_slave_status(const Mas4h__V1__SlaveStatus *message, struct m4h_slave_status *out)
{
    out->epoch = message->epoch;
    out->tunnels = message->tunnels;
    out->reservations = message->reservations;
    out->channels = message->channels;
    out->bytes_from_device = message->bytes_from_device;
    out->bytes_to_device = message->bytes_to_device;
    out->cpu_permille = message->cpu_permille;
    out->synced = message->synced;
    return m4h_wire_read_id(message->slave_id, out->slave_id) &&
           m4h_wire_read_id(message->region, out->region) &&
           m4h_wire_read_state(message->state, true, &out->state) &&
           (message->info == NULL || m4h_wire_read_info(message->info, &out->info)) &&
           m4h_wire_read_time(message->last_seen_at, &out->last_seen_wall_ms) &&
           m4h_wire_read_time_maybe(message->drain_deadline, &out->drain_deadline_wall_ms);
}
