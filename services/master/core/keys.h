/* The public keys that are known, each with what it is granted (key_grant.h) and where that is
 * written. Filled once from files (authorized_keys.h), then only looked into. Pure; one thread. */
#ifndef M4H_MASTER_KEYS_H
#define M4H_MASTER_KEYS_H

#include "lib/base/attributes.h"
#include "services/master/core/key_grant.h"

#include <stddef.h>
#include <stdint.h>

#define M4H_KEYS_MAX 1000000u

struct m4h_key;

struct m4h_keys {
    struct m4h_key *by_blob; /* owned */
    size_t count;
};

/* Where a key is written. */
struct m4h_key_place {
    uint32_t file; /* which of those that were read */
    uint32_t line; /* from 1 */
};

/* Frees all; it may be used again after. Accepts an empty one. */
void m4h_keys_free(struct m4h_keys *keys);

/* Adds a key. What it is granted beside its client key takes memory only where there is any, and
 * only as much as it needs. M4H_EEXIST (`*other` is where), M4H_EFULL or M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_keys_add(struct m4h_keys *keys, const uint8_t *blob, size_t len,
                                const struct m4h_key_grant *grant, struct m4h_key_place place,
                                struct m4h_key_place *other);

/* What is granted to a public key in its SSH wire form. False: it is not known. */
bool m4h_keys_find(const struct m4h_keys *keys, const uint8_t *blob, size_t len,
                   struct m4h_key_grant *grant);

/* Goes through all keys: the first after `key`, or of all where that is NULL. NULL: no more. */
const struct m4h_key *m4h_keys_next(const struct m4h_keys *keys, const struct m4h_key *key);
/* Of such a key; the blob is borrowed. */
void m4h_key_read(const struct m4h_key *key, const uint8_t **blob, size_t *len,
                  struct m4h_key_grant *grant);

/* The keys that share their client key with an earlier one: how many, and an
 * example of such a client key (borrowed) with its two places. */
size_t m4h_keys_count_shared(const struct m4h_keys *keys, const char **client_key,
                             struct m4h_key_place *place, struct m4h_key_place *other);

#endif
