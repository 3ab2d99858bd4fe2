/* What the SSH sessions of one loop share: host keys and algorithms. */
#ifndef M4H_SSH_SERVER_H
#define M4H_SSH_SERVER_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"
#include "lib/ssh/host_key.h"

#include <stdbool.h>

struct m4h_ssh_server;

struct m4h_ssh_server_config {
    const struct m4h_ssh_host_keys *host_keys;
    /* Comma-separated, "" for the library's own. The client's order decides (RFC
     * 4253 section 7.1); ours only among those that it likes the same. */
    const char *ciphers;
    const char *key_exchanges;
    const char *macs;
    /* Offered besides to a client that calls itself Dropbear, which knows no
     * encrypt-then-MAC; "" for nothing. */
    const char *dropbear_macs;
    /* Of the devices' keys, as signatures are called: "rsa-sha2-256". "" for
     * ed25519, ecdsa and rsa with SHA-2, in hardware too. */
    const char *key_types;
    /* OpenSSH certificates of these keys too: offered to the owner whole, for nothing of
     * them is checked here but that the device has the key inside. */
    bool certificates;
    bool compression;
};

/* One for each loop; used on its thread only. `config` is read during the call.
 * M4H_EINVALID (a name that is no algorithm; said in the log), M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_ssh_server_create(struct m4h_ssh_server **server, struct m4h_loop *loop,
                                         const struct m4h_ssh_server_config *config);
/* All its sessions must have been closed. Accepts NULL. */
void m4h_ssh_server_destroy(struct m4h_ssh_server *server);

#endif
