/* IP addresses and networks: reading them, comparing them, and cutting an address
 * down to the prefix that stands for its source. IPv4 is held as IPv4-mapped IPv6
 * (RFC 4291 section 2.5.5.2), so that one comparison serves both. Pure: names are
 * not resolved. Owned by the caller; any thread. */
#ifndef M4H_BASE_NETWORK_H
#define M4H_BASE_NETWORK_H

#include "lib/base/address.h"
#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More networks in one list are refused. */
#define M4H_NETWORKS_MAX 256
/* Room for the text of an address and its NUL. */
#define M4H_IP_TEXT_MAX 48

struct m4h_ip {
    uint8_t bytes[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
};

struct m4h_network {
    struct m4h_ip ip;
    uint8_t bits; /* of 128: 10.0.0.0/8 has 104 */
};

struct m4h_networks {
    struct m4h_network *list; /* owned; NULL where there is none */
    size_t count;
};

/* Reads "192.0.2.1" or "2001:db8::1", without brackets, port or scope.
 * M4H_EINVALID (`*ip` is undefined). */
M4H_MUST_CHECK int m4h_ip_parse(const char *text, struct m4h_ip *ip);
/* Reads the address of "192.0.2.1:22" or "[2001:db8::1]:22". M4H_EINVALID. */
M4H_MUST_CHECK int m4h_ip_parse_peer(const char *text, struct m4h_ip *ip);
/* The address as text, IPv4 as such. Returns `text`. */
const char *m4h_ip_text(const struct m4h_ip *ip, char text[M4H_IP_TEXT_MAX]);
/* "192.0.2.1:50022" or "[2001:db8::1]:50022". Returns `text`. */
const char *m4h_ip_peer_text(const struct m4h_ip *ip, uint16_t port,
                             char text[M4H_ADDRESS_TEXT_MAX]);
bool m4h_ip_is_v4(const struct m4h_ip *ip);
bool m4h_ip_equals(const struct m4h_ip *a, const struct m4h_ip *b);
/* The first `v4_bits` (of 32) or `v6_bits` (of 128) of an address, the rest zero:
 * addresses of one source have the same one. */
struct m4h_ip m4h_ip_prefix(const struct m4h_ip *ip, uint8_t v4_bits, uint8_t v6_bits);

/* Reads "10.0.0.0/8", "2001:db8::/32" or a single address. An address with bits
 * beyond its prefix is a slip and refused: M4H_EINVALID. */
M4H_MUST_CHECK int m4h_network_parse(const char *text, struct m4h_network *network);
bool m4h_network_contains(const struct m4h_network *network, const struct m4h_ip *ip);

/* Reads networks separated by commas, spaces around them allowed; an empty text is
 * an empty list. M4H_EINVALID, M4H_ETOOBIG (more than M4H_NETWORKS_MAX), M4H_ENOMEM:
 * `*networks` is empty. */
M4H_MUST_CHECK int m4h_networks_parse(const char *text, struct m4h_networks *networks);
/* Whether one of them holds `ip`; an empty list holds none. */
bool m4h_networks_contain(const struct m4h_networks *networks, const struct m4h_ip *ip);
/* Frees the list and leaves it empty. */
void m4h_networks_free(struct m4h_networks *networks);

#endif
