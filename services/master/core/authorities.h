/* The keys of certificate authorities, in OpenSSH's authorized_keys format (authorized_keys.h):
 * whom a certificate may name, and what who comes with one may do, is said by the options of its
 * authority's line. Pure.
 *
 * `cert-authority` stands before principals="PATTERN,...", the names that it may give; without
 * either it may give any. The certificate names the device, so client-key and port have no place
 * there. With operator="NAME" its certificates are those of operators; NAME "*" is the name that
 * each certificate gives. A bad line is told and skipped. The comment is for people. */
#ifndef M4H_MASTER_AUTHORITIES_H
#define M4H_MASTER_AUTHORITIES_H

#include "lib/base/ssh_fields.h"
#include "services/master/core/key_options.h"

#define M4H_AUTHORITIES_MAX        64u
#define M4H_AUTHORITIES_FAULTS_MAX 20u
#define M4H_AUTHORITIES_FILE_MAX   (1024u * 1024u)

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
    struct m4h_key_line says;
    uint32_t line;
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

/* Whether it may name somebody so. */
bool m4h_authority_may_name(const struct m4h_authority *authority, const char *name);

/* What its line grants now to who has that name and makes that request: ALLOW, or DENY. */
void m4h_authority_grant(const struct m4h_authority *authority, const char *name,
                         const struct m4h_authorize_request *request, uint64_t wall_ms,
                         struct m4h_verdict *verdict);

#endif
