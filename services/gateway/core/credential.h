/* The token in the headers of a request. Pure. */
#ifndef M4H_GATEWAY_CREDENTIAL_H
#define M4H_GATEWAY_CREDENTIAL_H

#include <stdbool.h>

/* The cookie that stands for a token. */
#define M4H_GATEWAY_COOKIE "mas4h_token"
/* Longer tokens are not known. */
#define M4H_CREDENTIAL_MAX 256

enum m4h_credential_kind {
    M4H_CREDENTIAL_NONE,
    M4H_CREDENTIAL_BEARER, /* Authorization: Bearer (RFC 6750 section 2.1) */
    M4H_CREDENTIAL_COOKIE, /* which browsers send whoever made the page */
};

struct m4h_credential {
    enum m4h_credential_kind kind;
    char token[M4H_CREDENTIAL_MAX + 1]; /* secret: wipe it. "" where it cannot be one */
};

/* Takes the token of `authorization`, else of `cookie`; either may be NULL. Another
 * scheme than Bearer, as that of a proxy in front, counts as nothing. */
void m4h_credential_read(const char *authorization, const char *cookie,
                         struct m4h_credential *credential);

#endif
