/* The format of certificates: one walk over the fields, then over each list, so that
 * the readers of lists find nothing that is damaged. */
#include "lib/base/ssh_certificate.h"

#include "lib/base/error.h"

#include <string.h>

/* Of each type of certificate the key inside, and of how many strings that consists. */
static const struct {
    const char *certificate, *key;
    size_t field_count;
} types[] = {
    {"ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1},
    {"ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2},
    {"ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2},
    {"ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2},
    {"ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2},
    {"sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", 2},
    {"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 3},
};

#define TYPE_END "-cert-v01@openssh.com"

static bool ends_a_certificate_type(struct m4h_ssh_bytes type)
{
    size_t len = strlen(TYPE_END);

    return type.len > len && memcmp(type.at + type.len - len, TYPE_END, len) == 0;
}

bool m4h_ssh_certificate_is_one(const uint8_t *blob, size_t len)
{
    struct m4h_ssh_bytes rest = {blob, len}, type;

    return m4h_ssh_take_string(&rest, &type) && ends_a_certificate_type(type);
}

/* ---- lists ------------------------------------------------------------------ */

bool m4h_ssh_certificate_next_principal(struct m4h_ssh_bytes *principals,
                                        struct m4h_ssh_bytes *principal)
{
    return m4h_ssh_take_string(principals, principal);
}

bool m4h_ssh_certificate_next_option(struct m4h_ssh_bytes *options,
                                     struct m4h_ssh_certificate_option *option)
{
    struct m4h_ssh_bytes rest = *options;

    if (!m4h_ssh_take_string(&rest, &option->name) || !m4h_ssh_take_string(&rest, &option->data))
        return false;
    *options = rest;
    return true;
}

bool m4h_ssh_certificate_option_value(const struct m4h_ssh_certificate_option *option,
                                      struct m4h_ssh_bytes *value)
{
    struct m4h_ssh_bytes data = option->data;

    return m4h_ssh_take_string(&data, value) && data.len == 0;
}

static bool principals_are_good(struct m4h_ssh_bytes rest)
{
    struct m4h_ssh_bytes principal;
    size_t count = 0;

    while (m4h_ssh_certificate_next_principal(&rest, &principal)) {
        if (++count > M4H_SSH_CERTIFICATE_PRINCIPALS_MAX)
            return false;
    }
    return rest.len == 0;
}

static bool options_are_good(struct m4h_ssh_bytes rest)
{
    struct m4h_ssh_bytes names[M4H_SSH_CERTIFICATE_OPTIONS_MAX];
    struct m4h_ssh_certificate_option option;
    size_t count = 0;

    while (m4h_ssh_certificate_next_option(&rest, &option)) {
        if (count == M4H_SSH_CERTIFICATE_OPTIONS_MAX)
            return false;
        for (size_t i = 0; i < count; i++) {
            if (m4h_ssh_bytes_equal(names[i], option.name))
                return false;
        }
        names[count++] = option.name;
    }
    return rest.len == 0;
}

/* ---- the whole ------------------------------------------------------------------ */

/* The type, the nonce and the key. */
static bool take_key(struct m4h_ssh_bytes *rest, struct m4h_ssh_certificate *out)
{
    size_t i = 0;

    if (!m4h_ssh_take_string(rest, &out->algorithm))
        return false;
    while (i < M4H_COUNT(types) && !m4h_ssh_bytes_are(out->algorithm, types[i].certificate))
        i++;
    if (i == M4H_COUNT(types) || !m4h_ssh_skip_strings(rest, 1))
        return false;
    out->key_type = types[i].key;
    out->key_fields.at = rest->at;
    if (!m4h_ssh_skip_strings(rest, types[i].field_count))
        return false;
    out->key_fields.len = (size_t)(rest->at - out->key_fields.at);
    return true;
}

static bool take_type(struct m4h_ssh_bytes *rest, enum m4h_ssh_certificate_type *type)
{
    uint32_t value;

    if (!m4h_ssh_take_u32(rest, &value) ||
        (value != M4H_SSH_CERTIFICATE_USER && value != M4H_SSH_CERTIFICATE_HOST))
        return false;
    *type = (enum m4h_ssh_certificate_type)value;
    return true;
}

/* Strings in a reserved field have no meaning yet, and sshd passes over them. */
static bool take_claims(struct m4h_ssh_bytes *rest, struct m4h_ssh_certificate *out)
{
    return m4h_ssh_take_u64(rest, &out->serial) && take_type(rest, &out->type) &&
           m4h_ssh_take_string(rest, &out->key_id) && m4h_ssh_take_string(rest, &out->principals) &&
           m4h_ssh_take_u64(rest, &out->valid_after_s) &&
           m4h_ssh_take_u64(rest, &out->valid_before_s) &&
           m4h_ssh_take_string(rest, &out->critical_options) &&
           m4h_ssh_take_string(rest, &out->extensions) && m4h_ssh_skip_strings(rest, 1) &&
           m4h_ssh_take_string(rest, &out->authority);
}

int m4h_ssh_certificate_parse(const uint8_t *blob, size_t len,
                              struct m4h_ssh_certificate *certificate)
{
    struct m4h_ssh_bytes rest = {blob, len};

    *certificate = (struct m4h_ssh_certificate){0};
    if (!take_key(&rest, certificate) || !take_claims(&rest, certificate))
        return M4H_EINVALID;
    certificate->signed_part = (struct m4h_ssh_bytes){blob, len - rest.len};
    if (!m4h_ssh_take_string(&rest, &certificate->signature) || rest.len != 0 ||
        !principals_are_good(certificate->principals) ||
        !options_are_good(certificate->critical_options) ||
        !options_are_good(certificate->extensions) ||
        m4h_ssh_certificate_is_one(certificate->authority.at, certificate->authority.len))
        return M4H_EINVALID;
    return 0;
}

int m4h_ssh_certificate_plain_key(const struct m4h_ssh_certificate *certificate, uint8_t *out,
                                  size_t size, size_t *len)
{
    size_t type_len = strlen(certificate->key_type);
    size_t needed = 4 + type_len + certificate->key_fields.len;

    if (needed > size)
        return M4H_ETOOBIG;
    memset(out, 0, 3);
    out[3] = (uint8_t)type_len;
    memcpy(out + 4, certificate->key_type, type_len);
    memcpy(out + 4 + type_len, certificate->key_fields.at, certificate->key_fields.len);
    *len = needed;
    return 0;
}
