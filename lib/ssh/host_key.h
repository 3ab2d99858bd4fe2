/* The host key that a slave shows to devices. Main thread, at start. */
#ifndef M4H_SSH_HOST_KEY_H
#define M4H_SSH_HOST_KEY_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <limits.h>

struct m4h_ssh_host_key {
    char path[PATH_MAX];
    char public_line[M4H_HOST_KEY_MAX + 1]; /* "ssh-ed25519 AAAA..." */
};

/* Initialises the library. Once, before any other call to lib/ssh. M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_ssh_start(void);

/* Finds the ed25519 key in `dir`, or makes it (0600, and the folder 0700): a
 * slave's first start needs no preparation. Says in the log what is wrong:
 * M4H_EINVALID (no private key, or one that others may read), M4H_ESYSTEM (the
 * folder cannot be made or written). */
M4H_MUST_CHECK int m4h_ssh_host_key_ensure(const char *dir, struct m4h_ssh_host_key *key);

#endif
