/* The fields of SSH. */
#include "lib/base/ssh_fields.h"

#include <string.h>

static struct m4h_ssh_bytes take(struct m4h_ssh_bytes *from, size_t len)
{
    struct m4h_ssh_bytes taken = {from->at, len};

    from->at += len;
    from->len -= len;
    return taken;
}

static uint64_t number_of(struct m4h_ssh_bytes bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.at[i];
    return value;
}

bool m4h_ssh_take_byte(struct m4h_ssh_bytes *from, uint8_t *value)
{
    if (from->len < 1)
        return false;
    *value = *take(from, 1).at;
    return true;
}

bool m4h_ssh_take_u32(struct m4h_ssh_bytes *from, uint32_t *value)
{
    if (from->len < 4)
        return false;
    *value = (uint32_t)number_of(take(from, 4));
    return true;
}

bool m4h_ssh_take_u64(struct m4h_ssh_bytes *from, uint64_t *value)
{
    if (from->len < 8)
        return false;
    *value = number_of(take(from, 8));
    return true;
}

bool m4h_ssh_take_string(struct m4h_ssh_bytes *from, struct m4h_ssh_bytes *value)
{
    struct m4h_ssh_bytes rest = *from;
    uint32_t len;

    if (!m4h_ssh_take_u32(&rest, &len) || len > rest.len)
        return false;
    *value = take(&rest, len);
    *from = rest;
    return true;
}

bool m4h_ssh_skip_strings(struct m4h_ssh_bytes *from, size_t count)
{
    struct m4h_ssh_bytes rest = *from, skipped;

    for (size_t i = 0; i < count; i++) {
        if (!m4h_ssh_take_string(&rest, &skipped))
            return false;
    }
    *from = rest;
    return true;
}

bool m4h_ssh_bytes_equal(struct m4h_ssh_bytes a, struct m4h_ssh_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool m4h_ssh_bytes_are(struct m4h_ssh_bytes bytes, const char *text)
{
    return m4h_ssh_bytes_equal(bytes, (struct m4h_ssh_bytes){(const uint8_t *)text, strlen(text)});
}

bool m4h_ssh_bytes_copy_text(struct m4h_ssh_bytes bytes, char *out, size_t size)
{
    out[0] = '\0';
    if (bytes.len >= size || (bytes.len > 0 && memchr(bytes.at, '\0', bytes.len) != NULL))
        return false;
    if (bytes.len > 0)
        memcpy(out, bytes.at, bytes.len);
    out[bytes.len] = '\0';
    return true;
}
