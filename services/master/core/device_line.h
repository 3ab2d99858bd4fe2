/* A record that is made of a line of authorized_keys. Pure. */
#ifndef M4H_MASTER_DEVICE_LINE_H
#define M4H_MASTER_DEVICE_LINE_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stdbool.h>

/* Fills in the key of `device` and what it gets; the fingerprint and the state are the caller's,
 * as is a name where the line gives none. False: `problem` says what is wrong (INVALID), also of
 * what a line may say and a record cannot keep: that must not get lost on the way. `device` is then
 * not to be used. */
M4H_MUST_CHECK bool m4h_device_line_read(const char *text, struct m4h_device_record *device,
                                         struct m4h_problem *problem);

#endif
