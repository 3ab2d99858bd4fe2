/* "host:port" texts. */
#include "lib/base/address.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

static int parse_port(const char *text, uint16_t *port)
{
    size_t len = strspn(text, "0123456789");
    unsigned long value;

    if (len == 0 || len > 5 || text[len] != '\0')
        return M4H_EINVALID;
    value = strtoul(text, NULL, 10);
    if (value > UINT16_MAX)
        return M4H_EINVALID;
    *port = (uint16_t)value;
    return 0;
}

int m4h_address_parse(const char *text, struct m4h_address *address)
{
    const char *colon = strrchr(text, ':');
    const char *host = text;
    size_t len;

    if (colon == NULL)
        return M4H_EINVALID;
    len = (size_t)(colon - text);
    if (text[0] == '[') {
        if (len < 3 || colon[-1] != ']')
            return M4H_EINVALID;
        host = text + 1;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return M4H_EINVALID;
    }
    if (len == 0) {
        host = "0.0.0.0";
        len = strlen(host);
    }
    if (len > M4H_HOST_MAX)
        return M4H_EINVALID;
    memcpy(address->host, host, len);
    address->host[len] = '\0';
    if (!m4h_ident_host_is_valid(address->host))
        return M4H_EINVALID;
    return parse_port(colon + 1, &address->port);
}
