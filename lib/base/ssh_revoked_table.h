/* How the readers of revoked keys (ssh_krl.c, ssh_revoked_list.c) fill the table: private to them
 * and to ssh_revoked.c. All that is added is borrowed from the table's own copy of the file. */
#ifndef M4H_BASE_SSH_REVOKED_TABLE_H
#define M4H_BASE_SSH_REVOKED_TABLE_H

#include "lib/base/ssh_revoked.h"

/* By what a key is revoked; or which certificates. */
enum m4h_ssh_revoked_kind {
    M4H_SSH_REVOKED_KEYS,
    M4H_SSH_REVOKED_SHA1,
    M4H_SSH_REVOKED_SHA256,
    M4H_SSH_REVOKED_KINDS,
};

/* Certificates of one authority; of any where `authority` is empty. */
struct m4h_ssh_revoked_certificates;

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_ssh_revoked_add(struct m4h_ssh_revoked *revoked,
                                       enum m4h_ssh_revoked_kind kind, struct m4h_ssh_bytes bytes);
/* The one there is, or a new one. NULL: no memory. Borrowed until the next one is asked for. */
struct m4h_ssh_revoked_certificates *m4h_ssh_revoked_of(struct m4h_ssh_revoked *revoked,
                                                        struct m4h_ssh_bytes authority);
M4H_MUST_CHECK int m4h_ssh_revoked_add_key_id(struct m4h_ssh_revoked_certificates *certificates,
                                              struct m4h_ssh_bytes key_id);
/* From `first` to `last`, both included. */
M4H_MUST_CHECK int m4h_ssh_revoked_add_serials(struct m4h_ssh_revoked_certificates *certificates,
                                               uint64_t first, uint64_t last);
/* Bit 0 of the last byte stands for `first`. Not empty. */
M4H_MUST_CHECK int m4h_ssh_revoked_add_bitmap(struct m4h_ssh_revoked_certificates *certificates,
                                              uint64_t first, struct m4h_ssh_bytes bitmap);
void m4h_ssh_revoked_set_version(struct m4h_ssh_revoked *revoked, uint64_t version);

/* ssh_krl.c */
bool m4h_ssh_krl_is_one(struct m4h_ssh_bytes data);
M4H_MUST_CHECK int m4h_ssh_krl_read(struct m4h_ssh_revoked *revoked, struct m4h_ssh_bytes data,
                                    char *wrong, size_t size);
/* ssh_revoked_list.c: decodes where the text stands. */
M4H_MUST_CHECK int m4h_ssh_revoked_list_read(struct m4h_ssh_revoked *revoked, char *text,
                                             size_t len, char *wrong, size_t size);

#endif
