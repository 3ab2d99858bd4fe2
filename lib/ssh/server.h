/* What the SSH sessions of one loop share: host key and algorithms. */
#ifndef M4H_SSH_SERVER_H
#define M4H_SSH_SERVER_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"
#include "lib/ssh/host_key.h"

struct m4h_ssh_server;

struct m4h_ssh_server_config {
    const struct m4h_ssh_host_key *host_key;
    /* Comma-separated, in order of preference; "" for the library's own. */
    const char *ciphers;
    const char *key_exchanges;
    const char *macs;
};

/* One for each loop; used on its thread only. `config` is read during the call.
 * M4H_EINVALID (an algorithm that is none; said in the log), M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_ssh_server_create(struct m4h_ssh_server **server, struct m4h_loop *loop,
                                         const struct m4h_ssh_server_config *config);
/* All its sessions must have been closed. Accepts NULL. */
void m4h_ssh_server_destroy(struct m4h_ssh_server *server);

#endif
