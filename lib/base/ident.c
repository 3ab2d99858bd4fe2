/* What may name a thing. */
#include "lib/base/ident.h"

#include <string.h>

bool m4h_ident_id_is_valid(const char *id)
{
    size_t len;

    if (id == NULL)
        return false;
    len = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len >= 1 && len <= M4H_ID_MAX && id[len] == '\0';
}

/* Length of the UTF-8 sequence that `lead` begins and the smallest code point
 * that needs so many bytes; 0 where no sequence begins so. */
static size_t sequence_length(unsigned char lead, uint32_t *smallest)
{
    static const uint32_t smallest_of[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = lead < 0x80         ? 1
                 : lead >> 5 == 0x6  ? 2
                 : lead >> 4 == 0xe  ? 3
                 : lead >> 3 == 0x1e ? 4
                                     : 0;

    *smallest = smallest_of[len];
    return len;
}

/* Decodes one code point of at most `len` bytes; returns its length or 0. */
static size_t decode(const unsigned char *bytes, size_t len, uint32_t *code)
{
    static const unsigned char lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t smallest;
    size_t used = sequence_length(bytes[0], &smallest);

    if (used == 0 || used > len)
        return 0;
    *code = bytes[0] & lead_mask[used];
    for (size_t i = 1; i < used; i++) {
        if (bytes[i] >> 6 != 2)
            return 0;
        *code = *code << 6 | (bytes[i] & 0x3fu);
    }
    if (*code < smallest || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return used;
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

bool m4h_ident_text_is_valid(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len) {
        uint32_t code;
        size_t used = decode((const unsigned char *)text + at, len - at, &code);

        if (used == 0 || is_control(code))
            return false;
        at += used;
    }
    return true;
}

const char *m4h_ident_text_clean(char *out, size_t size, const char *text)
{
    size_t left = strlen(text), made = 0;

    while (left > 0) {
        uint32_t code;
        size_t used = decode((const unsigned char *)text, left, &code);
        bool keep = used > 0 && !is_control(code);
        size_t needed = keep ? used : 1;

        if (needed >= size - made)
            break;
        memcpy(out + made, keep ? text : "?", needed);
        made += needed;
        used = used > 0 ? used : 1;
        text += used;
        left -= used;
    }
    out[made] = '\0';
    return out;
}

bool m4h_ident_client_key_is_valid(const char *client_key)
{
    size_t len;

    if (client_key == NULL)
        return false;
    len = strnlen(client_key, M4H_CLIENT_KEY_MAX + 1);
    return len >= 1 && len <= M4H_CLIENT_KEY_MAX && client_key[0] != ' ' &&
           client_key[len - 1] != ' ' && m4h_ident_text_is_valid(client_key, len);
}

bool m4h_ident_host_is_valid(const char *host)
{
    size_t len;

    if (host == NULL || host[0] == '-')
        return false;
    len = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:%-");
    return len >= 1 && len <= M4H_HOST_MAX && host[len] == '\0';
}

uint64_t m4h_ident_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}
