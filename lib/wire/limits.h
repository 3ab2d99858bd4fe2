/* Private to lib/wire: DeviceLimits, inside the answer yes and in records; PortRange. As
 * lib/wire/parts.h: a `parts` struct must not move after its write. Pure. */
#ifndef M4H_WIRE_LIMITS_H
#define M4H_WIRE_LIMITS_H

#include "lib/base/model.h"
#include "mas4h/v1/authorize.pb-c.h"

#include <stdbool.h>

struct m4h_wire_limits_parts {
    Mas4h__V1__DeviceLimits message;
    char *networks[M4H_OPERATOR_NETWORKS_MAX];
    Mas4h__V1__PortRange ranges[M4H_PORT_RANGES_MAX];
    Mas4h__V1__PortRange *range_pointers[M4H_PORT_RANGES_MAX];
};

void m4h_wire_write_port_range(Mas4h__V1__PortRange *message, const struct m4h_port_range *range);
bool m4h_wire_read_port_range(const Mas4h__V1__PortRange *message, struct m4h_port_range *out);

/* NULL where there is no limit: nothing is sent then. */
Mas4h__V1__DeviceLimits *m4h_wire_write_limits(struct m4h_wire_limits_parts *parts,
                                               const struct m4h_device_limits *limits);
/* NULL reads as none. */
bool m4h_wire_read_limits(const Mas4h__V1__DeviceLimits *message, struct m4h_device_limits *out);

#endif
