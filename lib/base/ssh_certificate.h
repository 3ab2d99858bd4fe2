/* OpenSSH certificates (its PROTOCOL.certkeys): reads what one says. That the authority
 * has signed it is for lib/crypto/ssh_signature.h to see, and what it is good for is for
 * the reader of these fields to judge. All that is read points into the bytes of the
 * certificate and lives as long as they do. Pure. */
#ifndef M4H_BASE_SSH_CERTIFICATE_H
#define M4H_BASE_SSH_CERTIFICATE_H

#include "lib/base/attributes.h"
#include "lib/base/ssh_fields.h"

#define M4H_SSH_CERTIFICATE_PRINCIPALS_MAX 256u /* as in sshd */
#define M4H_SSH_CERTIFICATE_OPTIONS_MAX    64u  /* of either kind */

enum m4h_ssh_certificate_type {
    M4H_SSH_CERTIFICATE_USER = 1,
    M4H_SSH_CERTIFICATE_HOST = 2,
};

/* Lists are bytes as they stand in the certificate, to be read with the functions below. */
struct m4h_ssh_certificate {
    struct m4h_ssh_bytes algorithm;  /* "ssh-ed25519-cert-v01@openssh.com" */
    const char *key_type;            /* "ssh-ed25519": of the key inside; static */
    struct m4h_ssh_bytes key_fields; /* of the key inside, what follows its type */
    uint64_t serial;
    enum m4h_ssh_certificate_type type;
    struct m4h_ssh_bytes key_id;
    struct m4h_ssh_bytes principals; /* strings; none: sshd takes it for nobody */
    uint64_t valid_after_s;          /* seconds of wall time, included */
    uint64_t valid_before_s;         /* not included; UINT64_MAX: for ever */
    struct m4h_ssh_bytes critical_options;
    struct m4h_ssh_bytes extensions;
    struct m4h_ssh_bytes authority; /* its public key, in wire form; never a certificate */
    struct m4h_ssh_bytes signed_part;
    struct m4h_ssh_bytes signature;
};

/* Whether it says that it is a certificate, good or bad; a key says another type. */
bool m4h_ssh_certificate_is_one(const uint8_t *blob, size_t len);

/* M4H_EINVALID: damaged, of a type that is not known (DSA among them), or against the
 * format: an option twice, more than the bounds above, something behind the signature. */
M4H_MUST_CHECK int m4h_ssh_certificate_parse(const uint8_t *blob, size_t len,
                                             struct m4h_ssh_certificate *certificate);

/* Writes the key that it is for in wire form, as it would be without a certificate.
 * M4H_ETOOBIG. */
M4H_MUST_CHECK int m4h_ssh_certificate_plain_key(const struct m4h_ssh_certificate *certificate,
                                                 uint8_t *out, size_t size, size_t *len);

/* Takes the first of `principals`, which becomes the rest. False: none is left. */
bool m4h_ssh_certificate_next_principal(struct m4h_ssh_bytes *principals,
                                        struct m4h_ssh_bytes *principal);

/* An option or extension. Most have no data, the others a string inside it. */
struct m4h_ssh_certificate_option {
    struct m4h_ssh_bytes name;
    struct m4h_ssh_bytes data;
};

/* As with principals. */
bool m4h_ssh_certificate_next_option(struct m4h_ssh_bytes *options,
                                     struct m4h_ssh_certificate_option *option);
/* The string that is all of the option's data. False: it is not written so. */
bool m4h_ssh_certificate_option_value(const struct m4h_ssh_certificate_option *option,
                                      struct m4h_ssh_bytes *value);

#endif
