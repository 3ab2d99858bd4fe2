/* Heads that two programs may read in two ways (RFC 9112 sections 5.1, 6.1, 6.3 and 3.2).
 *
 * The library takes one of two lengths, the first of two hosts, and a name with a blank
 * behind it for another header. A proxy in front that chooses otherwise would hand us the
 * end of one client's request as the beginning of the next one's. Such heads are refused,
 * and their connection ends. */
#include "lib/http/server.h"

#include <string.h>
#include <strings.h>

/* tchar, RFC 9110 section 5.6.2. */
#define TOKEN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"

struct head {
    unsigned lengths, codings, hosts;
    bool is_broken;
};

bool m4h_http_is_token(const char *text)
{
    return *text != '\0' && text[strspn(text, TOKEN)] == '\0';
}

static enum MHD_Result look_at_line(void *context, enum MHD_ValueKind kind, const char *name,
                                    size_t name_len, const char *value, size_t value_len)
{
    struct head *head = context;

    (void)kind;
    if (strlen(name) != name_len || !m4h_http_is_token(name) ||
        (value != NULL && memchr(value, '\0', value_len) != NULL))
        head->is_broken = true;
    else if (strcasecmp(name, "Content-Length") == 0)
        head->lengths++;
    else if (strcasecmp(name, "Host") == 0)
        head->hosts++;
    else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        head->codings++;
        head->is_broken |= value == NULL || strcasecmp(value, "chunked") != 0;
    }
    return MHD_YES;
}

bool m4h_http_head_is_sound(const struct m4h_http_request *request)
{
    struct head head = {0};

    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, look_at_line, &head);
    return !head.is_broken && head.hosts <= 1 && head.lengths + head.codings <= 1 &&
           (head.codings == 0 || request->is_http_1_1);
}
