/* Finding or making the host keys. A new key is written beside its place and
 * renamed, so a crash or a full disk never leaves half a key behind. */
#include "lib/ssh/host_key.h"

#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/ssh/gssapi.h"

#include <errno.h>
#include <libssh/libssh.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RSA_MIN_BITS 3072

/* `name` is what settings and files call it. */
static const struct kind {
    const char *name;
    enum ssh_keytypes_e type;
    int bits;
} known_kinds[M4H_HOST_KEYS_MAX] = {
    {"ed25519", SSH_KEYTYPE_ED25519, 0},
    {"ecdsa", SSH_KEYTYPE_ECDSA_P256, 256},
    {"rsa", SSH_KEYTYPE_RSA, RSA_MIN_BITS},
};

int m4h_ssh_start(void)
{
    if (!m4h_ssh_gssapi_is_off())
        m4h_log(M4H_LOG_WARNING, "ssh", "libssh answers gssapi-with-mic, which costs a loop time");
    ssh_set_log_level(SSH_LOG_NOLOG);
    return ssh_init() == SSH_OK ? 0 : M4H_ESYSTEM;
}

static int report(const char *path, const char *what)
{
    m4h_log(M4H_LOG_ERROR, "ssh", "host_key=\"%s\" error=\"%s\" %s", path, strerror(errno), what);
    return M4H_ESYSTEM;
}

static int make(const struct kind *kind, const char *path)
{
    char fresh[PATH_MAX];
    ssh_key key = NULL;
    mode_t mask;
    int rc;

    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
        return M4H_EINVALID;
    if (ssh_pki_generate(kind->type, kind->bits, &key) != SSH_OK)
        return M4H_ENOMEM;
    unlink(fresh);
    mask = umask(0077);
    rc = ssh_pki_export_privkey_file(key, NULL, NULL, NULL, fresh);
    umask(mask);
    ssh_key_free(key);
    if (rc != SSH_OK)
        return report(fresh, "cannot write a new host key");
    if (rename(fresh, path) != 0) {
        report(path, "cannot put the new host key in place");
        unlink(fresh);
        return M4H_ESYSTEM;
    }
    m4h_log(M4H_LOG_INFO, "ssh", "host_key=\"%s\" made a new host key", path);
    return 0;
}

/* Bits of the modulus: the last of the blob's three fields (RFC 4253 section 6.6),
 * here by its length: a zero comes first where the top bit is set. */
static bool rsa_is_long_enough(const char *base64)
{
    uint8_t blob[M4H_HOST_KEY_MAX];
    size_t len, at = 0, field = 0;

    if (m4h_base64_decode(base64, strlen(base64), blob, sizeof(blob), &len) != 0)
        return false;
    for (int i = 0; i < 3 && len - at >= 4; i++) {
        field = (size_t)blob[at] << 24 | (size_t)blob[at + 1] << 16 | (size_t)blob[at + 2] << 8 |
                blob[at + 3];
        at += 4;
        if (field > len - at)
            return false;
        at += field;
    }
    return at == len && field > RSA_MIN_BITS / 8;
}

static bool is_of_kind(ssh_key key, const struct kind *kind, const char *base64)
{
    switch (ssh_key_type(key)) {
    case SSH_KEYTYPE_ED25519:
        return kind->type == SSH_KEYTYPE_ED25519;
    case SSH_KEYTYPE_ECDSA_P256:
    case SSH_KEYTYPE_ECDSA_P384:
    case SSH_KEYTYPE_ECDSA_P521:
        return kind->type == SSH_KEYTYPE_ECDSA_P256;
    case SSH_KEYTYPE_RSA:
        return kind->type == SSH_KEYTYPE_RSA && rsa_is_long_enough(base64);
    default:
        return false;
    }
}

static int read_public_line(const struct kind *kind, struct m4h_ssh_host_key *key)
{
    ssh_key private_key = NULL;
    char *base64 = NULL;
    int error = M4H_EINVALID;

    if (ssh_pki_import_privkey_file(key->path, NULL, NULL, NULL, &private_key) == SSH_OK &&
        ssh_pki_export_pubkey_base64(private_key, &base64) == SSH_OK &&
        is_of_kind(private_key, kind, base64)) {
        int len = snprintf(key->public_line, sizeof(key->public_line), "%s %s",
                           ssh_key_type_to_char(ssh_key_type(private_key)), base64);

        error = len < (int)sizeof(key->public_line) ? 0 : M4H_EINVALID;
    }
    if (error != 0)
        m4h_log(M4H_LOG_ERROR, "ssh", "host_key=\"%s\" kind=%s not a key that can be used%s",
                key->path, kind->name,
                kind->type == SSH_KEYTYPE_RSA ? ", which has 3072 bits or more" : "");
    ssh_string_free_char(base64);
    ssh_key_free(private_key);
    return error;
}

static int ensure(const char *dir, const struct kind *kind, struct m4h_ssh_host_key *key)
{
    struct stat found;
    int error;

    if (snprintf(key->path, sizeof(key->path), "%s/ssh_host_%s_key", dir, kind->name) >=
        (int)sizeof(key->path))
        return M4H_EINVALID;
    if (stat(key->path, &found) != 0) {
        error =
            errno == ENOENT ? make(kind, key->path) : report(key->path, "cannot read the host key");
        if (error != 0)
            return error;
    } else if (found.st_mode & 0077) {
        m4h_log(M4H_LOG_ERROR, "ssh", "host_key=\"%s\" mode=%03o others may read it: chmod 600",
                key->path, found.st_mode & 0777);
        return M4H_EINVALID;
    }
    return read_public_line(kind, key);
}

/* Reads `kinds` into `list`: how many, 0 where it cannot be read. */
static size_t parse_kinds(const char *kinds, const struct kind *list[M4H_HOST_KEYS_MAX])
{
    size_t count = 0;

    for (;;) {
        size_t len = strcspn(kinds, ",");
        const struct kind *kind = NULL;

        for (size_t i = 0; i < M4H_COUNT(known_kinds); i++) {
            if (strlen(known_kinds[i].name) == len && memcmp(known_kinds[i].name, kinds, len) == 0)
                kind = &known_kinds[i];
        }
        for (size_t i = 0; i < count; i++) {
            if (list[i] == kind)
                kind = NULL;
        }
        if (kind == NULL)
            return 0;
        list[count++] = kind;
        if (kinds[len] == '\0')
            return count;
        kinds += len + 1;
    }
}

bool m4h_ssh_host_key_kinds_are_valid(const char *kinds)
{
    const struct kind *list[M4H_HOST_KEYS_MAX];

    return parse_kinds(kinds, list) > 0;
}

int m4h_ssh_host_keys_ensure(const char *dir, const char *kinds, struct m4h_ssh_host_keys *keys)
{
    const struct kind *list[M4H_HOST_KEYS_MAX];
    int error = 0;

    keys->count = parse_kinds(kinds, list);
    if (keys->count == 0) {
        m4h_log(M4H_LOG_ERROR, "ssh", "host_keys=\"%s\" takes ed25519, ecdsa and rsa", kinds);
        return M4H_EINVALID;
    }
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return report(dir, "cannot make the folder of the host keys");
    for (size_t i = 0; i < keys->count && error == 0; i++)
        error = ensure(dir, list[i], &keys->list[i]);
    return error;
}
