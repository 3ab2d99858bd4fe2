/* How to connect: our configuration as the library's options. Private to lib/bus. */
#ifndef M4H_BUS_OPTIONS_H
#define M4H_BUS_OPTIONS_H

#include "lib/base/attributes.h"
#include "lib/bus/bus.h"

#include <nats/nats.h>

/* The longest that one attempt to connect to one server may take, and then the
 * wait for its first answer. */
#define M4H_BUS_CONNECT_MS 2000

/* `*options` is the caller's, freed with natsOptions_Destroy; NULL on error.
 * M4H_EINVALID (said in the log) or M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_bus_options_create(natsOptions **options,
                                          const struct m4h_bus_config *config);

#endif
