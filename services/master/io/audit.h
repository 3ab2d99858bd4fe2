/* What this master tells the audit: changes of records, revocations and bans that it was asked
 * for, and of its own files. What other masters were asked for, they tell. */
#ifndef M4H_MASTER_IO_AUDIT_H
#define M4H_MASTER_IO_AUDIT_H

#include "services/master/io/service.h"

/* A record is `now` what a change has made of it; `state` is what it was in before,
 * M4H_DEVICE_REMOVED also where there was none. */
void m4h_master_audit_record(struct m4h_master *master, enum m4h_device_state state,
                             const struct m4h_device_record *now, const char *reason);
/* Somebody asked to revoke; `was_banned` before. A problem: it was not done. */
void m4h_master_audit_revoke(struct m4h_master *master, const struct m4h_revoke *revoke,
                             bool was_banned, const struct m4h_problem *problem);
/* A key was taken out of `file`, which says who may come in. */
void m4h_master_audit_key_removed(struct m4h_master *master, const char *fingerprint,
                                  const char *file, const char *reason);
/* The settings were read again, because of `actor`: "SIGHUP" or "file"; `error` 0: they hold. */
void m4h_master_audit_reload(struct m4h_master *master, const char *actor, int error);

#endif
