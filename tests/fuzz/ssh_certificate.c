/* A certificate: what is taken of it lies within it, and its lists are read to their ends. */
#include "lib/base/ssh_certificate.h"
#include "tests/fuzz/target.h"

#include <string.h>

static void expect_within(struct m4h_ssh_bytes part, const uint8_t *data, size_t size)
{
    assert(part.at >= data && part.at + part.len <= data + size);
}

static void expect_options_end(struct m4h_ssh_bytes options)
{
    struct m4h_ssh_certificate_option option;
    struct m4h_ssh_bytes value;

    while (m4h_ssh_certificate_next_option(&options, &option)) {
        if (m4h_ssh_certificate_option_value(&option, &value))
            assert(value.len + 4 == option.data.len);
    }
    assert(options.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct m4h_ssh_certificate certificate;
    struct m4h_ssh_bytes principals, principal;
    uint8_t plain[4096];
    size_t len;

    if (m4h_ssh_certificate_parse(data, size, &certificate) != 0)
        return 0;
    assert(m4h_ssh_certificate_is_one(data, size));
    expect_within(certificate.key_fields, data, size);
    expect_within(certificate.key_id, data, size);
    expect_within(certificate.authority, data, size);
    expect_within(certificate.signature, data, size);
    assert(certificate.signed_part.at == data &&
           certificate.signed_part.len + 4 + certificate.signature.len == size);
    principals = certificate.principals;
    while (m4h_ssh_certificate_next_principal(&principals, &principal))
        expect_within(principal, data, size);
    assert(principals.len == 0);
    expect_options_end(certificate.critical_options);
    expect_options_end(certificate.extensions);
    if (m4h_ssh_certificate_plain_key(&certificate, plain, sizeof(plain), &len) == 0)
        assert(len < size && !m4h_ssh_certificate_is_one(plain, len));
    return 0;
}
