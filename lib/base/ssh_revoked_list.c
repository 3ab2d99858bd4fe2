/* Reads revoked keys as text: on each line a public key, as in a .pub file, or the SHA-256
 * fingerprint of one. Empty lines and those that begin with # say nothing. Unlike sshd, which
 * passes over what it cannot read, a bad line makes the list a bad one. */
#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/base/ssh_revoked_table.h"

#include <stdio.h>
#include <string.h>

#define FINGERPRINT_HEAD "SHA256:"

/* Decodes base64 over itself: what comes out is shorter. */
static int decode(char *text, size_t len, struct m4h_ssh_bytes *bytes)
{
    uint8_t *out = (uint8_t *)text;
    int error = m4h_base64_decode(text, len, out, len, &bytes->len);

    bytes->at = out;
    return error;
}

static int read_fingerprint(struct m4h_ssh_revoked *revoked, char *text, size_t len)
{
    char padded[M4H_BASE64_SIZE(M4H_SSH_SHA256_BYTES)] = {0};
    struct m4h_ssh_bytes digest;

    /* 43 characters stand for 32 bytes, with one of padding. */
    if (len != sizeof(padded) - 2)
        return M4H_EINVALID;
    memcpy(padded, text, len);
    padded[len] = '=';
    digest.at = (uint8_t *)text;
    if (m4h_base64_decode(padded, len + 1, (uint8_t *)text, len, &digest.len) != 0)
        return M4H_EINVALID;
    return m4h_ssh_revoked_add(revoked, M4H_SSH_REVOKED_SHA256, digest);
}

/* "TYPE BASE64": the key says the same type of itself. */
static int read_key(struct m4h_ssh_revoked *revoked, char *line)
{
    size_t type_len = strcspn(line, " \t");
    char *base64 = line + type_len + strspn(line + type_len, " \t");
    struct m4h_ssh_bytes key, rest, type;
    int error = decode(base64, strcspn(base64, " \t"), &key);

    if (error != 0)
        return error;
    rest = key;
    if (!m4h_ssh_take_string(&rest, &type) ||
        !m4h_ssh_bytes_equal(type, (struct m4h_ssh_bytes){(uint8_t *)line, type_len}) ||
        rest.len == 0 || m4h_ssh_certificate_is_one(key.at, key.len))
        return M4H_EINVALID;
    return m4h_ssh_revoked_add(revoked, M4H_SSH_REVOKED_KEYS, key);
}

static int read_line(struct m4h_ssh_revoked *revoked, char *line)
{
    size_t head = strlen(FINGERPRINT_HEAD);

    line += strspn(line, " \t");
    line[strcspn(line, "\r")] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    if (strncmp(line, FINGERPRINT_HEAD, head) == 0)
        return read_fingerprint(revoked, line + head, strcspn(line + head, " \t"));
    return read_key(revoked, line);
}

int m4h_ssh_revoked_list_read(struct m4h_ssh_revoked *revoked, char *text, size_t len, char *wrong,
                              size_t size)
{
    char *end = text + len;
    unsigned number = 0;
    int error = 0;

    if (len > 0 && memchr(text, '\0', len) != NULL) {
        snprintf(wrong, size, "it is neither a list of ssh-keygen -k nor a text");
        return M4H_EINVALID;
    }
    while (error == 0 && text < end) {
        char *newline = memchr(text, '\n', (size_t)(end - text));
        char *next = newline != NULL ? newline + 1 : end;

        number++;
        if (newline != NULL)
            *newline = '\0';
        error = read_line(revoked, text);
        text = next;
    }
    if (error == M4H_EINVALID || error == M4H_ETOOBIG)
        snprintf(wrong, size, "line %u is neither a public key nor a fingerprint", number);
    return error == M4H_ETOOBIG ? M4H_EINVALID : error;
}
