/* The host keys of slaves, to tell whose one of them is in a time that does not grow with
 * their number of tunnels: a hash of each, in one array. What is found still has to be compared.
 * Pure; one thread. */
#ifndef M4H_MASTER_HOST_KEYS_H
#define M4H_MASTER_HOST_KEYS_H

#include "lib/base/model.h"

#include <stdbool.h>

/* The text of a key, without its type and what else stands on a line; and its hash. */
struct m4h_host_key_name {
    char text[M4H_HOST_KEY_MAX + 1];
    uint64_t hash;
};

/* Of a public key in its SSH wire form. False: no host key is as long. */
bool m4h_host_key_name_of(const uint8_t *key, size_t len, struct m4h_host_key_name *name);
/* Writes the hashes of a slave's host keys; 0 where there is none. */
void m4h_host_key_hashes(const struct m4h_slave_info *info, uint64_t hashes[M4H_HOST_KEYS_MAX]);
/* Whether the slave has told of this key. */
bool m4h_host_key_is_of(const struct m4h_slave_info *info, const struct m4h_host_key_name *name);

#endif
