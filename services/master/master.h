/* A master: the cluster's state from the bus, the answers to slaves and gateways.
 * Several may run in one process, each on a loop of its own or on one together.
 * All calls on the loop's thread. */
#ifndef M4H_MASTER_MASTER_H
#define M4H_MASTER_MASTER_H

#include "lib/base/attributes.h"
#include "lib/config/reload.h"
#include "lib/net/loop.h"
#include "lib/net/supervisor.h"
#include "services/master/config.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_master;

/* Starts; it connects in the background and writes its ready file when it is
 * ready. The others are borrowed for its life: `config` is changed by a reload, `source`
 * is where it is read again (NULL: nowhere), `supervisor` is told how it is (may be
 * NULL). `*master` is NULL on error, which has been logged. */
M4H_MUST_CHECK int m4h_master_create(struct m4h_master **master, struct m4h_loop *loop,
                                     struct m4h_master_config *config,
                                     struct m4h_config_source *source,
                                     struct m4h_supervisor *supervisor);
/* Ends its service: it says that it stops, so that others are asked, leaves the queue groups,
 * answers what it has been given, and then calls `on_left`, once, maybe from inside; 0.4 s. */
void m4h_master_leave(struct m4h_master *master, void (*on_left)(void *context), void *context);
/* Takes the ready file away, says good-bye to the bus (blocks, for 3.5 s at
 * most) and closes all; what is left is freed by the loop. Accepts NULL. */
void m4h_master_destroy(struct m4h_master *master);

/* Reads the configuration and the keys again, now. */
void m4h_master_reload(struct m4h_master *master);

bool m4h_master_is_ready(const struct m4h_master *master);
/* Where /metrics is; 0: nowhere. */
uint16_t m4h_master_http_port(const struct m4h_master *master);

#endif
