/* What becomes of a record that somebody wants changed. Pure. */
#ifndef M4H_MASTER_DEVICE_CHANGE_H
#define M4H_MASTER_DEVICE_CHANGE_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stdbool.h>
#include <stdint.h>

/* Makes the record `out` that a put asks for of the one that there is; NULL: none. Its stamp is
 * later than that one's already. False: the problem says why not; INVALID, or CONFLICT where
 * the record is not what the put takes it for. */
bool m4h_device_change_put(const struct m4h_device_record *there, const struct m4h_device_put *put,
                           uint64_t stamp, uint64_t wall_ms, struct m4h_device_record *out,
                           struct m4h_problem *problem);

/* Makes the mark that stays of a record which is removed. */
void m4h_device_change_remove(const struct m4h_device_record *there, const char *actor,
                              uint64_t stamp, struct m4h_device_record *out);

/* Why what was decided by `there` does not hold any more by `now`, so that what rests on it must
 * be cut; NULL: it does. What only limits a device differently waits for its next question. */
const char *m4h_device_change_voids(const struct m4h_device_record *there,
                                    const struct m4h_device_record *now);

#endif
