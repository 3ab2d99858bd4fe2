/* libcrypto's functions in our terms. */
#include "lib/crypto/crypto.h"

#include "lib/base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define FINGERPRINT_HEAD "SHA256:"

int m4h_crypto_sha1(const void *data, size_t len, uint8_t out[M4H_SHA1_BYTES])
{
    return EVP_Digest(data, len, out, NULL, EVP_sha1(), NULL) == 1 ? 0 : M4H_ESYSTEM;
}

int m4h_crypto_sha256(const void *data, size_t len, uint8_t out[M4H_SHA256_BYTES])
{
    return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : M4H_ESYSTEM;
}

int m4h_crypto_sha1_base64(const char *text, char out[M4H_SHA1_BASE64_MAX])
{
    uint8_t digest[M4H_SHA1_BYTES];

    if (m4h_crypto_sha1(text, strlen(text), digest) != 0)
        return M4H_ESYSTEM;
    EVP_EncodeBlock((unsigned char *)out, digest, sizeof(digest));
    return 0;
}

int m4h_crypto_sha256_hex(const void *data, size_t len, char out[M4H_SHA256_HEX_MAX])
{
    uint8_t digest[M4H_SHA256_BYTES];

    if (m4h_crypto_sha256(data, len, digest) != 0)
        return M4H_ESYSTEM;
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

int m4h_crypto_key_fingerprint(const uint8_t *key, size_t len, char out[M4H_FINGERPRINT_MAX + 1])
{
    uint8_t digest[M4H_SHA256_BYTES];
    size_t head = strlen(FINGERPRINT_HEAD);
    int written;

    out[0] = '\0';
    if (m4h_crypto_sha256(key, len, digest) != 0)
        return M4H_ESYSTEM;
    memcpy(out, FINGERPRINT_HEAD, head);
    written = EVP_EncodeBlock((unsigned char *)out + head, digest, sizeof(digest));
    out[head + (size_t)written - 1] = '\0'; /* the padding: one, for 32 bytes */
    return 0;
}

int m4h_crypto_ed25519_public(const uint8_t seed[M4H_ED25519_BYTES], uint8_t out[M4H_ED25519_BYTES])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, M4H_ED25519_BYTES);
    size_t len = M4H_ED25519_BYTES;
    int done = key != NULL ? EVP_PKEY_get_raw_public_key(key, out, &len) : 0;

    EVP_PKEY_free(key);
    return done == 1 && len == M4H_ED25519_BYTES ? 0 : M4H_ESYSTEM;
}

void m4h_crypto_wipe(void *secret, size_t len)
{
    OPENSSL_cleanse(secret, len);
}
