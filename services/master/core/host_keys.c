/* Names of host keys: the base64 of them, as it stands in "ssh-ed25519 AAAA... comment". */
#include "services/master/core/host_keys.h"

#include "lib/base/base64.h"
#include "lib/base/ident.h"

#include <string.h>

/* So long a key is in base64, without its NUL, still a host key. */
#define KEY_BYTES_MAX (M4H_HOST_KEY_MAX / 4 * 3)

static uint64_t hash_of(const char *text)
{
    uint64_t hash = m4h_ident_hash(text);

    return hash != 0 ? hash : 1;
}

bool m4h_host_key_name_of(const uint8_t *key, size_t len, struct m4h_host_key_name *name)
{
    if (len == 0 || len > KEY_BYTES_MAX)
        return false;
    m4h_base64_encode(key, len, name->text);
    name->hash = hash_of(name->text);
    return true;
}

/* The second word of the line; "" where there is none. */
static void cut_out(const char *line, char out[M4H_HOST_KEY_MAX + 1])
{
    const char *from = line + strcspn(line, " ");
    size_t len;

    from += strspn(from, " ");
    len = strcspn(from, " ");
    memcpy(out, from, len);
    out[len] = '\0';
}

void m4h_host_key_hashes(const struct m4h_slave_info *info, uint64_t hashes[M4H_HOST_KEYS_MAX])
{
    char text[M4H_HOST_KEY_MAX + 1];

    for (size_t i = 0; i < M4H_HOST_KEYS_MAX; i++) {
        hashes[i] = 0;
        if (i >= info->host_key_count)
            continue;
        cut_out(info->host_keys[i], text);
        if (text[0] != '\0')
            hashes[i] = hash_of(text);
    }
}

bool m4h_host_key_is_of(const struct m4h_slave_info *info, const struct m4h_host_key_name *name)
{
    char text[M4H_HOST_KEY_MAX + 1];

    for (size_t i = 0; i < info->host_key_count; i++) {
        cut_out(info->host_keys[i], text);
        if (strcmp(text, name->text) == 0)
            return true;
    }
    return false;
}
