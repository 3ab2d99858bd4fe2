/* NATS' keys: ed25519 in base32, with a first byte that says what for and a CRC at
 * the end (nats-architecture-and-design, ADR-14). Private to lib/bus. Pure. */
#ifndef M4H_BUS_NKEY_H
#define M4H_BUS_NKEY_H

#include "lib/base/attributes.h"

#include <stddef.h>

#define M4H_NKEY_SEED_CHARS   58 /* SU... */
#define M4H_NKEY_PUBLIC_CHARS 56 /* U... */

/* The public key that belongs to a user's seed (`len` characters of base32, without white
 * space). M4H_EINVALID: it is no seed of a user; M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_nkey_public(const char *seed, size_t len,
                                   char out[M4H_NKEY_PUBLIC_CHARS + 1]);

#endif
