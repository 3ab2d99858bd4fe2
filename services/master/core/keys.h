/* The public keys that may open a tunnel, each with the client key of its
 * device and what limits it. Filled once from a file (authorized_keys.h), then only looked into.
 * Pure; one thread. */
#ifndef M4H_MASTER_KEYS_H
#define M4H_MASTER_KEYS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stddef.h>
#include <stdint.h>

#define M4H_KEYS_MAX 1000000u

struct m4h_key;

struct m4h_keys {
    struct m4h_key *by_blob; /* owned */
    size_t count;
};

/* Frees all; it may be used again after. Accepts an empty one. */
void m4h_keys_free(struct m4h_keys *keys);

/* Adds a key. `client_key` "": the device is named by the key's fingerprint.
 * `limits` take memory only where there are any, and only as much as they need.
 * M4H_EEXIST (`*other_line` is where), M4H_EFULL or M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_keys_add(struct m4h_keys *keys, const uint8_t *blob, size_t len,
                                const char *client_key, const struct m4h_device_limits *limits,
                                uint32_t line, uint32_t *other_line);

/* The client key of a public key in its SSH wire form, "" where its fingerprint
 * is to name the device, NULL where the key is not known. Borrowed. Fills
 * `limits` where it is known. */
const char *m4h_keys_find(const struct m4h_keys *keys, const uint8_t *blob, size_t len,
                          struct m4h_device_limits *limits);

/* The keys that share their client key with an earlier one: how many, and an
 * example of such a client key (borrowed) with its two lines. */
size_t m4h_keys_count_shared(const struct m4h_keys *keys, const char **client_key, uint32_t *line,
                             uint32_t *other_line);

#endif
