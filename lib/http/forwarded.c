/* Forwarded and X-Forwarded-For, from their ends: what stands further in front is the
 * word of somebody further away, and may be anything. */
#include "lib/http/forwarded.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"
/* "[ffff:...:255.255.255.255]:65535" and its NUL */
#define NODE_MAX 56

/* A part of a line. */
struct span {
    const char *at;
    size_t len;
};

static struct span trim(const char *at, size_t len)
{
    while (len > 0 && strchr(BLANKS, at[len - 1]) != NULL)
        len--;
    while (len > 0 && strchr(BLANKS, *at) != NULL) {
        at++;
        len--;
    }
    return (struct span){at, len};
}

/* Takes what follows the last `separator` outside of quotes off the end of `rest`; false
 * where nothing is left. Quotes are paired from the end, too: one that somebody further
 * away left open does not reach what was written after it. */
static bool take_last(struct span *rest, char separator, struct span *last)
{
    size_t begin = rest->len;
    bool is_quoted = false;

    if (rest->len == 0)
        return false;
    for (; begin > 0; begin--) {
        char c = rest->at[begin - 1];

        if (c == '"')
            is_quoted = !is_quoted;
        else if (c == separator && !is_quoted)
            break;
    }
    *last = trim(rest->at + begin, rest->len - begin);
    rest->len = begin > 0 ? begin - 1 : 0;
    return true;
}

/* ---- a node: "192.0.2.1", "192.0.2.1:50022", "2001:db8::1", "[2001:db8::1]:50022" ------ */

/* A port that is hidden ("_p") or wrong is none. */
static uint16_t read_port(const char *text)
{
    size_t len = strspn(text, "0123456789");
    unsigned long port = len > 0 && len <= 5 && text[len] == '\0' ? strtoul(text, NULL, 10) : 0;

    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool read_node(struct span node, struct m4h_http_client *client)
{
    char text[NODE_MAX], *host = text, *port = NULL;

    if (node.len == 0 || node.len >= sizeof(text))
        return false;
    memcpy(text, node.at, node.len);
    text[node.len] = '\0';
    if (*host == '[') {
        char *end = strchr(++host, ']');

        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        port = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
    } else if (strchr(host, ':') == strrchr(host, ':') && (port = strchr(host, ':')) != NULL)
        *port++ = '\0';
    client->port = port != NULL ? read_port(port) : 0;
    return m4h_ip_parse(host, &client->ip) == 0;
}

/* ---- an element of Forwarded: "for=192.0.2.1;proto=https" ------------------------------- */

/* The value of `pair` where it has that name; quotes are taken off. */
static bool has_name(struct span pair, const char *name, struct span *value)
{
    size_t len = strlen(name);

    if (pair.len <= len || strncasecmp(pair.at, name, len) != 0 || pair.at[len] != '=')
        return false;
    *value = (struct span){pair.at + len + 1, pair.len - len - 1};
    if (value->len >= 2 && value->at[0] == '"' && value->at[value->len - 1] == '"')
        *value = (struct span){value->at + 1, value->len - 2};
    return true;
}

static bool is_https(struct span proto)
{
    return proto.len == strlen("https") && strncasecmp(proto.at, "https", proto.len) == 0;
}

static bool read_element(struct span element, struct m4h_http_client *client)
{
    struct span pair, value;
    bool has_node = false;

    client->is_encrypted = false;
    while (take_last(&element, ';', &pair)) {
        if (has_name(pair, "for", &value))
            has_node = read_node(value, client);
        else if (has_name(pair, "proto", &value))
            client->is_encrypted = is_https(value);
    }
    return has_node;
}

/* ---- a line ---------------------------------------------------------------------------------- */

bool m4h_http_forwarded_read(enum m4h_http_forwarded_header header,
                             const struct m4h_networks *trusted, const char *line,
                             struct m4h_http_client *client)
{
    struct span rest = {line, strlen(line)}, element;

    while (take_last(&rest, ',', &element)) {
        struct m4h_http_client found = *client;

        if (element.len == 0)
            continue;
        if (!(header == M4H_HTTP_FORWARDED ? read_element(element, &found)
                                           : read_node(element, &found)))
            return false;
        *client = found;
        if (!m4h_networks_contain(trusted, &found.ip))
            return false;
    }
    return true;
}

bool m4h_http_forwarded_proto_is_https(const char *line)
{
    struct span rest = {line, line != NULL ? strlen(line) : 0}, last;

    return take_last(&rest, ',', &last) && is_https(last);
}
