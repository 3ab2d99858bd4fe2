/* What the workers read of the configuration, in the form in which they need it:
 * lists parsed, numbers narrowed. Made by the hub at start and after each reload,
 * never changed after that, shared by all workers, and counted: whoever holds it
 * may read it on any thread, and the last one to let go frees it.
 * A worker gets a new one by M4H_ORDER_SETTINGS and has it in worker->settings;
 * nothing may keep a pointer into it over a turn of the loop. */
#ifndef M4H_SLAVE_IO_SETTINGS_H
#define M4H_SLAVE_IO_SETTINGS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "services/slave/config.h"
#include "services/slave/core/door.h"
#include "services/slave/core/operators.h"
#include "services/slave/core/session.h"

#include <stdatomic.h>
#include <stddef.h>

struct m4h_worker_settings {
    atomic_uint holders;
    char id[M4H_ID_MAX + 1];     /* of the slave; the same after a reload */
    char region[M4H_ID_MAX + 1]; /* likewise */
    struct m4h_session_limits session;
    struct m4h_door_limits door; /* of each worker; its networks are `trusted` */
    struct m4h_networks trusted;
    bool proxy_required; /* every connection begins with a PROXY header, of one of: */
    struct m4h_networks proxies;
    size_t buffer_bytes; /* kept for an operator that reads slowly */
    struct m4h_networks operator_networks;
    struct m4h_operator_rules operators; /* of every device */
    bool proxy_header;                   /* a device is told who its operators are */
};

/* Held once, by the caller. `*settings` is NULL on error: M4H_EINVALID (a list
 * that cannot be parsed), M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_worker_settings_create(struct m4h_worker_settings **settings,
                                              const struct m4h_slave_config *config);
/* Holds it once more, and returns it. Any thread. */
struct m4h_worker_settings *m4h_worker_settings_hold(struct m4h_worker_settings *settings);
/* Lets go. Any thread. Accepts NULL. */
void m4h_worker_settings_release(struct m4h_worker_settings *settings);

#endif
