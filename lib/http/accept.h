/* What a client accepts, by its Accept header (RFC 9110 section 12.5.1), and what it
 * sends, by its Content-Type. Pure. Private to lib/http. */
#ifndef M4H_HTTP_ACCEPT_H
#define M4H_HTTP_ACCEPT_H

#include <stdbool.h>

/* Whether `accept` (NULL or empty: anything) lets `type` ("application/json") pass. Of
 * the ranges that fit, the most specific one says so; its weight 0 says no. Parameters
 * of types are not looked at. */
bool m4h_http_accept_allows(const char *accept, const char *type);

/* Whether a Content-Type is `type`, whatever its parameters. */
bool m4h_http_type_is(const char *content_type, const char *type);

#endif
