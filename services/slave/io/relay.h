/* Carries one operator's connection through a channel of the device, both ways.
 * Worker thread only. */
#ifndef M4H_SLAVE_IO_RELAY_H
#define M4H_SLAVE_IO_RELAY_H

#include "services/slave/io/device.h"

/* An operator has connected to a port of a device. Owns `fd`; ends by itself. */
void m4h_relay_start(struct m4h_forward *forward, int fd, const char *peer);
/* Ends all relays of a device whose session is about to be closed. */
void m4h_relay_close_all(struct m4h_device *device);

#endif
