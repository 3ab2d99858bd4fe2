/* The host keys that a slave shows to devices. Main thread, at start. */
#ifndef M4H_SSH_HOST_KEY_H
#define M4H_SSH_HOST_KEY_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct m4h_ssh_host_key {
    char path[PATH_MAX];
    char public_line[M4H_HOST_KEY_MAX + 1]; /* "ssh-ed25519 AAAA..." */
};

/* In the order in which they were asked for; a client takes the first that it likes. */
struct m4h_ssh_host_keys {
    struct m4h_ssh_host_key list[M4H_HOST_KEYS_MAX];
    size_t count;
};

/* Initialises the library. Once, before any other call to lib/ssh. M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_ssh_start(void);

/* True when `kinds` is a list as m4h_ssh_host_keys_ensure takes it. */
bool m4h_ssh_host_key_kinds_are_valid(const char *kinds);

/* Finds the keys of `kinds` ("ed25519,ecdsa,rsa": at least one, none twice) in
 * `dir`, or makes them (0600, and the folder 0700): a slave's first start needs no
 * preparation. Says in the log what is wrong: M4H_EINVALID (an unknown kind, no
 * private key of that kind, one that others may read, an RSA key below 3072 bits),
 * M4H_ESYSTEM (the folder cannot be made or written). `*keys` is then of no use. */
M4H_MUST_CHECK int m4h_ssh_host_keys_ensure(const char *dir, const char *kinds,
                                            struct m4h_ssh_host_keys *keys);

#endif
