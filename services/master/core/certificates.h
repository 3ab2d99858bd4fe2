/* What an OpenSSH certificate is good for here. That its authority has signed it, and that the
 * device has the key inside, is for others to have checked. Pure. */
#ifndef M4H_MASTER_CERTIFICATES_H
#define M4H_MASTER_CERTIFICATES_H

#include "lib/base/ssh_certificate.h"
#include "lib/base/ssh_revoked.h"
#include "services/master/core/authorities.h"
#include "services/master/core/validator.h"

/* What of a certificate names the device, or the operator. */
enum m4h_certificate_name {
    M4H_CERTIFICATE_PRINCIPAL, /* its first */
    M4H_CERTIFICATE_KEY_ID,
};

struct m4h_certificate_case {
    const struct m4h_ssh_certificate *certificate;
    const struct m4h_authority *authority;     /* that has signed it */
    const struct m4h_ssh_named_key *key;       /* inside it */
    const struct m4h_ssh_named_key *signed_by; /* the authority's */
    const struct m4h_ssh_revoked *revoked;     /* NULL: nothing is */
    enum m4h_certificate_name name;
    const struct m4h_authorize_request *request;
    uint64_t wall_ms;
};

/* ALLOW with what the authority's line grants, and the end of the certificate; or DENY, and why.
 *
 * It must be a user's, within its time, not revoked (nor its key, nor its authority), with the
 * extension permit-port-forwarding, and name somebody whom the authority's line lets it name.
 * Of the critical options source-address is held to; any other one (force-command,
 * verify-required, what is yet to come) asks for what a bouncer cannot give, and refuses it. */
void m4h_certificate_judge(const struct m4h_certificate_case *c, struct m4h_verdict *verdict);

#endif
