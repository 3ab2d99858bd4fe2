/* Whether a client has a representation already: If-None-Match against the ETag
 * of what it would get (RFC 9110 section 13.1.2). Pure. */
#ifndef M4H_HTTP_ETAG_H
#define M4H_HTTP_ETAG_H

#include <stdbool.h>

/* `if_none_match`: the header as it came, NULL where there is none. `etag`: with
 * its quotes. The comparison is the weak one; a header that is no list of tags
 * matches nothing from the fault on. */
bool m4h_http_etag_matches(const char *if_none_match, const char *etag);

#endif
