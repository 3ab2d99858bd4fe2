/* "host:port" and "[v6]:port" texts. Pure: names are not resolved here. */
#ifndef M4H_BASE_ADDRESS_H
#define M4H_BASE_ADDRESS_H

#include "lib/base/attributes.h"
#include "lib/base/ident.h"

#include <stdint.h>

/* Room for "[v6%scope]:65535" and its NUL. */
#define M4H_ADDRESS_TEXT_MAX 80

struct m4h_address {
    char host[M4H_HOST_MAX + 1]; /* without brackets; may be a name */
    uint16_t port;
};

/* Reads "host:port", "[v6]:port" or ":port" (all IPv4 addresses); the host must
 * be as m4h_ident_host_is_valid says. M4H_EINVALID (`*address` is undefined). */
M4H_MUST_CHECK int m4h_address_parse(const char *text, struct m4h_address *address);

#endif
