/* The PROXY protocol's header, read and written. It must not know sockets, and it
 * skips TLVs: nothing here depends on them. */
#include "lib/base/proxy_header.h"

#include <stdlib.h>
#include <string.h>

#define V1_MAX        107
#define V1_BEGIN      "PROXY "
#define V2_FIXED      16 /* signature, version and command, family, length */
#define V2_LEN_V4     12
#define V2_LEN_V6     36

#define COMMAND_LOCAL 0x20
#define COMMAND_PROXY 0x21
#define FAMILY_TCP4   0x11
#define FAMILY_TCP6   0x21

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* Whether what is there of `data` agrees with `begin`. */
static bool may_begin(const uint8_t *data, size_t len, const void *begin, size_t begin_len)
{
    return memcmp(data, begin, len < begin_len ? len : begin_len) == 0;
}

/* ---- version 1 --------------------------------------------------------------- */

/* Takes the word before the next space off `*rest`; the last word ends with the
 * text. NULL: there is none. */
static char *take_word(char **rest)
{
    char *word = *rest;
    char *end;

    if (word == NULL || *word == '\0')
        return NULL;
    end = strchr(word, ' ');
    if (end != NULL)
        *end++ = '\0';
    *rest = end;
    return word;
}

static bool read_port(const char *text, uint16_t *port)
{
    size_t len;
    unsigned long value;

    if (text == NULL)
        return false;
    len = strspn(text, "0123456789");
    if (len == 0 || len > 5 || text[len] != '\0' || (text[0] == '0' && len > 1))
        return false;
    value = strtoul(text, NULL, 10);
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

static bool read_ip(const char *text, bool v6, struct m4h_ip *ip)
{
    return text != NULL && (strchr(text, ':') != NULL) == v6 && m4h_ip_parse(text, ip) == 0;
}

/* Reads "TCP4 source destination port port", without its line's end. */
static bool read_line(char *line, struct m4h_proxy_header *header)
{
    char *rest = line;
    const char *family = take_word(&rest);
    struct m4h_ip destination;
    uint16_t destination_port;
    bool v6;

    if (family == NULL)
        return false;
    if (strcmp(family, "UNKNOWN") == 0)
        return true;
    v6 = strcmp(family, "TCP6") == 0;
    if (!v6 && strcmp(family, "TCP4") != 0)
        return false;
    header->has_source = true;
    return read_ip(take_word(&rest), v6, &header->source) &&
           read_ip(take_word(&rest), v6, &destination) &&
           read_port(take_word(&rest), &header->source_port) &&
           read_port(take_word(&rest), &destination_port) && rest == NULL;
}

static enum m4h_proxy_verdict parse_v1(const uint8_t *data, size_t len,
                                       struct m4h_proxy_header *header)
{
    size_t begin = strlen(V1_BEGIN);
    size_t seen = len < V1_MAX ? len : V1_MAX;
    const uint8_t *end = memchr(data, '\n', seen);
    char line[V1_MAX + 1];
    size_t line_len;

    if (end == NULL)
        return len < V1_MAX ? M4H_PROXY_INCOMPLETE : M4H_PROXY_WRONG;
    header->len = (size_t)(end - data) + 1;
    if (header->len < begin + 2 || end[-1] != '\r')
        return M4H_PROXY_WRONG;
    line_len = header->len - begin - 2;
    memcpy(line, data + begin, line_len);
    line[line_len] = '\0';
    if (strlen(line) != line_len || !read_line(line, header))
        return M4H_PROXY_WRONG;
    return M4H_PROXY_COMPLETE;
}

/* ---- version 2 --------------------------------------------------------------- */

static uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void write_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The combinations of family and transport that the specification knows. Those
 * without TCP over IP are taken as "none given", as it asks for. */
static bool family_is_known(uint8_t family)
{
    static const uint8_t known[] = {0x00, FAMILY_TCP4, 0x12, FAMILY_TCP6, 0x22, 0x31, 0x32};

    return memchr(known, family, sizeof(known)) != NULL;
}

static bool read_addresses(const uint8_t *data, size_t len, struct m4h_proxy_header *header)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t family = data[13];
    const uint8_t *addresses = data + V2_FIXED;

    if (!family_is_known(family))
        return false;
    header->has_source = family == FAMILY_TCP4 || family == FAMILY_TCP6;
    if (family == FAMILY_TCP4) {
        if (len < V2_LEN_V4)
            return false;
        memcpy(header->source.bytes, mapped, sizeof(mapped));
        memcpy(header->source.bytes + sizeof(mapped), addresses, 4);
        header->source_port = read_u16(addresses + 8);
    } else if (family == FAMILY_TCP6) {
        if (len < V2_LEN_V6)
            return false;
        memcpy(header->source.bytes, addresses, 16);
        header->source_port = read_u16(addresses + 32);
    }
    return true;
}

static enum m4h_proxy_verdict parse_v2(const uint8_t *data, size_t len,
                                       struct m4h_proxy_header *header)
{
    size_t follows;

    if (len > 12 && data[12] != COMMAND_LOCAL && data[12] != COMMAND_PROXY)
        return M4H_PROXY_WRONG;
    if (len < V2_FIXED)
        return M4H_PROXY_INCOMPLETE;
    follows = read_u16(data + 14);
    header->len = V2_FIXED + follows;
    if (header->len > M4H_PROXY_HEADER_MAX)
        return M4H_PROXY_WRONG;
    if (len < header->len)
        return M4H_PROXY_INCOMPLETE;
    if (data[12] == COMMAND_PROXY && !read_addresses(data, follows, header))
        return M4H_PROXY_WRONG;
    return M4H_PROXY_COMPLETE;
}

enum m4h_proxy_verdict m4h_proxy_header_parse(const uint8_t *data, size_t len,
                                              struct m4h_proxy_header *header)
{
    struct m4h_proxy_header read = {0};
    enum m4h_proxy_verdict verdict = M4H_PROXY_WRONG;

    if (may_begin(data, len, V1_BEGIN, strlen(V1_BEGIN)))
        verdict = parse_v1(data, len, &read);
    else if (may_begin(data, len, signature, sizeof(signature)))
        verdict = parse_v2(data, len, &read);
    if (verdict == M4H_PROXY_COMPLETE)
        *header = read;
    return verdict;
}

size_t m4h_proxy_header_write(uint8_t out[M4H_PROXY_HEADER_WRITTEN_MAX],
                              const struct m4h_ip *source, uint16_t source_port,
                              const struct m4h_ip *destination, uint16_t destination_port)
{
    bool v4 = m4h_ip_is_v4(source) && m4h_ip_is_v4(destination);
    size_t skipped = v4 ? 12 : 0; /* of a mapped address */
    size_t ip_len = 16 - skipped;
    uint8_t *at = out + V2_FIXED;

    memcpy(out, signature, sizeof(signature));
    out[12] = COMMAND_PROXY;
    out[13] = v4 ? FAMILY_TCP4 : FAMILY_TCP6;
    write_u16(out + 14, v4 ? V2_LEN_V4 : V2_LEN_V6);
    memcpy(at, source->bytes + skipped, ip_len);
    memcpy(at + ip_len, destination->bytes + skipped, ip_len);
    write_u16(at + 2 * ip_len, source_port);
    write_u16(at + 2 * ip_len + 2, destination_port);
    return V2_FIXED + (v4 ? V2_LEN_V4 : V2_LEN_V6);
}
