/* The keys of certificate authorities, in OpenSSH's authorized_keys format: whom a certificate
 * may name, and what who comes with one may do, is said by the options of its authority's line.
 * Pure.
 *
 *   cert-authority             may stand there, as sshd needs it, and changes nothing
 *   principals="PATTERN,..."   names that it may give, with * and ?; up to 16, any without it
 *   labels="NAME=VALUE,..."    of its devices
 *   region="REGION"            where their slots should be
 *   and those of key_limits.h
 *
 * An option that is not known, or not enforced, makes the line a bad one, which is told and
 * skipped. The comment is for people. */
#ifndef M4H_MASTER_AUTHORITIES_H
#define M4H_MASTER_AUTHORITIES_H

#include "lib/base/ssh_fields.h"
#include "services/master/core/validator.h"

#define M4H_AUTHORITIES_MAX          64u
#define M4H_AUTHORITY_PRINCIPALS_MAX 16u
#define M4H_AUTHORITIES_FAULTS_MAX   20u
#define M4H_AUTHORITIES_FILE_MAX     (1024u * 1024u)

/* One bad line. */
struct m4h_authority_fault {
    uint32_t line;
    char message[160]; /* may hold text from the file: quote it */
};

struct m4h_authorities_report {
    struct m4h_authority_fault faults[M4H_AUTHORITIES_FAULTS_MAX];
    uint32_t fault_count; /* of all; the array holds the first ones */
};

struct m4h_authority {
    uint8_t key[M4H_PUBLIC_KEY_BLOB_MAX]; /* wire form */
    size_t key_len;
    uint32_t line;
    char principals[M4H_AUTHORITY_PRINCIPALS_MAX][M4H_CLIENT_KEY_MAX + 1];
    uint8_t principal_count; /* 0: any name */
    char labels[M4H_LABELS_TEXT_MAX + 1];
    char region[M4H_ID_MAX + 1];
    struct m4h_device_limits limits;
};

struct m4h_authorities {
    struct m4h_authority *list; /* owned */
    size_t count;
};

/* Reads them. 0 also where lines are bad; M4H_ENOMEM, M4H_EFULL (more than M4H_AUTHORITIES_MAX):
 * `authorities` is then empty. */
M4H_MUST_CHECK int m4h_authorities_parse(struct m4h_authorities *authorities, const char *text,
                                         size_t len, struct m4h_authorities_report *report);
void m4h_authorities_free(struct m4h_authorities *authorities);

/* NULL: not known. */
const struct m4h_authority *m4h_authorities_find(const struct m4h_authorities *authorities,
                                                 struct m4h_ssh_bytes key);

/* ALLOW, for who has that name. */
void m4h_authority_grant(const struct m4h_authority *authority, const char *name,
                         struct m4h_verdict *verdict);

#endif
