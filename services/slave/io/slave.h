/* A slave: the main loop ("hub") with the bus, and its workers. The hub owns all
 * that needs one mind: who is here, which port is whose, what was announced.
 * Everything here runs on the main thread. */
#ifndef M4H_SLAVE_IO_SLAVE_H
#define M4H_SLAVE_IO_SLAVE_H

#include "lib/base/attributes.h"
#include "lib/config/reload.h"
#include "services/slave/config.h"

struct m4h_slave;

/* Listens, starts the workers, connects to the bus in the background. `config`
 * and `source` are borrowed for the slave's life: a reload reads `source` again (NULL:
 * nothing) and changes `config`. `*slave` is NULL on error, of which the log
 * says more: M4H_EINVALID, M4H_EEXIST (an address is in use), M4H_ENOMEM,
 * M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_slave_create(struct m4h_slave **slave, struct m4h_slave_config *config,
                                    struct m4h_config_source *source);
/* Runs until it was told to end (SIGTERM or SIGINT) and all devices have left, as
 * drain.c has it; a second signal ends it at once. A drain command sends the devices
 * away too, yet the slave then waits for its signal. */
void m4h_slave_run(struct m4h_slave *slave);
/* Accepts NULL. False: a worker's thread stands still; the process should end now, and
 * say that something was wrong. */
bool m4h_slave_destroy(struct m4h_slave *slave);

#endif
