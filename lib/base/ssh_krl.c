/* Reads OpenSSH's key revocation lists: a header, then sections, each of which may hold
 * subsections. Everything that is not known makes the list a bad one, but what says of itself
 * that it may be passed over. */
#include "lib/base/error.h"
#include "lib/base/ssh_revoked_table.h"

#include <stdio.h>
#include <string.h>

#define FORMAT_VERSION 1u
/* More would be no list of certificates that somebody issued. */
#define BITMAP_MAX_BYTES (1u << 21)

static const uint8_t magic[] = {'S', 'S', 'H', 'K', 'R', 'L', '\n', '\0'};

enum {
    SECTION_CERTIFICATES = 1,
    SECTION_KEYS = 2,
    SECTION_SHA1 = 3,
    SECTION_SIGNATURE = 4,
    SECTION_SHA256 = 5,
    SECTION_EXTENSION = 255,

    CERTIFICATES_LIST = 0x20,
    CERTIFICATES_RANGE = 0x21,
    CERTIFICATES_BITMAP = 0x22,
    CERTIFICATES_KEY_IDS = 0x23,
    CERTIFICATES_EXTENSION = 0x39,
};

bool m4h_ssh_krl_is_one(struct m4h_ssh_bytes data)
{
    return data.len >= sizeof(magic) && memcmp(data.at, magic, sizeof(magic)) == 0;
}

/* ---- certificates ------------------------------------------------------------ */

static int read_serials(struct m4h_ssh_revoked_certificates *certificates,
                        struct m4h_ssh_bytes data)
{
    uint64_t serial;
    int error = 0;

    while (error == 0 && m4h_ssh_take_u64(&data, &serial))
        error = m4h_ssh_revoked_add_serials(certificates, serial, serial);
    return error == 0 && data.len != 0 ? M4H_EINVALID : error;
}

static int read_range(struct m4h_ssh_revoked_certificates *certificates, struct m4h_ssh_bytes data)
{
    uint64_t first, last;

    if (!m4h_ssh_take_u64(&data, &first) || !m4h_ssh_take_u64(&data, &last) || data.len != 0 ||
        first > last)
        return M4H_EINVALID;
    return m4h_ssh_revoked_add_serials(certificates, first, last);
}

static int read_bitmap(struct m4h_ssh_revoked_certificates *certificates, struct m4h_ssh_bytes data)
{
    struct m4h_ssh_bytes bitmap;
    uint64_t first;

    if (!m4h_ssh_take_u64(&data, &first) || !m4h_ssh_take_string(&data, &bitmap) || data.len != 0 ||
        bitmap.len > BITMAP_MAX_BYTES)
        return M4H_EINVALID;
    return bitmap.len > 0 ? m4h_ssh_revoked_add_bitmap(certificates, first, bitmap) : 0;
}

static int read_key_ids(struct m4h_ssh_revoked_certificates *certificates,
                        struct m4h_ssh_bytes data)
{
    struct m4h_ssh_bytes key_id;
    int error = 0;

    while (error == 0 && m4h_ssh_take_string(&data, &key_id))
        error = m4h_ssh_revoked_add_key_id(certificates, key_id);
    return error == 0 && data.len != 0 ? M4H_EINVALID : error;
}

/* Of a list or of its certificates: a name, whether it must be understood, and what it says. */
static int pass_extension(struct m4h_ssh_bytes data)
{
    uint8_t is_critical;

    return m4h_ssh_skip_strings(&data, 1) && m4h_ssh_take_byte(&data, &is_critical) &&
                   is_critical == 0 && m4h_ssh_skip_strings(&data, 1)
               ? 0
               : M4H_EINVALID;
}

static int read_subsection(struct m4h_ssh_revoked_certificates *certificates, uint8_t type,
                           struct m4h_ssh_bytes data)
{
    switch (type) {
    case CERTIFICATES_LIST:
        return read_serials(certificates, data);
    case CERTIFICATES_RANGE:
        return read_range(certificates, data);
    case CERTIFICATES_BITMAP:
        return read_bitmap(certificates, data);
    case CERTIFICATES_KEY_IDS:
        return read_key_ids(certificates, data);
    case CERTIFICATES_EXTENSION:
        return pass_extension(data);
    default:
        return M4H_EINVALID;
    }
}

static int read_certificates(struct m4h_ssh_revoked *revoked, struct m4h_ssh_bytes data)
{
    struct m4h_ssh_revoked_certificates *certificates;
    struct m4h_ssh_bytes authority, subsection;
    uint8_t type;
    int error = 0;

    if (!m4h_ssh_take_string(&data, &authority) || !m4h_ssh_skip_strings(&data, 1))
        return M4H_EINVALID;
    certificates = m4h_ssh_revoked_of(revoked, authority);
    if (certificates == NULL)
        return M4H_ENOMEM;
    while (error == 0 && data.len > 0) {
        if (!m4h_ssh_take_byte(&data, &type) || !m4h_ssh_take_string(&data, &subsection))
            return M4H_EINVALID;
        error = read_subsection(certificates, type, subsection);
    }
    return error;
}

/* ---- the list ------------------------------------------------------------------ */

/* Strings to the end, each of `len` bytes; 0: of any length but none. */
static int read_strings(struct m4h_ssh_revoked *revoked, enum m4h_ssh_revoked_kind kind,
                        struct m4h_ssh_bytes data, size_t len)
{
    struct m4h_ssh_bytes bytes;
    int error = 0;

    while (error == 0 && m4h_ssh_take_string(&data, &bytes)) {
        if (bytes.len == 0 || (len != 0 && bytes.len != len))
            return M4H_EINVALID;
        error = m4h_ssh_revoked_add(revoked, kind, bytes);
    }
    return error == 0 && data.len != 0 ? M4H_EINVALID : error;
}

static int read_section(struct m4h_ssh_revoked *revoked, uint8_t type, struct m4h_ssh_bytes data)
{
    switch (type) {
    case SECTION_CERTIFICATES:
        return read_certificates(revoked, data);
    case SECTION_KEYS:
        return read_strings(revoked, M4H_SSH_REVOKED_KEYS, data, 0);
    case SECTION_SHA1:
        return read_strings(revoked, M4H_SSH_REVOKED_SHA1, data, M4H_SSH_SHA1_BYTES);
    case SECTION_SHA256:
        return read_strings(revoked, M4H_SSH_REVOKED_SHA256, data, M4H_SSH_SHA256_BYTES);
    case SECTION_EXTENSION:
        return pass_extension(data);
    default:
        return M4H_EINVALID;
    }
}

static bool take_header(struct m4h_ssh_bytes *data, uint64_t *version)
{
    uint64_t first_bytes, generated, flags;
    uint32_t format;

    return m4h_ssh_take_u64(data, &first_bytes) && m4h_ssh_take_u32(data, &format) &&
           format == FORMAT_VERSION && m4h_ssh_take_u64(data, version) &&
           m4h_ssh_take_u64(data, &generated) && m4h_ssh_take_u64(data, &flags) &&
           m4h_ssh_skip_strings(data, 2);
}

/* Signatures end a list: of each, the key and the signature itself. */
static bool pass_signatures(struct m4h_ssh_bytes data)
{
    uint8_t type;

    while (data.len > 0) {
        if (!m4h_ssh_take_byte(&data, &type) || type != SECTION_SIGNATURE ||
            !m4h_ssh_skip_strings(&data, 2))
            return false;
    }
    return true;
}

int m4h_ssh_krl_read(struct m4h_ssh_revoked *revoked, struct m4h_ssh_bytes data, char *wrong,
                     size_t size)
{
    struct m4h_ssh_bytes whole = data, section;
    uint64_t version;
    uint8_t type;
    int error = take_header(&data, &version) ? 0 : M4H_EINVALID;

    if (error == 0)
        m4h_ssh_revoked_set_version(revoked, version);
    while (error == 0 && data.len > 0 && data.at[0] != SECTION_SIGNATURE) {
        if (!m4h_ssh_take_byte(&data, &type) || !m4h_ssh_take_string(&data, &section))
            error = M4H_EINVALID;
        else
            error = read_section(revoked, type, section);
    }
    if (error == 0 && !pass_signatures(data))
        error = M4H_EINVALID;
    if (error == M4H_EINVALID)
        snprintf(wrong, size,
                 "the list is damaged, or has a part that is not known, before byte %zu",
                 whole.len - data.len);
    return error;
}
