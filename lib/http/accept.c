/* Reads lists of media ranges: type/subtype;q=0.5, with commas between. */
#include "lib/http/accept.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

/* How specific a range is that fits. */
enum fit {
    NO_FIT,
    ANY,
    ANY_OF_TYPE,
    EXACT
};

/* The range at `range`, `len` long with its parameters. */
static size_t name_len(const char *range, size_t len)
{
    size_t name = strcspn(range, ";,");

    if (name > len)
        name = len;
    while (name > 0 && strchr(BLANKS, range[name - 1]) != NULL)
        name--;
    return name;
}

static enum fit fit_of(const char *range, size_t len, const char *type)
{
    size_t type_len = strlen(type), main_len = strcspn(type, "/") + 1;

    if (len == 3 && memcmp(range, "*/*", 3) == 0)
        return ANY;
    if (len == main_len + 1 && range[main_len] == '*' && strncasecmp(range, type, main_len) == 0)
        return ANY_OF_TYPE;
    return len == type_len && strncasecmp(range, type, type_len) == 0 ? EXACT : NO_FIT;
}

/* Whether the weight of a range is 0: "q=0", "q=0.000". */
static bool is_refused(const char *range, size_t len)
{
    const char *end = range + len;
    const char *at = range;

    while ((at = memchr(at, ';', (size_t)(end - at))) != NULL) {
        at++;
        at += strspn(at, BLANKS);
        if (end - at >= 3 && strncasecmp(at, "q=", 2) == 0)
            return at[2] == '0' && strspn(at + 2, "0.") == strcspn(at + 2, "; \t,");
    }
    return false;
}

bool m4h_http_accept_allows(const char *accept, const char *type)
{
    enum fit best = NO_FIT;
    bool allowed = false;
    const char *at = accept;

    if (accept == NULL || accept[strspn(accept, BLANKS ",")] == '\0')
        return true;
    while (*(at += strspn(at, BLANKS ",")) != '\0') {
        size_t len = strcspn(at, ",");
        enum fit fit = fit_of(at, name_len(at, len), type);

        if (fit > best) {
            best = fit;
            allowed = !is_refused(at, len);
        }
        at += len;
    }
    return allowed;
}

bool m4h_http_type_is(const char *content_type, const char *type)
{
    size_t blanks = strspn(content_type, BLANKS);

    content_type += blanks;
    return fit_of(content_type, name_len(content_type, strlen(content_type)), type) == EXACT;
}
