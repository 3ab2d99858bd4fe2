/* The page parameters of lists over REST. Pure.
 *
 * A page token is opaque to clients: the wire's token, which may be any text, in
 * hex digits, so that it needs no escaping in a URL. */
#ifndef M4H_GATEWAY_PAGE_H
#define M4H_GATEWAY_PAGE_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

/* Revocations have the longest tokens. */
#define M4H_GATEWAY_TOKEN_MAX (2 * M4H_REVOCATION_NAME_MAX)

/* As they came in the query; NULL: not given. */
struct m4h_gateway_page_query {
    const char *region;
    const char *slave_id;
    const char *page_size; /* more than the most becomes the most */
    const char *page_token;
    const char *client_key_prefix;      /* of tunnels only */
    const char *labels[M4H_LABELS_MAX]; /* "site=berlin", of tunnels only; all must be there */
};

/* M4H_EINVALID: `problem` says which one is wrong. */
M4H_MUST_CHECK int m4h_gateway_page_parse(const struct m4h_gateway_page_query *query,
                                          struct m4h_page_request *page,
                                          struct m4h_problem *problem);

/* Returns `out`. The token is one of at most M4H_REVOCATION_NAME_MAX bytes. */
const char *m4h_gateway_token_encode(const char *token, char out[M4H_GATEWAY_TOKEN_MAX + 1]);
/* False: no token that was ever given out, or none of `size` bytes with its NUL. */
bool m4h_gateway_token_decode(const char *text, char *token, size_t size);

#endif
