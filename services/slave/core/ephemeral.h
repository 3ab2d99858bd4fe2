/* Ports that the kernel hands out to outgoing connections: where they are ports of
 * devices too, any program may hold one of them when its device comes. Pure. */
#ifndef M4H_SLAVE_CORE_EPHEMERAL_H
#define M4H_SLAVE_CORE_EPHEMERAL_H

#include <stdint.h>

/* How many of the ports min to max the kernel may hand out, by the texts of
 * net.ipv4.ip_local_port_range ("32768 60999") and ip_local_reserved_ports
 * ("", "8080,9148-9200"). What cannot be read there counts as nothing. */
uint32_t m4h_ephemeral_count(const char *range, const char *reserved, uint16_t min, uint16_t max);

#endif
