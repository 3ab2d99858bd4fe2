/* The signatures of SSH keys, as certificates bear them. Any thread; no state. */
#ifndef M4H_CRYPTO_SSH_SIGNATURE_H
#define M4H_CRYPTO_SSH_SIGNATURE_H

#include "lib/base/attributes.h"
#include "lib/base/ssh_fields.h"

/* Shorter RSA keys of authorities are refused. */
#define M4H_SSH_RSA_MIN_BITS 2048

/* Whether the owner of `key` has signed `data`. Key and signature are in wire form (RFC 4253
 * section 6.6; RFC 5656 section 3.1.2; RFC 8332; RFC 8709; OpenSSH's PROTOCOL.u2f).
 * Ed25519, ECDSA on the three NIST curves, both of them in hardware too, and RSA with
 * SHA-256 or SHA-512: never with SHA-1.
 * 0; M4H_EINVALID: it has not, or one of them is damaged, or not of a kind that is taken;
 * M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_crypto_ssh_verify(struct m4h_ssh_bytes key, struct m4h_ssh_bytes signature,
                                         struct m4h_ssh_bytes data);

#endif
