/* Private to lib/wire: a slot, which sits inside others. As lib/wire/parts.h: a
 * `parts` struct must not move after its write. Pure. */
#ifndef M4H_WIRE_SLOT_PARTS_H
#define M4H_WIRE_SLOT_PARTS_H

#include "lib/base/model.h"
#include "mas4h/v1/dispatch.pb-c.h"

#include <stdbool.h>

struct m4h_wire_slot_parts {
    Mas4h__V1__Slot message;
    Google__Protobuf__Timestamp expires_at;
    char *host_keys[M4H_HOST_KEYS_MAX];
};

void m4h_wire_write_slot(struct m4h_wire_slot_parts *parts, const struct m4h_slot *slot);
bool m4h_wire_read_slot(const Mas4h__V1__Slot *message, struct m4h_slot *out);

#endif
