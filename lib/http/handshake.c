/* The opening handshake. */
#include "lib/http/handshake.h"

#include "lib/base/base64.h"
#include "lib/crypto/crypto.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define KEY_BYTES 16
#define KEY_TEXT  24
/* RFC 6455 section 1.3. */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* Steps over a list "a, b, c": its next element and its length, NULL at the end. */
static const char *next_element(const char **list, size_t *len)
{
    const char *element = *list + strspn(*list, " \t,");

    *len = strcspn(element, ",");
    *list = element + *len;
    while (*len > 0 && strchr(" \t", element[*len - 1]) != NULL)
        (*len)--;
    return *len > 0 ? element : NULL;
}

static bool holds_token(const char *list, const char *token)
{
    const char *element;
    size_t len;

    if (list == NULL)
        return false;
    while ((element = next_element(&list, &len)) != NULL) {
        if (len == strlen(token) && strncasecmp(element, token, len) == 0)
            return true;
    }
    return false;
}

static const char *spoken(const char *const *subprotocols, const char *name, size_t len)
{
    for (; *subprotocols != NULL; subprotocols++) {
        if (strlen(*subprotocols) == len && memcmp(*subprotocols, name, len) == 0)
            return *subprotocols;
    }
    return NULL;
}

/* False: something is offered, and nothing of it is spoken. */
static bool choose(const char *offered, const char *const *subprotocols,
                   struct m4h_http_handshake *result)
{
    const char *element;
    bool any = false;
    size_t len;

    result->subprotocol = subprotocols[0];
    if (offered == NULL)
        return true;
    while ((element = next_element(&offered, &len)) != NULL) {
        const char *found = spoken(subprotocols, element, len);

        any = true;
        if (found == NULL)
            continue;
        result->subprotocol = found;
        result->echo_subprotocol = true;
        return true;
    }
    return !any;
}

static bool is_key(const char *key)
{
    uint8_t bytes[KEY_BYTES];
    size_t len;

    return key != NULL && strlen(key) == KEY_TEXT &&
           m4h_base64_decode(key, KEY_TEXT, bytes, sizeof(bytes), &len) == 0 && len == KEY_BYTES;
}

static bool make_accept(const char *key, char accept[M4H_HANDSHAKE_ACCEPT_MAX])
{
    char text[KEY_TEXT + sizeof(GUID)];

    snprintf(text, sizeof(text), "%s%s", key, GUID);
    return m4h_crypto_sha1_base64(text, accept) == 0;
}

static void refuse(struct m4h_http_handshake *result, unsigned status, const char *detail)
{
    result->status = status;
    result->detail = detail;
}

void m4h_http_handshake_judge(const struct m4h_http_handshake_offer *offer,
                              const char *const *subprotocols, struct m4h_http_handshake *result)
{
    memset(result, 0, sizeof(*result));
    result->status = 101;
    if (!holds_token(offer->upgrade, "websocket"))
        refuse(result, 426, "this is a WebSocket: ask for an upgrade");
    else if (strcmp(offer->method, "GET") != 0 || !offer->is_http_1_1)
        refuse(result, 400, "a WebSocket begins with GET and HTTP/1.1");
    else if (!holds_token(offer->connection, "upgrade"))
        refuse(result, 400, "the Connection header does not say upgrade");
    else if (offer->version == NULL || strcmp(offer->version, "13") != 0)
        refuse(result, 426, "only version 13 of the WebSocket protocol is spoken");
    else if (!is_key(offer->key))
        refuse(result, 400, "Sec-WebSocket-Key is not 16 bytes in base64");
    else if (!choose(offer->protocols, subprotocols, result))
        refuse(result, 400, "none of the subprotocols is spoken");
    else if (!make_accept(offer->key, result->accept))
        refuse(result, 500, "no SHA-1");
}
