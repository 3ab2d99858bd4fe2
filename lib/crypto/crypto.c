/* libcrypto's functions in our terms. */
#include "lib/crypto/crypto.h"

#include "lib/base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define SHA1_BYTES   20
#define SHA256_BYTES 32

int m4h_crypto_sha1_base64(const char *text, char out[M4H_SHA1_BASE64_MAX])
{
    unsigned char digest[SHA1_BYTES];

    if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL) != 1)
        return M4H_ESYSTEM;
    EVP_EncodeBlock((unsigned char *)out, digest, sizeof(digest));
    return 0;
}

int m4h_crypto_sha256_hex(const void *data, size_t len, char out[M4H_SHA256_HEX_MAX])
{
    unsigned char digest[SHA256_BYTES];

    if (EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) != 1)
        return M4H_ESYSTEM;
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
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
