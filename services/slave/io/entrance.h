/* How connections come into a worker: its listener, the door (core/door.h) that
 * decides when to accept and who makes room, and whom a load balancer may name.
 * Worker thread only, except for open and close, and where it is said. */
#ifndef M4H_SLAVE_IO_ENTRANCE_H
#define M4H_SLAVE_IO_ENTRANCE_H

#include "lib/base/attributes.h"
#include "services/slave/core/door.h"
#include "services/slave/io/worker.h"

struct m4h_entrance;

/* Begins to accept on a listening socket, which it owns from now on, also when it
 * fails: M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_entrance_open(struct m4h_entrance **entrance, struct m4h_worker *worker,
                                     int listen_fd);
/* Accepts nobody any more; who is inside may stay. */
void m4h_entrance_shut(struct m4h_entrance *entrance);
/* All guests must have left. Accepts NULL. */
void m4h_entrance_close(struct m4h_entrance *entrance);
/* The worker has other settings. */
void m4h_entrance_adopt(struct m4h_entrance *entrance);

/* It is known where the device comes from. It may have to go for that, and be freed. */
void m4h_entrance_name(struct m4h_entrance *entrance, struct m4h_device *device,
                       const struct m4h_ip *ip);
/* An operator has come to a port: finds its connection a descriptor that is not kept for
 * devices, which may be another than before, and a guest that waits may go for it. False:
 * there is none; `*fd` is still the caller's to close. */
M4H_MUST_CHECK bool m4h_entrance_lend_file(struct m4h_entrance *entrance, int *fd);
/* Nothing of a device or of an operator may have a descriptor from here on, for longer than a
 * moment: the last ones are for ports, and for ourselves. Any thread. */
int m4h_entrance_files_max(void);
/* Bytes came from it. */
void m4h_entrance_heard(struct m4h_entrance *entrance, struct m4h_guest *guest);
/* Its key is being judged. */
void m4h_entrance_asks(struct m4h_entrance *entrance, struct m4h_guest *guest);
/* It was refused and may try again. */
void m4h_entrance_answered(struct m4h_entrance *entrance, struct m4h_guest *guest);
/* It is known. */
void m4h_entrance_known(struct m4h_entrance *entrance, struct m4h_guest *guest);
/* It is gone. */
void m4h_entrance_leave(struct m4h_entrance *entrance, struct m4h_guest *guest);

#endif
