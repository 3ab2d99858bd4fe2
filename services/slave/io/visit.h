/* One connection of an operator to a device by its name, at the operator's side: a channel
 * that it has asked for, until the hub has found the device, and then the carrying between
 * that channel and the connection that leads to the device. Worker thread only. */
#ifndef M4H_SLAVE_IO_VISIT_H
#define M4H_SLAVE_IO_VISIT_H

#include "lib/ssh/open.h"
#include "services/slave/io/device.h"

/* A visitor asks for a device: tells the hub. */
void m4h_visit_ask(struct m4h_device *visitor, struct m4h_ssh_open *open,
                   const struct m4h_ssh_open_request *request);

/* Orders of the hub; harmless where the visit is over. */
/* Owns `fd`, which leads to the device. */
void m4h_visit_reached(struct m4h_device *visitor, uint64_t visit_id, int fd);
void m4h_visit_refused(struct m4h_device *visitor, uint64_t visit_id,
                       enum m4h_ssh_open_refusal reason, const char *text);

/* Ends all visits of a session that is about to be closed. */
void m4h_visit_end_all(struct m4h_device *visitor);

#endif
