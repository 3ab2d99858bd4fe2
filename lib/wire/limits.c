/* DeviceLimits and PortRange. */
#include "lib/wire/limits.h"

#include "lib/base/network.h"
#include "lib/wire/field.h"

#include <assert.h>

void m4h_wire_write_port_range(Mas4h__V1__PortRange *message, const struct m4h_port_range *range)
{
    mas4h__v1__port_range__init(message);
    message->first = range->first;
    message->last = range->last;
}

Mas4h__V1__DeviceLimits *m4h_wire_write_limits(struct m4h_wire_limits_parts *parts,
                                               const struct m4h_device_limits *limits)
{
    Mas4h__V1__DeviceLimits *message = &parts->message;

    if (!m4h_device_limits_are_any(limits))
        return NULL;
    assert(limits->operator_network_count <= M4H_OPERATOR_NETWORKS_MAX);
    assert(limits->port_range_count <= M4H_PORT_RANGES_MAX);
    mas4h__v1__device_limits__init(message);
    for (size_t i = 0; i < limits->operator_network_count; i++)
        parts->networks[i] = m4h_wire_borrow(limits->operator_networks[i]);
    for (size_t i = 0; i < limits->port_range_count; i++) {
        m4h_wire_write_port_range(&parts->ranges[i], &limits->ports[i]);
        parts->range_pointers[i] = &parts->ranges[i];
    }
    message->n_operator_networks = limits->operator_network_count;
    message->operator_networks = parts->networks;
    message->n_ports = limits->port_range_count;
    message->ports = parts->range_pointers;
    message->forwards_max = limits->forwards_max;
    message->channels_max = limits->channels_max;
    message->idle_ms = limits->idle_ms;
    message->bytes_per_second = limits->bytes_per_second;
    return message;
}

static bool read_network(const char *text, char out[M4H_NETWORK_TEXT_MAX])
{
    struct m4h_network network;

    return m4h_text_copy(out, M4H_NETWORK_TEXT_MAX, text) && m4h_network_parse(out, &network) == 0;
}

bool m4h_wire_read_port_range(const Mas4h__V1__PortRange *message, struct m4h_port_range *out)
{
    return m4h_wire_read_port(message->first, &out->first) &&
           m4h_wire_read_port(message->last, &out->last) && out->first <= out->last;
}

/* Too many are refused, not cut: the rest would be another permission than was meant. */
static bool read_lists(const Mas4h__V1__DeviceLimits *message, struct m4h_device_limits *out)
{
    if (message->n_operator_networks > M4H_OPERATOR_NETWORKS_MAX ||
        message->n_ports > M4H_PORT_RANGES_MAX)
        return false;
    for (size_t i = 0; i < message->n_operator_networks; i++) {
        if (!read_network(message->operator_networks[i], out->operator_networks[i]))
            return false;
    }
    for (size_t i = 0; i < message->n_ports; i++) {
        if (!m4h_wire_read_port_range(message->ports[i], &out->ports[i]))
            return false;
    }
    out->operator_network_count = (uint8_t)message->n_operator_networks;
    out->port_range_count = (uint8_t)message->n_ports;
    return true;
}

bool m4h_wire_read_limits(const Mas4h__V1__DeviceLimits *message, struct m4h_device_limits *out)
{
    if (message == NULL)
        return true;
    out->forwards_max = message->forwards_max;
    out->channels_max = message->channels_max;
    out->idle_ms = message->idle_ms;
    out->bytes_per_second = message->bytes_per_second;
    return read_lists(message, out);
}
