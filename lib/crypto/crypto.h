/* What is taken from libcrypto, but for the SSH that libssh does. Any thread; no state. */
#ifndef M4H_CRYPTO_CRYPTO_H
#define M4H_CRYPTO_CRYPTO_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stddef.h>
#include <stdint.h>

#define M4H_ED25519_BYTES   32
#define M4H_SHA1_BYTES      20
#define M4H_SHA256_BYTES    32
#define M4H_SHA1_BASE64_MAX 29 /* with the NUL */
#define M4H_SHA256_HEX_MAX  65 /* with the NUL */

/* The SHA-1 of a text, in base64. M4H_ESYSTEM: the library does not do it here. */
M4H_MUST_CHECK int m4h_crypto_sha1_base64(const char *text, char out[M4H_SHA1_BASE64_MAX]);

/* The SHA-256 of bytes, in lower-case hex. M4H_ESYSTEM as above. */
M4H_MUST_CHECK int m4h_crypto_sha256_hex(const void *data, size_t len,
                                         char out[M4H_SHA256_HEX_MAX]);

/* The digests themselves. M4H_ESYSTEM as above. */
M4H_MUST_CHECK int m4h_crypto_sha1(const void *data, size_t len, uint8_t out[M4H_SHA1_BYTES]);
M4H_MUST_CHECK int m4h_crypto_sha256(const void *data, size_t len, uint8_t out[M4H_SHA256_BYTES]);

/* How OpenSSH names a key (its wire form): "SHA256:" and the digest in base64 without
 * padding. M4H_ESYSTEM as above. */
M4H_MUST_CHECK int m4h_crypto_key_fingerprint(const uint8_t *key, size_t len,
                                              char out[M4H_FINGERPRINT_MAX + 1]);

/* The public half of a key pair from its private seed (RFC 8032 section 5.1.5).
 * M4H_ESYSTEM as above. */
M4H_MUST_CHECK int m4h_crypto_ed25519_public(const uint8_t seed[M4H_ED25519_BYTES],
                                             uint8_t out[M4H_ED25519_BYTES]);

/* Overwrites a secret so that the compiler does not leave it out. */
void m4h_crypto_wipe(void *secret, size_t len);

#endif
