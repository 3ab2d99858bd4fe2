/* What a command line says of a device or operator, as a record. Pure. */
#ifndef M4H_CTL_CORE_DEVICE_WISH_H
#define M4H_CTL_CORE_DEVICE_WISH_H

#include "lib/base/model.h"
#include "services/ctl/core/arguments.h"

/* The options of "device add" and "device approve", without the key. Labels and ports are the
 * device's; with --operator those of the devices that it may reach. M4H_EINVALID: `message` says
 * what is wrong, and the record is not to be used. */
M4H_MUST_CHECK int m4h_ctl_device_wish(const struct m4h_ctl_arguments *arguments,
                                       struct m4h_device_record *device,
                                       char message[M4H_CTL_MESSAGE_MAX]);

#endif
