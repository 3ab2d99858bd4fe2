/* From a seed to the public key, which the library wants told and does not compute
 * itself. Base32 without padding (RFC 4648 section 6). */
#include "lib/bus/nkey.h"

#include "lib/base/error.h"
#include "lib/crypto/crypto.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Ten bits tell that it is a seed (18 << 3) and of whom: a user (20 << 3). */
#define SEED_FIRST   (18u << 3 | (20u << 3) >> 5)
#define SEED_SECOND  (((20u << 3) & 31u) << 3)
#define USER         (20u << 3)
#define CRC_BYTES    2
#define SEED_BYTES   (2 + M4H_ED25519_BYTES + CRC_BYTES)
#define PUBLIC_BYTES (1 + M4H_ED25519_BYTES + CRC_BYTES)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* CRC-16/XMODEM. */
static uint16_t crc16(const uint8_t *data, size_t len)
{
    uint32_t crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)data[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000u) != 0 ? crc << 1 ^ 0x1021u : crc << 1;
    }
    return (uint16_t)crc;
}

/* Eight characters hold five bytes; what is left over must be zeros. */
static int decode(const char *text, size_t len, uint8_t *out, size_t out_len)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t made = 0;

    for (size_t i = 0; i < len; i++) {
        const char *at = text[i] != '\0' ? strchr(alphabet, text[i]) : NULL;

        if (at == NULL)
            return M4H_EINVALID;
        bits = bits << 5 | (uint32_t)(at - alphabet);
        held += 5;
        if (held >= 8) {
            held -= 8;
            out[made++] = (uint8_t)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    return made == out_len && bits == 0 ? 0 : M4H_EINVALID;
}

static void encode(const uint8_t *data, size_t len, char *out)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | data[i];
        held += 8;
        while (held >= 5) {
            held -= 5;
            *out++ = alphabet[bits >> held & 31u];
            bits &= (1u << held) - 1;
        }
    }
    if (held > 0)
        *out++ = alphabet[bits << (5 - held) & 31u];
    *out = '\0';
}

static void append_crc(uint8_t *data, size_t len)
{
    uint16_t crc = crc16(data, len);

    data[len] = (uint8_t)crc;
    data[len + 1] = (uint8_t)(crc >> 8);
}

static int check_seed(const uint8_t raw[SEED_BYTES])
{
    uint8_t expected[SEED_BYTES];
    bool is_same;

    memcpy(expected, raw, SEED_BYTES - CRC_BYTES);
    append_crc(expected, SEED_BYTES - CRC_BYTES);
    is_same = memcmp(expected, raw, SEED_BYTES) == 0;
    m4h_crypto_wipe(expected, sizeof(expected));
    return is_same && raw[0] == SEED_FIRST && raw[1] == SEED_SECOND ? 0 : M4H_EINVALID;
}

int m4h_nkey_public(const char *seed, size_t len, char out[M4H_NKEY_PUBLIC_CHARS + 1])
{
    uint8_t raw[SEED_BYTES];
    uint8_t public[PUBLIC_BYTES] = {USER};
    int error = len == M4H_NKEY_SEED_CHARS ? decode(seed, len, raw, sizeof(raw)) : M4H_EINVALID;

    if (error == 0)
        error = check_seed(raw);
    if (error == 0)
        error = m4h_crypto_ed25519_public(raw + 2, public + 1);
    m4h_crypto_wipe(raw, sizeof(raw));
    if (error != 0)
        return error;
    append_crc(public, PUBLIC_BYTES - CRC_BYTES);
    encode(public, sizeof(public), out);
    return 0;
}
