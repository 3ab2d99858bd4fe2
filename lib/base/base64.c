/* Base64, both ways. */
#include "lib/base/base64.h"

#include "lib/base/error.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);

    return at == NULL ? -1 : (int)(at - alphabet);
}

/* Decodes one group of four; returns how many bytes it holds, 0 if it is wrong. */
static size_t decode_group(const char *group, uint8_t bytes[3])
{
    size_t pad = group[3] != '=' ? 0 : group[2] != '=' ? 1 : 2;
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i >= 4 - pad ? 0 : value_of(group[i]);

        if (value < 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
    }
    if (pad > 0 && (bits & (pad == 1 ? 0xffu : 0xffffu)) != 0)
        return 0;
    bytes[0] = (uint8_t)(bits >> 16);
    bytes[1] = (uint8_t)(bits >> 8);
    bytes[2] = (uint8_t)bits;
    return 3 - pad;
}

int m4h_base64_decode(const char *text, size_t len, uint8_t *out, size_t out_size, size_t *out_len)
{
    size_t made = 0;

    if (len % 4 != 0)
        return M4H_EINVALID;
    for (size_t at = 0; at < len; at += 4) {
        uint8_t bytes[3];
        size_t count = decode_group(text + at, bytes);

        if (count == 0 || (count < 3 && at + 4 < len))
            return M4H_EINVALID;
        if (count > out_size - made)
            return M4H_ETOOBIG;
        memcpy(out + made, bytes, count);
        made += count;
    }
    *out_len = made;
    return 0;
}

const char *m4h_base64_encode(const uint8_t *data, size_t len, char *text)
{
    char *out = text;

    for (size_t at = 0; at < len; at += 3) {
        size_t left = len - at;
        uint32_t bits = (uint32_t)data[at] << 16 | (left > 1 ? (uint32_t)data[at + 1] << 8 : 0) |
                        (left > 2 ? data[at + 2] : 0);

        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? alphabet[bits & 63] : '=';
    }
    *out = '\0';
    return text;
}
