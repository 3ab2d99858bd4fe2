/* Carries one operator's connection through a channel of the device, both ways.
 * Worker thread only. */
#ifndef M4H_SLAVE_IO_RELAY_H
#define M4H_SLAVE_IO_RELAY_H

#include "services/slave/io/device.h"

/* An operator has connected to a port of a device. Owns `fd`; ends by itself. */
void m4h_relay_start(struct m4h_forward *forward, int fd, const char *peer);
/* An operator has come to a device by its name: `fd` leads to its visit. Tells the hub
 * whether the device opened a channel for it. Owns `fd`; ends by itself. */
void m4h_relay_visit(struct m4h_device *device, uint16_t port, uint64_t visit_id, int fd,
                     const char *peer);
/* Ends all relays of a device whose session is about to be closed. */
void m4h_relay_close_all(struct m4h_device *device);

/* For attendance.c. Nothing has moved on it for too long: ends it. */
void m4h_relay_is_idle(struct m4h_idle_watch *watch);
/* Lets go on what a device's bandwidth has held up. False: something still waits. */
bool m4h_relay_resume_all(struct m4h_device *device);

#endif
