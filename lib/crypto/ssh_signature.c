/* SSH's keys and signatures become what libcrypto takes: a key is built from its numbers,
 * the two numbers of an ECDSA signature are written as DER. */
#include "lib/crypto/ssh_signature.h"

#include "lib/base/error.h"
#include "lib/crypto/crypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <string.h>

/* Of a modulus: more is refused before it costs time. */
#define RSA_MAX_BYTES (16384u / 8u)
/* Of P-521, and both in their frame. */
#define ECDSA_NUMBER_MAX 66
#define ECDSA_DER_MAX    160

enum family {
    FAMILY_ED25519,
    FAMILY_ECDSA,
    FAMILY_RSA,
};

/* Which key makes which signature. */
static const struct scheme {
    const char *key, *signature;
    enum family family;
    const char *curve_in_ssh, *curve;
    const EVP_MD *(*digest)(void);
    bool in_hardware;
} schemes[] = {
    {"ssh-ed25519", "ssh-ed25519", FAMILY_ED25519, NULL, NULL, NULL, false},
    {"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com", FAMILY_ED25519, NULL, NULL, NULL,
     true},
    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", FAMILY_ECDSA, "nistp256", "P-256", EVP_sha256,
     false},
    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", FAMILY_ECDSA, "nistp384", "P-384", EVP_sha384,
     false},
    {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", FAMILY_ECDSA, "nistp521", "P-521", EVP_sha512,
     false},
    {"sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", FAMILY_ECDSA,
     "nistp256", "P-256", EVP_sha256, true},
    {"ssh-rsa", "rsa-sha2-256", FAMILY_RSA, NULL, NULL, EVP_sha256, false},
    {"ssh-rsa", "rsa-sha2-512", FAMILY_RSA, NULL, NULL, EVP_sha512, false},
};

static const struct scheme *scheme_of(struct m4h_ssh_bytes key, struct m4h_ssh_bytes signature)
{
    for (size_t i = 0; i < M4H_COUNT(schemes); i++) {
        if (m4h_ssh_bytes_are(key, schemes[i].key) &&
            m4h_ssh_bytes_are(signature, schemes[i].signature))
            return &schemes[i];
    }
    return NULL;
}

/* ---- numbers ------------------------------------------------------------------ */

/* A number that is not negative (RFC 4251 section 5, mpint), without leading zeros. */
static bool take_number(struct m4h_ssh_bytes *from, struct m4h_ssh_bytes *number)
{
    if (!m4h_ssh_take_string(from, number) || number->len == 0 || (number->at[0] & 0x80) != 0)
        return false;
    while (number->len > 0 && number->at[0] == 0) {
        number->at++;
        number->len--;
    }
    return number->len > 0;
}

static BIGNUM *big(struct m4h_ssh_bytes number)
{
    return number.len <= RSA_MAX_BYTES ? BN_bin2bn(number.at, (int)number.len, NULL) : NULL;
}

/* ---- keys ----------------------------------------------------------------------- */

/* NULL also where the parameters are no key. */
static EVP_PKEY *key_from(const char *kind, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *take_rsa(struct m4h_ssh_bytes *fields)
{
    struct m4h_ssh_bytes exponent, modulus;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *e = NULL, *n = NULL;
    EVP_PKEY *key = NULL;

    if (build != NULL && take_number(fields, &exponent) && take_number(fields, &modulus)) {
        e = big(exponent);
        n = big(modulus);
    }
    if (e != NULL && n != NULL && BN_num_bits(n) >= M4H_SSH_RSA_MIN_BITS && BN_num_bits(e) <= 64 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        key = key_from("RSA", build);
    BN_free(e);
    BN_free(n);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *take_ecdsa(struct m4h_ssh_bytes *fields, const struct scheme *scheme)
{
    struct m4h_ssh_bytes curve, point;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (build != NULL && m4h_ssh_take_string(fields, &curve) &&
        m4h_ssh_bytes_are(curve, scheme->curve_in_ssh) && m4h_ssh_take_string(fields, &point) &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, scheme->curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.at, point.len) == 1)
        key = key_from("EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *take_ed25519(struct m4h_ssh_bytes *fields)
{
    struct m4h_ssh_bytes point;

    if (!m4h_ssh_take_string(fields, &point) || point.len != M4H_ED25519_BYTES)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point.at, point.len);
}

static EVP_PKEY *take_key(struct m4h_ssh_bytes *fields, const struct scheme *scheme)
{
    switch (scheme->family) {
    case FAMILY_ED25519:
        return take_ed25519(fields);
    case FAMILY_ECDSA:
        return take_ecdsa(fields, scheme);
    default:
        return take_rsa(fields);
    }
}

/* ---- signatures --------------------------------------------------------------- */

static ECDSA_SIG *ecdsa_signature(struct m4h_ssh_bytes r, struct m4h_ssh_bytes s)
{
    ECDSA_SIG *made = ECDSA_SIG_new();
    BIGNUM *big_r = big(r), *big_s = big(s);

    if (made != NULL && big_r != NULL && big_s != NULL && ECDSA_SIG_set0(made, big_r, big_s) == 1)
        return made;
    BN_free(big_r);
    BN_free(big_s);
    ECDSA_SIG_free(made);
    return NULL;
}

/* The two numbers in DER. */
static int ecdsa_der(struct m4h_ssh_bytes pair, uint8_t der[ECDSA_DER_MAX], size_t *len)
{
    struct m4h_ssh_bytes r, s;
    ECDSA_SIG *signature;
    uint8_t *end = der;
    int made;

    if (!take_number(&pair, &r) || !take_number(&pair, &s) || pair.len != 0 ||
        r.len > ECDSA_NUMBER_MAX || s.len > ECDSA_NUMBER_MAX)
        return M4H_EINVALID;
    signature = ecdsa_signature(r, s);
    if (signature == NULL)
        return M4H_ENOMEM;
    made = i2d_ECDSA_SIG(signature, &end);
    ECDSA_SIG_free(signature);
    *len = made > 0 ? (size_t)made : 0;
    return made > 0 ? 0 : M4H_EINVALID;
}

static int check(EVP_PKEY *key, const struct scheme *scheme, struct m4h_ssh_bytes signature,
                 struct m4h_ssh_bytes data)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *digest = scheme->digest != NULL ? scheme->digest() : NULL;
    int error = M4H_EINVALID;

    if (context == NULL)
        return M4H_ENOMEM;
    if (EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
        EVP_DigestVerify(context, signature.at, signature.len, data.at, data.len) == 1)
        error = 0;
    EVP_MD_CTX_free(context);
    return error;
}

/* What a hardware key signs instead of the data (PROTOCOL.u2f): the hash of whom it is for,
 * its flags and counter, which stand behind the signature, and the hash of the data. */
#define HARDWARE_BYTES (SHA256_DIGEST_LENGTH + 1 + 4 + SHA256_DIGEST_LENGTH)

static bool hardware_data(struct m4h_ssh_bytes *key_rest, struct m4h_ssh_bytes behind,
                          struct m4h_ssh_bytes data, uint8_t out[HARDWARE_BYTES])
{
    struct m4h_ssh_bytes application;

    if (!m4h_ssh_take_string(key_rest, &application) || behind.len != 1 + 4)
        return false;
    memcpy(out + SHA256_DIGEST_LENGTH, behind.at, behind.len);
    return EVP_Digest(application.at, application.len, out, NULL, EVP_sha256(), NULL) == 1 &&
           EVP_Digest(data.at, data.len, out + SHA256_DIGEST_LENGTH + behind.len, NULL,
                      EVP_sha256(), NULL) == 1;
}

static int check_parts(EVP_PKEY *key, const struct scheme *scheme, struct m4h_ssh_bytes *key_rest,
                       struct m4h_ssh_bytes signature, struct m4h_ssh_bytes data)
{
    uint8_t hardware[HARDWARE_BYTES], der[ECDSA_DER_MAX];
    struct m4h_ssh_bytes numbers;
    int error = 0;

    if (!m4h_ssh_take_string(&signature, &numbers))
        return M4H_EINVALID;
    if (scheme->in_hardware) {
        if (!hardware_data(key_rest, signature, data, hardware))
            return M4H_EINVALID;
        data = (struct m4h_ssh_bytes){hardware, sizeof(hardware)};
        signature.len = 0;
    }
    if (key_rest->len != 0 || signature.len != 0)
        return M4H_EINVALID;
    if (scheme->family == FAMILY_ECDSA) {
        size_t len = 0;

        error = ecdsa_der(numbers, der, &len);
        numbers = (struct m4h_ssh_bytes){der, len};
    }
    return error == 0 ? check(key, scheme, numbers, data) : error;
}

int m4h_crypto_ssh_verify(struct m4h_ssh_bytes key, struct m4h_ssh_bytes signature,
                          struct m4h_ssh_bytes data)
{
    struct m4h_ssh_bytes key_type, algorithm;
    const struct scheme *scheme;
    EVP_PKEY *made;
    int error;

    if (!m4h_ssh_take_string(&key, &key_type) || !m4h_ssh_take_string(&signature, &algorithm))
        return M4H_EINVALID;
    scheme = scheme_of(key_type, algorithm);
    made = scheme != NULL ? take_key(&key, scheme) : NULL;
    if (made == NULL)
        return M4H_EINVALID;
    error = check_parts(made, scheme, &key, signature, data);
    EVP_PKEY_free(made);
    return error;
}
