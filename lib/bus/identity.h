/* How this side reaches a server and says who it is: a copy of the settings, and the options
 * that the library is given, made anew when one of their files has changed. One thread at a
 * time. Private to lib/bus. */
#ifndef M4H_BUS_IDENTITY_H
#define M4H_BUS_IDENTITY_H

#include "lib/base/attributes.h"
#include "lib/base/file_mark.h"
#include "lib/bus/bus.h"

#include <nats/nats.h>

#define M4H_IDENTITY_TEXTS 11
#define M4H_IDENTITY_FILES 6

struct m4h_identity {
    natsOptions *options;         /* owned */
    struct m4h_bus_config config; /* of which only the texts below are set */
    char *texts[M4H_IDENTITY_TEXTS];
    struct m4h_file_mark marks[M4H_IDENTITY_FILES];
};

/* `identity` is zeroed; what `config` points to is copied. Errors as m4h_bus_create; free it
 * then, too. */
M4H_MUST_CHECK int m4h_identity_init(struct m4h_identity *identity,
                                     const struct m4h_bus_config *config);
void m4h_identity_free(struct m4h_identity *identity);
/* Before each connection. A file that cannot be used leaves the options as they were, and
 * was logged. */
void m4h_identity_refresh(struct m4h_identity *identity);

#endif
