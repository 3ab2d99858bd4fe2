/* The tokens file: who may ask a gateway for what. A line names a token, what it may
 * do, and the SHA-256 of it; the token itself is nowhere.
 *
 *   NAME SCOPE[,SCOPE...] sha256:HEX [expires=RFC3339] [rate=N]
 *
 * Scopes are slot, read and operate; `rate` is its requests per second, in place of
 * [access] token_rate. "#" begins a comment. A line that is wrong is told with its
 * number and skipped; the others count. Pure. */
#ifndef M4H_GATEWAY_TOKENS_H
#define M4H_GATEWAY_TOKENS_H

#include "lib/base/attributes.h"
#include "lib/base/ident.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Digits of a SHA-256. */
#define M4H_TOKEN_HASH_LEN 64u
/* More lines with tokens are refused. */
#define M4H_TOKENS_MAX 1024u
/* The largest file that is read, bytes. */
#define M4H_TOKENS_FILE_MAX (1024u * 1024u)
/* Bad lines that are told of one by one. */
#define M4H_TOKENS_FAULTS_MAX 20u

/* No line is better than this. */
#define M4H_TOKEN_RATE_MAX 1000000u

struct m4h_token {
    char name[M4H_ID_MAX + 1];         /* [A-Za-z0-9._@-]: goes into logs as it is */
    unsigned scopes;                   /* a bit for each enum m4h_gateway_scope */
    uint32_t rate;                     /* requests per second; 0: as for all */
    uint64_t expires_wall_ms;          /* UINT64_MAX: never */
    char hash[M4H_TOKEN_HASH_LEN + 1]; /* of its text, in lower-case hex */
};

struct m4h_tokens {
    struct m4h_token *list; /* owned; NULL where there is none */
    size_t count;
};

struct m4h_token_fault {
    uint32_t line;
    const char *message; /* static */
};

struct m4h_token_report {
    struct m4h_token_fault faults[M4H_TOKENS_FAULTS_MAX];
    uint32_t fault_count; /* of all; the array holds the first ones */
};

/* Reads the text into `*tokens`. 0 also where lines are bad; M4H_ENOMEM, M4H_EFULL
 * (more than M4H_TOKENS_MAX): `*tokens` is empty. */
M4H_MUST_CHECK int m4h_tokens_parse(struct m4h_tokens *tokens, const char *text, size_t len,
                                    struct m4h_token_report *report);
/* Leaves it empty. */
void m4h_tokens_free(struct m4h_tokens *tokens);

/* The one of that hash, in lower-case hex, or NULL; borrowed. Looks at all of them, and
 * takes as long whichever it is. */
const struct m4h_token *m4h_tokens_find(const struct m4h_tokens *tokens,
                                        const char hash[M4H_TOKEN_HASH_LEN + 1]);

/* Whether the scopes of a token are enough for a route: who may operate may read. */
bool m4h_token_scopes_allow(unsigned scopes, unsigned scope);
/* "slot", "read", "operate"; "" for a scope that needs no token. Static. */
const char *m4h_token_scope_name(unsigned scope);

#endif
