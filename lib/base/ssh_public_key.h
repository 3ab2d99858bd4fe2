/* Public keys as OpenSSH writes them, in *.pub files and authorized_keys: "ssh-ed25519 AAAA...",
 * <-> their SSH wire form (RFC 4253 section 6.6). Pure. */
#ifndef M4H_BASE_SSH_PUBLIC_KEY_H
#define M4H_BASE_SSH_PUBLIC_KEY_H

#include "lib/base/attributes.h"
#include "lib/base/base64.h"
#include "lib/base/model.h"

#define M4H_SSH_KEY_TYPE_MAX 63
/* With the NUL. */
#define M4H_SSH_KEY_TEXT_MAX (M4H_SSH_KEY_TYPE_MAX + 1 + M4H_BASE64_SIZE(M4H_PUBLIC_KEY_BLOB_MAX))

/* Whether devices and operators may have keys of that type: no certificates, no DSA. */
bool m4h_ssh_key_type_is_known(const char *type);

/* Writes type and key, whatever the type. False: the bytes are no key. */
bool m4h_ssh_key_format(const uint8_t *blob, size_t len, char text[M4H_SSH_KEY_TEXT_MAX]);

/* Reads a key of a type that is known. What follows it is its comment: `*comment` points to that,
 * into `text`, "" where there is none. M4H_EINVALID: it is none, or larger than
 * M4H_PUBLIC_KEY_BLOB_MAX; the blob is then undefined. */
M4H_MUST_CHECK int m4h_ssh_key_parse(const char *text, uint8_t blob[M4H_PUBLIC_KEY_BLOB_MAX],
                                     size_t *len, const char **comment);

#endif
