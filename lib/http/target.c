/* Percent-encoding (RFC 3986) and queries. */
#include "lib/http/target.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"

#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int m4h_http_percent_decode(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        int high, low;

        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        high = hex_digit(from[1]);
        low = high < 0 ? -1 : hex_digit(from[2]);
        if (low < 0 || (high == 0 && low == 0))
            return M4H_EINVALID;
        *to++ = (char)(high << 4 | low);
        from += 2;
    }
    *to = '\0';
    return m4h_ident_text_is_valid(text, (size_t)(to - text)) ? 0 : M4H_EINVALID;
}

static int decode_form(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '+')
            *c = ' ';
    }
    return m4h_http_percent_decode(text);
}

int m4h_http_query_parse(char *query, struct m4h_http_parameter *parameters, size_t *count)
{
    char *rest = query, *part;

    *count = 0;
    while ((part = strsep(&rest, "&")) != NULL) {
        char *value = part;

        if (*part == '\0')
            continue;
        if (*count == M4H_HTTP_QUERY_MAX)
            return M4H_EINVALID;
        strsep(&value, "=");
        if (value == NULL)
            value = part + strlen(part);
        if (decode_form(part) != 0 || decode_form(value) != 0)
            return M4H_EINVALID;
        parameters[*count].name = part;
        parameters[*count].value = value;
        (*count)++;
    }
    return 0;
}

const char *m4h_http_target_path(const char *target)
{
    const char *host = NULL;

    if (strncasecmp(target, "http://", 7) == 0)
        host = target + 7;
    else if (strncasecmp(target, "https://", 8) == 0)
        host = target + 8;
    if (host == NULL)
        return target;
    host += strcspn(host, "/?");
    return *host == '/' ? host : "/";
}
