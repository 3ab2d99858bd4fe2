/* The masters' own records at work: what is known, what is about to be written, and what another
 * master has that is missing here. On the master's loop; the disk is lib/store's.
 *
 * A change waits in line, is made into a record against what there is by then, is written in one
 * transaction with those beside it, and only then is so: in the registry, for the other masters,
 * for who asked. There is one transaction at a time, and at most one change of a key in it.
 *
 * What cannot be written is not so: who asked hears why. Only what another master says counts all
 * the same, as it is so there. Without a file nothing is written, and the rest goes the same way.
 */
#ifndef M4H_MASTER_IO_RECORDS_H
#define M4H_MASTER_IO_RECORDS_H

#include "lib/base/attributes.h"
#include "lib/base/metrics.h"
#include "lib/bus/bus.h"
#include "services/master/core/registry.h"
#include "services/master/io/record_change.h"

struct m4h_master;
struct m4h_records;

/* Opens [registry] path and reads it, which blocks. Behind the revocations, before the bus is
 * there. An error has been logged. */
M4H_MUST_CHECK int m4h_records_create(struct m4h_records **records, struct m4h_master *master);
/* What is being written is finished; what waits in line is not so, and nobody is told. Accepts
 * NULL. */
void m4h_records_destroy(struct m4h_records *records);
/* The configuration was read again. */
void m4h_records_reload(struct m4h_records *records);

const struct m4h_registry *m4h_records_registry(const struct m4h_records *records);
/* Unpacks the record of a key. False: there is none. */
bool m4h_records_find(const struct m4h_records *records, const char *fingerprint,
                      struct m4h_device_record *record);
/* Unpacks one that the registry has given out. */
bool m4h_records_unpack(const struct m4h_registry_entry *entry, struct m4h_device_record *record);

/* The one that is not removed and has this name, a fingerprint or a client key. NULL: the problem
 * says why. */
const struct m4h_registry_entry *m4h_records_named(const struct m4h_records *records,
                                                   const char *name, struct m4h_problem *problem);

/* Puts a request (M4H_CHANGE_PUT or M4H_CHANGE_REMOVE) in line, and answers it, now or later. */
void m4h_records_change(struct m4h_records *records, enum m4h_change_kind kind,
                        const struct m4h_bus_message *message);
/* Puts a record in line that is complete: from another master, or (`is_ours`) to be told the
 * others. What is no news, or finds the line too long, is left out. */
void m4h_records_take(struct m4h_records *records, const struct m4h_device_record *record,
                      bool is_ours);
/* As m4h_registry_note_attempt. */
uint32_t m4h_records_note_attempt(struct m4h_records *records, const char *fingerprint);
/* How many changes wait, or are being written. */
size_t m4h_records_waiting(const struct m4h_records *records);

void m4h_records_write_metrics(const struct m4h_records *records, struct m4h_metrics *metrics);

#endif
