/* Whose request it is, by what the proxies before us wrote into its head. Pure.
 * Private to lib/http.
 *
 * Each proxy adds the address that it was asked from, at the end. So the last one is the
 * word of the proxy that asks us, the one before it that of the proxy before, and so on;
 * a word counts as long as who says it is trusted. What a client wrote itself stands
 * before all of them and is never reached.
 *
 * A proxy writes one of the two headers and hands on the other as it came: only the one
 * that it writes may be read here. */
#ifndef M4H_HTTP_FORWARDED_H
#define M4H_HTTP_FORWARDED_H

#include "lib/base/network.h"
#include "lib/http/http.h"

#include <stdbool.h>
#include <stdint.h>

struct m4h_http_client {
    struct m4h_ip ip;
    uint16_t port; /* 0: not told */
    bool is_encrypted;
};

/* Reads one header line, whose writer is `client`, a trusted proxy: X-Forwarded-For, or
 * Forwarded (RFC 7239), which also says whether the request came by TLS. `client` becomes
 * who is found behind it. True: that is a trusted proxy again, whose own word is in the
 * line before, if there is one. What is no address (unknown, _hidden, an error) ends the
 * search: `client` is then the proxy that wrote it. */
bool m4h_http_forwarded_read(enum m4h_http_forwarded_header header,
                             const struct m4h_networks *trusted, const char *line,
                             struct m4h_http_client *client);

/* Whether the last word of X-Forwarded-Proto (NULL: none) is https. */
bool m4h_http_forwarded_proto_is_https(const char *line);

#endif
