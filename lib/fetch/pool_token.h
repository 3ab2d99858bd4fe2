/* The token of a pool, from a file that may change. Private to lib/fetch. */
#ifndef M4H_FETCH_POOL_TOKEN_H
#define M4H_FETCH_POOL_TOKEN_H

#include "lib/base/attributes.h"
#include "lib/base/file_mark.h"

#include <stdint.h>

#define M4H_FETCH_TOKEN_MAX 4096

struct m4h_fetch_token {
    char *path; /* owned; NULL: there is no token */
    char text[M4H_FETCH_TOKEN_MAX + 1];
    uint32_t number; /* of its content: another one where it has changed */
    struct m4h_file_mark read;
    uint64_t looked_ms;
};

/* Reads it; `path` NULL or "": there is none. M4H_ESYSTEM, M4H_EINVALID (no regular file),
 * M4H_ETOOBIG, M4H_EPROTOCOL (it cannot be in a header), M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_fetch_token_open(struct m4h_fetch_token *token, const char *path);
/* Reads it again where it has changed; looks once a second. One that cannot be taken is logged
 * and changes nothing. */
void m4h_fetch_token_refresh(struct m4h_fetch_token *token, uint64_t now_ms);
/* Wipes it. Accepts one that was never opened, of zeros. */
void m4h_fetch_token_close(struct m4h_fetch_token *token);

#endif
