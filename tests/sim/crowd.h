/* The devices, and the gateway that asks for slots on their behalf. A device is its
 * connection attempts: each has a number, and what comes of an older one is of no concern. */
#ifndef M4H_SIM_CROWD_H
#define M4H_SIM_CROWD_H

#include "lib/base/buffer.h"
#include "tests/sim/node.h"

#define SIM_DEVICES_MAX 32u

enum device_state {
    DEVICE_RESTING,
    DEVICE_ASKING,     /* for a slot */
    DEVICE_CONNECTING, /* to a slave */
    DEVICE_UP,
    DEVICE_OFF, /* for good */
};

struct device {
    unsigned key; /* two devices may share one: twins */
    enum device_state state;
    uint32_t attempt;
    unsigned slave; /* of the attempt */
};

struct crowd {
    struct node node;
    struct device devices[SIM_DEVICES_MAX];
    unsigned count;
    struct m4h_buffer out;
};

/* "device-3", of key 3. Static until the next call. */
const char *crowd_key(unsigned key);

void crowd_create(struct sim *sim);
/* From now on nobody comes, goes or shares a key with a live one. */
void crowd_calm(struct sim *sim);
void crowd_free(struct crowd *crowd);

/* What slaves tell a device. Whether the attempt is still the device's. */
bool crowd_waits(const struct sim *sim, unsigned device, uint32_t attempt);
void crowd_up(struct sim *sim, unsigned device, uint32_t attempt);
/* Its connection has ended, or was refused. */
void crowd_closed(struct sim *sim, unsigned device, uint32_t attempt);

#endif
