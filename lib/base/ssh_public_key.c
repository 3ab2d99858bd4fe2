/* Public keys as text. */
#include "lib/base/ssh_public_key.h"

#include "lib/base/error.h"
#include "lib/base/ssh_fields.h"

#include <stdio.h>
#include <string.h>

static const char *const known_types[] = {
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
};

bool m4h_ssh_key_type_is_known(const char *type)
{
    for (size_t i = 0; i < M4H_COUNT(known_types); i++) {
        if (strcmp(type, known_types[i]) == 0)
            return true;
    }
    return false;
}

bool m4h_ssh_key_format(const uint8_t *blob, size_t len, char text[M4H_SSH_KEY_TEXT_MAX])
{
    struct m4h_ssh_bytes rest = {blob, len}, type;
    char name[M4H_SSH_KEY_TYPE_MAX + 1];

    text[0] = '\0';
    if (len > M4H_PUBLIC_KEY_BLOB_MAX || !m4h_ssh_take_string(&rest, &type) ||
        !m4h_ssh_bytes_copy_text(type, name, sizeof(name)) || strchr(name, ' ') != NULL)
        return false;
    snprintf(text, M4H_SSH_KEY_TEXT_MAX, "%s ", name);
    m4h_base64_encode(blob, len, text + strlen(text));
    return true;
}

/* The blob is strings to its end, the first of them the type, and at least one more. */
static bool is_of_type(const uint8_t *blob, size_t len, const char *type)
{
    struct m4h_ssh_bytes rest = {blob, len}, first, other;
    size_t count = 0;

    if (!m4h_ssh_take_string(&rest, &first) || !m4h_ssh_bytes_are(first, type))
        return false;
    while (rest.len > 0) {
        if (!m4h_ssh_take_string(&rest, &other))
            return false;
        count++;
    }
    return count > 0;
}

int m4h_ssh_key_parse(const char *text, uint8_t blob[M4H_PUBLIC_KEY_BLOB_MAX], size_t *len,
                      const char **comment)
{
    static const char blanks[] = " \t";
    char type[M4H_SSH_KEY_TYPE_MAX + 1];
    size_t type_len, key_len;

    text += strspn(text, blanks);
    type_len = strcspn(text, blanks);
    if (type_len >= sizeof(type))
        return M4H_EINVALID;
    memcpy(type, text, type_len);
    type[type_len] = '\0';
    text += type_len;
    text += strspn(text, blanks);
    key_len = strcspn(text, blanks);
    if (!m4h_ssh_key_type_is_known(type) ||
        m4h_base64_decode(text, key_len, blob, M4H_PUBLIC_KEY_BLOB_MAX, len) != 0 ||
        !is_of_type(blob, *len, type))
        return M4H_EINVALID;
    text += key_len;
    *comment = text + strspn(text, blanks);
    return 0;
}
