/* Keys and certificates that are good no more, as sshd's RevokedKeys has them: a key revocation
 * list in OpenSSH's binary format (its PROTOCOL.krl, made by ssh-keygen -k), or a text with a
 * public key or a fingerprint on each line.
 *
 * A table is filled by one of the readers below, and then only asked. It owns all that is in it.
 * Pure; no thread may share one that is being filled. */
#ifndef M4H_BASE_SSH_REVOKED_H
#define M4H_BASE_SSH_REVOKED_H

#include "lib/base/attributes.h"
#include "lib/base/ssh_certificate.h"

/* A larger file is refused. */
#define M4H_SSH_REVOKED_FILE_MAX (64u * 1024 * 1024)
#define M4H_SSH_SHA1_BYTES       20u
#define M4H_SSH_SHA256_BYTES     32u

struct m4h_ssh_revoked;

/* A plain key, and what it is called by. */
struct m4h_ssh_named_key {
    struct m4h_ssh_bytes key; /* wire form */
    uint8_t sha1[M4H_SSH_SHA1_BYTES];
    uint8_t sha256[M4H_SSH_SHA256_BYTES];
};

/* Reads either format, whichever it is. M4H_EINVALID: damaged, or with a part that is not known:
 * `wrong`, of `size` bytes, says what; M4H_ETOOBIG, M4H_ENOMEM. `*revoked` is NULL then: half a
 * list would let somebody in. What a list is signed with is passed over, as sshd does. */
M4H_MUST_CHECK int m4h_ssh_revoked_read(struct m4h_ssh_revoked **revoked, const uint8_t *data,
                                        size_t len, char *wrong, size_t size);
/* Accepts NULL. */
void m4h_ssh_revoked_destroy(struct m4h_ssh_revoked *revoked);

/* The version that a binary list says it has, else 0; and how many entries there are. */
uint64_t m4h_ssh_revoked_version(const struct m4h_ssh_revoked *revoked);
size_t m4h_ssh_revoked_count(const struct m4h_ssh_revoked *revoked);

/* By itself or by a digest. */
bool m4h_ssh_revoked_has_key(const struct m4h_ssh_revoked *revoked,
                             const struct m4h_ssh_named_key *key);
/* By its serial number or its key id. Its keys are to be asked about besides: the one inside and
 * that of its authority. A serial number of 0 is that of nobody. */
bool m4h_ssh_revoked_has_certificate(const struct m4h_ssh_revoked *revoked,
                                     const struct m4h_ssh_certificate *certificate);

#endif
