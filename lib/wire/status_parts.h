/* Private to lib/wire: SlaveStatus and TunnelStatus, by themselves and in lists.
 * As lib/wire/parts.h: a `parts` struct must not move after its write. Pure. */
#ifndef M4H_WIRE_STATUS_PARTS_H
#define M4H_WIRE_STATUS_PARTS_H

#include "lib/wire/parts.h"
#include "mas4h/v1/status.pb-c.h"

struct m4h_wire_tunnel_status_parts {
    Mas4h__V1__TunnelStatus message;
    struct m4h_wire_tunnel_parts tunnel;
};

/* The host is empty where the master does not know the slave's info yet. */
void m4h_wire_write_tunnel_status(struct m4h_wire_tunnel_status_parts *parts,
                                  const struct m4h_tunnel_status *status);
bool m4h_wire_read_tunnel_status(const Mas4h__V1__TunnelStatus *message,
                                 struct m4h_tunnel_status *out);

struct m4h_wire_slave_status_parts {
    Mas4h__V1__SlaveStatus message;
    struct m4h_wire_info_parts info;
    Google__Protobuf__Timestamp last_seen_at;
    Google__Protobuf__Timestamp drain_deadline;
};

/* The info is left out while its host is empty: a master that has heard of a
 * slave by its load alone does not know it yet. It reads as all zero. */
void m4h_wire_write_slave_status(struct m4h_wire_slave_status_parts *parts,
                                 const struct m4h_slave_status *status);
bool m4h_wire_read_slave_status(const Mas4h__V1__SlaveStatus *message,
                                struct m4h_slave_status *out);

#endif
