/* The file that keeps the leases of ports over the slave's end, DIR/leases:
 * read at the start, written some time after a change and at the clean end, as a
 * whole (another file, fsync, rename), on a thread of its own. Losing it, or some
 * of it, loses nothing but leases. Main thread. */
#ifndef M4H_SLAVE_IO_LEASES_H
#define M4H_SLAVE_IO_LEASES_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"
#include "services/slave/core/leases.h"

struct m4h_lease_file;

/* Reads the leases in, if there are any, and keeps them from then on. `leases`
 * is borrowed and must outlive it. `*file` is NULL on error: M4H_ENOMEM,
 * M4H_EINVALID (the name of the folder is too long). */
M4H_MUST_CHECK int m4h_lease_file_open(struct m4h_lease_file **file, struct m4h_loop *loop,
                                       const char *dir, struct m4h_leases *leases);
/* Something may have changed: cheap, and harmless when nothing has. */
void m4h_lease_file_changed(struct m4h_lease_file *file);
/* Writes what is to be kept, and ends. Blocks until it is written. Accepts NULL. */
void m4h_lease_file_close(struct m4h_lease_file *file);

#endif
