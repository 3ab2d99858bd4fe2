/* Private to lib/wire: Device, by itself and in lists. As lib/wire/parts.h: a `parts`
 * struct must not move after its write. Pure. */
#ifndef M4H_WIRE_DEVICE_PARTS_H
#define M4H_WIRE_DEVICE_PARTS_H

#include "lib/base/model.h"
#include "lib/wire/label_parts.h"
#include "lib/wire/limits.h"
#include "lib/wire/operator.h"
#include "mas4h/v1/device.pb-c.h"

#include <stdbool.h>

struct m4h_wire_device_parts {
    Mas4h__V1__Device message;
    struct m4h_wire_label_parts labels;
    struct m4h_wire_limits_parts limits;
    struct m4h_wire_operator_parts operator_;
    Google__Protobuf__Timestamp expires_at;
    Google__Protobuf__Timestamp created_at;
};

void m4h_wire_write_device(struct m4h_wire_device_parts *parts,
                           const struct m4h_device_record *device);
/* A state of a later version reads as disabled. `out` is all zero before. */
bool m4h_wire_read_device(const Mas4h__V1__Device *message, struct m4h_device_record *out);

#endif
