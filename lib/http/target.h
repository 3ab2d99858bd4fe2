/* The request target: percent-encoding and the query. Pure. Private to lib/http,
 * but for services that build targets. */
#ifndef M4H_HTTP_TARGET_H
#define M4H_HTTP_TARGET_H

#include "lib/base/attributes.h"

#include <stddef.h>

struct m4h_http_parameter {
    const char *name;
    const char *value;
};

/* Parameters in a query, at most. */
#define M4H_HTTP_QUERY_MAX 16

/* Decodes in place. M4H_EINVALID: a broken escape, bytes that are not UTF-8, a
 * control character (also an escaped one); the text is then undefined. */
M4H_MUST_CHECK int m4h_http_percent_decode(char *text);

/* Splits "a=1&b=2" and decodes it in place, with + for a space; what it points
 * out lies in `query`. At most M4H_HTTP_QUERY_MAX parameters. M4H_EINVALID. */
M4H_MUST_CHECK int m4h_http_query_parse(char *query, struct m4h_http_parameter *parameters,
                                        size_t *count);

/* Where the path of a target begins: past "http://host" of the absolute form
 * (RFC 9112 section 3.2.2). */
const char *m4h_http_target_path(const char *target);

#endif
