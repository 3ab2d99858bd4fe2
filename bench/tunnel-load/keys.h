#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H

#include <libssh/libssh.h>

#define KEYS_NAME_BYTES 24

/* Make `count` ed25519 keys: DIR/authorized_keys, one line for each device with
 * its name as the comment, and DIR/keys (mode 0600), the private keys in the same
 * order. DIR is created if missing; both files are replaced.
 * Returns 0, or -1 after a message on stderr. */
int keys_write(const char *dir, unsigned count);

/* Read the first `count` private keys of DIR/keys. `*keys` is then an array that
 * belongs to the caller, who frees it with keys_free().
 * Returns 0, or -1 after a message on stderr, with `*keys` NULL. */
int keys_read(const char *dir, unsigned count, ssh_key **keys);

void keys_free(ssh_key *keys, unsigned count);

/* The name of device `index` (from 0), as authorized_keys gives it: "bench-00001". */
void keys_device_name(unsigned index, char name[KEYS_NAME_BYTES]);

#endif
