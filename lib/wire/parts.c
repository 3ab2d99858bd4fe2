/* The messages that sit inside others: Tunnel, SlaveInfo, Problem. */
#include "lib/wire/parts.h"

#include "lib/wire/field.h"

#include <assert.h>

void m4h_wire_write_tunnel(struct m4h_wire_tunnel_parts *parts, const struct m4h_tunnel *tunnel)
{
    Mas4h__V1__Tunnel *message = &parts->message;

    assert(tunnel->port_count >= 1 && tunnel->port_count <= M4H_TUNNEL_PORTS_MAX);
    mas4h__v1__tunnel__init(message);
    m4h_wire_write_time(&parts->connected_at, tunnel->connected_wall_ms);
    message->client_key = m4h_wire_borrow(tunnel->client_key);
    m4h_tunnel_id_format(tunnel->tunnel_id, parts->tunnel_id);
    message->tunnel_id = parts->tunnel_id;
    message->stamp = tunnel->stamp;
    message->port = tunnel->ports[0];
    message->n_other_ports = tunnel->port_count - 1u;
    for (size_t i = 0; i < message->n_other_ports; i++)
        parts->other_ports[i] = tunnel->ports[i + 1];
    message->other_ports = parts->other_ports;
    message->remote_address = m4h_wire_borrow(tunnel->remote_address);
    message->connected_at = &parts->connected_at;
    message->key_fingerprint = m4h_wire_borrow(tunnel->key_fingerprint);
    message->client_version = m4h_wire_borrow(tunnel->client_version);
    message->n_labels = m4h_wire_write_labels(&parts->labels, tunnel->labels);
    message->labels = parts->labels.pointers;
}

static bool read_ports(const Mas4h__V1__Tunnel *message, struct m4h_tunnel *out)
{
    if (message->n_other_ports > M4H_TUNNEL_PORTS_MAX - 1 ||
        !m4h_wire_read_port(message->port, &out->ports[0]))
        return false;
    for (size_t i = 0; i < message->n_other_ports; i++) {
        if (!m4h_wire_read_port(message->other_ports[i], &out->ports[i + 1]))
            return false;
    }
    out->port_count = (uint8_t)(message->n_other_ports + 1);
    return true;
}

bool m4h_wire_read_tunnel(const Mas4h__V1__Tunnel *message, struct m4h_tunnel *out)
{
    return message != NULL && m4h_wire_read_client_key(message->client_key, out->client_key) &&
           m4h_wire_read_tunnel_id(message->tunnel_id, &out->tunnel_id) &&
           m4h_wire_read_stamp(message->stamp, &out->stamp) && read_ports(message, out) &&
           m4h_wire_read_text(message->remote_address, out->remote_address,
                              sizeof(out->remote_address)) &&
           m4h_wire_read_time(message->connected_at, &out->connected_wall_ms) &&
           m4h_wire_read_text(message->key_fingerprint, out->key_fingerprint,
                              sizeof(out->key_fingerprint)) &&
           m4h_wire_read_text(message->client_version, out->client_version,
                              sizeof(out->client_version)) &&
           m4h_wire_read_labels(message->n_labels, message->labels, out->labels);
}

void m4h_wire_write_info(struct m4h_wire_info_parts *parts, const struct m4h_slave_info *info)
{
    Mas4h__V1__SlaveInfo *message = &parts->message;

    assert(info->host_key_count <= M4H_HOST_KEYS_MAX);
    mas4h__v1__slave_info__init(message);
    m4h_wire_write_time(&parts->started_at, info->started_wall_ms);
    message->host = m4h_wire_borrow(info->host);
    message->port = info->port;
    for (size_t i = 0; i < info->host_key_count; i++)
        parts->host_keys[i] = m4h_wire_borrow(info->host_keys[i]);
    message->n_host_keys = info->host_key_count;
    message->host_keys = parts->host_keys;
    message->capacity = info->capacity;
    message->version = m4h_wire_borrow(info->version);
    message->started_at = &parts->started_at;
    message->weight = info->weight;
    message->handshakes_per_second = info->handshakes_per_second;
}

bool m4h_wire_read_info(const Mas4h__V1__SlaveInfo *message, struct m4h_slave_info *out)
{
    if (message == NULL)
        return false;
    out->capacity = message->capacity;
    out->weight = message->weight;
    out->handshakes_per_second = message->handshakes_per_second;
    return m4h_wire_read_host(message->host, out->host) &&
           m4h_wire_read_port(message->port, &out->port) &&
           m4h_wire_read_host_keys(message->n_host_keys, message->host_keys, out->host_keys,
                                   &out->host_key_count) &&
           m4h_wire_read_text(message->version, out->version, sizeof(out->version)) &&
           m4h_wire_read_time(message->started_at, &out->started_wall_ms);
}

bool m4h_wire_read_host_keys(size_t count, char **keys,
                             char out[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1], uint8_t *out_count)
{
    if (count > M4H_HOST_KEYS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (keys[i][0] == '\0' || !m4h_wire_read_text(keys[i], out[i], M4H_HOST_KEY_MAX + 1))
            return false;
    }
    *out_count = (uint8_t)count;
    return true;
}

bool m4h_wire_read_state(Mas4h__V1__SlaveState state, bool may_be_silent, enum m4h_slave_state *out)
{
    bool known = (int)state >= 0 && (int)state <= M4H_SLAVE_SILENT;

    *out = known ? (enum m4h_slave_state)state : M4H_SLAVE_DRAINING;
    return *out != 0 && (may_be_silent || *out != M4H_SLAVE_SILENT);
}

bool m4h_wire_is_problem(const struct m4h_problem *problem)
{
    return problem != NULL && problem->code != 0;
}

void m4h_wire_write_problem(Mas4h__V1__Problem *message, const struct m4h_problem *problem)
{
    mas4h__v1__problem__init(message);
    message->code = (Mas4h__V1__ProblemCode)problem->code;
    message->detail = m4h_wire_borrow(problem->detail);
    message->retry_after_ms = problem->retry_after_ms;
}

bool m4h_wire_read_problem(const Mas4h__V1__Problem *message, struct m4h_problem *out)
{
    bool known =
        (int)message->code >= M4H_PROBLEM_INVALID && (int)message->code <= M4H_PROBLEM_CONFLICT;

    out->code = known ? (enum m4h_problem_code)message->code : M4H_PROBLEM_INTERNAL;
    out->retry_after_ms = message->retry_after_ms;
    return m4h_wire_read_text(message->detail, out->detail, sizeof(out->detail));
}
