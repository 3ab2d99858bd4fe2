/* What a master keeps in [registry] path: the records of devices, and the revocations that must
 * outlive a restart. See services/master/io/registry_schema.h for its tables. */
#ifndef M4H_MASTER_IO_RECORD_FILE_H
#define M4H_MASTER_IO_RECORD_FILE_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"
#include "lib/base/stamp.h"
#include "lib/store/store.h"
#include "services/master/core/registry.h"

/* Opens the file; an error has been logged: as m4h_store_open. */
M4H_MUST_CHECK int m4h_record_file_open(struct m4h_store **store, struct m4h_loop *loop,
                                        const char *path);
/* Fills the registry with its records. What cannot be read is logged and left out; an error has
 * been logged. */
M4H_MUST_CHECK int m4h_record_file_load(struct m4h_store *store, struct m4h_registry *registry,
                                        struct m4h_stamp_clock *clock);

/* Hands out the revocations that are kept. An error has been logged. */
M4H_MUST_CHECK int m4h_record_file_load_revocations(
    struct m4h_store *store, void (*on_revocation)(void *context, const struct m4h_revoke *revoke),
    void *context);

/* Add to a batch. `record` is what `entry` has packed. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_record_file_put(struct m4h_store_batch *batch,
                                       const struct m4h_device_record *record,
                                       const struct m4h_registry_entry *entry);
M4H_MUST_CHECK int m4h_record_file_forget(struct m4h_store_batch *batch, const char *fingerprint);

M4H_MUST_CHECK int m4h_record_file_put_revocation(struct m4h_store_batch *batch,
                                                  const struct m4h_revoke *revoke,
                                                  const void *packed, size_t packed_len);

/* Names for people who look into the file. Static. */
const char *m4h_device_state_name(enum m4h_device_state state);

#endif
