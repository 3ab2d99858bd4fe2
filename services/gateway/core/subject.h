/* The subjects that a gateway asks on. proto/README.md lists them all. Pure. */
#ifndef M4H_GATEWAY_SUBJECT_H
#define M4H_GATEWAY_SUBJECT_H

#include "lib/base/ident.h"

#include <stdbool.h>

#define M4H_GATEWAY_DISPATCH      "mas4h.v1.rpc.dispatch"
#define M4H_GATEWAY_CLUSTER       "mas4h.v1.rpc.status.cluster"
#define M4H_GATEWAY_SLAVES        "mas4h.v1.rpc.status.slaves"
#define M4H_GATEWAY_TUNNELS       "mas4h.v1.rpc.status.tunnels"
#define M4H_GATEWAY_TUNNEL        "mas4h.v1.rpc.status.tunnel"

#define M4H_GATEWAY_DEVICES       "mas4h.v1.rpc.devices.list"
#define M4H_GATEWAY_DEVICE        "mas4h.v1.rpc.devices.get"
#define M4H_GATEWAY_DEVICE_PUT    "mas4h.v1.rpc.devices.put"
#define M4H_GATEWAY_DEVICE_REMOVE "mas4h.v1.rpc.devices.remove"
#define M4H_GATEWAY_REVOKE        "mas4h.v1.rpc.revoke"
#define M4H_GATEWAY_REVOCATIONS   "mas4h.v1.rpc.revocations"

#define M4H_GATEWAY_EVENTS        "mas4h.v1.events.>"

#define M4H_GATEWAY_SUBJECT_MAX   (M4H_ID_MAX + 32)

/* "mas4h.v1.slave.SLAVE.COMMAND"; the id must be valid: it was checked where it
 * came in. Returns `out`. */
const char *m4h_gateway_slave_subject(char out[M4H_GATEWAY_SUBJECT_MAX], const char *slave_id,
                                      const char *command);

/* The slave of "mas4h.v1.events.REGION.SLAVE.drain". False: it is another subject. */
bool m4h_gateway_drain_subject_parse(const char *subject, char slave_id[M4H_ID_MAX + 1]);

#endif
