/* Access tokens as text: the secret itself, and the line of a gateway's tokens file. Pure. */
#ifndef M4H_CTL_CORE_TOKEN_LINE_H
#define M4H_CTL_CORE_TOKEN_LINE_H

#include "services/ctl/core/arguments.h"
#include "services/ctl/core/page.h"

#define M4H_CTL_TOKEN_BYTES 32
/* "m4h_", 43 characters of base64url, and a NUL. */
#define M4H_CTL_TOKEN_MAX 48

/* Texts are borrowed. */
struct m4h_ctl_token_wish {
    const char *name;
    const char *scopes;  /* "read,operate" */
    const char *expires; /* RFC 3339, or NULL */
    uint32_t rate;       /* requests a second, 0: as the gateway's setting says */
};

/* False: `message` says what is wrong. */
bool m4h_ctl_token_wish_is_valid(const struct m4h_ctl_token_wish *wish, uint64_t wall_ms,
                                 char message[M4H_CTL_MESSAGE_MAX]);

/* Returns `out`. */
const char *m4h_ctl_token_text(const uint8_t secret[M4H_CTL_TOKEN_BYTES],
                               char out[M4H_CTL_TOKEN_MAX]);

/* `hash`: the SHA-256 of the token's text, in hex. */
void m4h_ctl_token_line(struct m4h_ctl_page *page, const struct m4h_ctl_token_wish *wish,
                        const char *hash);

#endif
