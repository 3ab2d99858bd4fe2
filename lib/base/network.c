/* IP addresses and networks. It must not know sockets: only inet_pton and
 * inet_ntop are used of the C library. */
#include "lib/base/network.h"

#include "lib/base/error.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V4_OFFSET 12 /* where an IPv4 address begins in a mapped one */
#define V4_BITS   32
#define IP_BITS   128
/* "ffff:...:255.255.255.255/128" and its NUL */
#define NETWORK_TEXT_MAX 56

static const uint8_t v4_mapped[V4_OFFSET] = {[10] = 0xff, [11] = 0xff};

int m4h_ip_parse(const char *text, struct m4h_ip *ip)
{
    memcpy(ip->bytes, v4_mapped, sizeof(v4_mapped));
    if (inet_pton(AF_INET, text, ip->bytes + V4_OFFSET) == 1)
        return 0;
    return inet_pton(AF_INET6, text, ip->bytes) == 1 ? 0 : M4H_EINVALID;
}

int m4h_ip_parse_peer(const char *text, struct m4h_ip *ip)
{
    struct m4h_address address;

    if (m4h_address_parse(text, &address) != 0)
        return M4H_EINVALID;
    return m4h_ip_parse(address.host, ip);
}

bool m4h_ip_is_v4(const struct m4h_ip *ip)
{
    return memcmp(ip->bytes, v4_mapped, sizeof(v4_mapped)) == 0;
}

const char *m4h_ip_text(const struct m4h_ip *ip, char text[M4H_IP_TEXT_MAX])
{
    if (m4h_ip_is_v4(ip))
        inet_ntop(AF_INET, ip->bytes + V4_OFFSET, text, M4H_IP_TEXT_MAX);
    else
        inet_ntop(AF_INET6, ip->bytes, text, M4H_IP_TEXT_MAX);
    return text;
}

const char *m4h_ip_peer_text(const struct m4h_ip *ip, uint16_t port,
                             char text[M4H_ADDRESS_TEXT_MAX])
{
    char host[M4H_IP_TEXT_MAX];

    snprintf(text, M4H_ADDRESS_TEXT_MAX, m4h_ip_is_v4(ip) ? "%s:%u" : "[%s]:%u",
             m4h_ip_text(ip, host), port);
    return text;
}

bool m4h_ip_equals(const struct m4h_ip *a, const struct m4h_ip *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static struct m4h_ip first_bits(const struct m4h_ip *ip, unsigned bits)
{
    struct m4h_ip prefix = {{0}};

    memcpy(prefix.bytes, ip->bytes, bits / 8);
    if (bits % 8 != 0)
        prefix.bytes[bits / 8] = (uint8_t)(ip->bytes[bits / 8] & (0xff00u >> (bits % 8)));
    return prefix;
}

struct m4h_ip m4h_ip_prefix(const struct m4h_ip *ip, uint8_t v4_bits, uint8_t v6_bits)
{
    unsigned bits = m4h_ip_is_v4(ip) ? IP_BITS - V4_BITS + (unsigned)v4_bits : v6_bits;

    return first_bits(ip, bits < IP_BITS ? bits : IP_BITS);
}

/* Reads 0 to `max`, digits only. */
static bool parse_bits(const char *text, unsigned max, unsigned *bits)
{
    size_t len = strspn(text, "0123456789");

    if (len == 0 || len > 3 || text[len] != '\0')
        return false;
    *bits = (unsigned)strtoul(text, NULL, 10);
    return *bits <= max;
}

int m4h_network_parse(const char *text, struct m4h_network *network)
{
    size_t len = strcspn(text, "/");
    char address[NETWORK_TEXT_MAX];
    struct m4h_ip prefix;
    unsigned width;
    unsigned bits;

    if (len >= sizeof(address))
        return M4H_EINVALID;
    memcpy(address, text, len);
    address[len] = '\0';
    if (m4h_ip_parse(address, &network->ip) != 0)
        return M4H_EINVALID;
    /* A mapped address written as IPv6 has its bits counted as IPv6 does. */
    width = strchr(address, ':') == NULL ? V4_BITS : IP_BITS;
    bits = width;
    if (text[len] == '/' && !parse_bits(text + len + 1, width, &bits))
        return M4H_EINVALID;
    network->bits = (uint8_t)(IP_BITS - width + bits);
    prefix = first_bits(&network->ip, network->bits);
    return m4h_ip_equals(&prefix, &network->ip) ? 0 : M4H_EINVALID;
}

bool m4h_network_contains(const struct m4h_network *network, const struct m4h_ip *ip)
{
    struct m4h_ip prefix;

    /* "::/0" is every IPv6 address, and an IPv4 address is none. */
    if (m4h_ip_is_v4(ip) != m4h_ip_is_v4(&network->ip))
        return false;
    prefix = first_bits(ip, network->bits);
    return m4h_ip_equals(&prefix, &network->ip);
}

static size_t count_of(const char *text)
{
    size_t count = 1;

    for (; *text != '\0'; text++)
        count += *text == ',';
    return count;
}

/* Reads the network at `text`, `len` bytes with spaces around it. */
static int parse_item(const char *text, size_t len, struct m4h_network *network)
{
    char item[NETWORK_TEXT_MAX];

    while (len > 0 && *text == ' ') {
        text++;
        len--;
    }
    while (len > 0 && text[len - 1] == ' ')
        len--;
    if (len >= sizeof(item))
        return M4H_EINVALID;
    memcpy(item, text, len);
    item[len] = '\0';
    return m4h_network_parse(item, network);
}

int m4h_networks_parse(const char *text, struct m4h_networks *networks)
{
    size_t count = count_of(text);

    *networks = (struct m4h_networks){NULL, 0};
    if (text[strspn(text, " ")] == '\0')
        return 0;
    if (count > M4H_NETWORKS_MAX)
        return M4H_ETOOBIG;
    networks->list = calloc(count, sizeof(*networks->list));
    if (networks->list == NULL)
        return M4H_ENOMEM;
    for (; networks->count < count; networks->count++) {
        size_t len = strcspn(text, ",");

        if (parse_item(text, len, &networks->list[networks->count]) != 0) {
            m4h_networks_free(networks);
            return M4H_EINVALID;
        }
        text += len + 1;
    }
    return 0;
}

bool m4h_networks_contain(const struct m4h_networks *networks, const struct m4h_ip *ip)
{
    for (size_t i = 0; i < networks->count; i++)
        if (m4h_network_contains(&networks->list[i], ip))
            return true;
    return false;
}

void m4h_networks_free(struct m4h_networks *networks)
{
    free(networks->list);
    *networks = (struct m4h_networks){NULL, 0};
}
