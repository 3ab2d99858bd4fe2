/* Reads a list of entity tags: `*`, or "..." and W/"..." with commas between. */
#include "lib/http/etag.h"

#include <stddef.h>
#include <string.h>

#define BLANKS " \t"

/* The tag at `text` with its quotes; its length, or 0 where there is none. */
static size_t tag_len(const char *text)
{
    size_t len;

    if (*text != '"')
        return 0;
    len = 1 + strcspn(text + 1, "\"");
    return text[len] == '"' ? len + 1 : 0;
}

bool m4h_http_etag_matches(const char *if_none_match, const char *etag)
{
    const char *at = if_none_match;

    if (at == NULL)
        return false;
    at += strspn(at, BLANKS);
    if (*at == '*')
        return at[1 + strspn(at + 1, BLANKS)] == '\0';
    for (;;) {
        size_t len;

        at += strspn(at, BLANKS ",");
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        len = tag_len(at);
        if (len == 0)
            return false;
        if (len == strlen(etag) && memcmp(at, etag, len) == 0)
            return true;
        at += len;
        at += strspn(at, BLANKS);
        if (*at != ',')
            return false;
    }
}
