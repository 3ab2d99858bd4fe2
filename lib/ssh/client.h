/* A session that begins here: one slave is the SSH client of another, as which it
 * proves its own host key. From its on_up on it is a session like any other
 * (session.h: keepalive, heard_ms, close), and carries channels that
 * m4h_ssh_channel_open_direct asks for. What the server asks for is refused.
 *
 * Happy path: start -> key exchange -> the server shows one of the host keys that are
 * known of it -> one of ours is taken -> on_up -> channels -> on_end. A server that
 * shows another key is told nothing, not even who we are. Deadlines are the owner's. */
#ifndef M4H_SSH_CLIENT_H
#define M4H_SSH_CLIENT_H

#include "lib/base/attributes.h"
#include "lib/ssh/session.h"

struct m4h_ssh_client_config {
    const char *username;
    /* "ssh-ed25519 AAAA...": one of them must be shown. None: no session. */
    const char (*host_keys)[M4H_HOST_KEY_MAX + 1];
    size_t host_key_count;
};

/* All on the loop's thread. Each may close the session. */
struct m4h_ssh_client_handler {
    /* Both sides know each other: channels may be opened. */
    void (*on_up)(void *context);
    /* It is over, or was never to be; only m4h_ssh_session_close is left to call. */
    void (*on_end)(void *context, enum m4h_ssh_end end, const char *detail);
};

/* Begins one on a connected socket, which it owns from now on, also when it fails, with
 * the keys and the algorithms of `server`. `config` is read during the call.
 * M4H_EINVALID (no host key that can be expected), M4H_EFULL (a descriptor above 65,535),
 * M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_ssh_client_start(struct m4h_ssh_session **session,
                                        struct m4h_ssh_server *server, int fd,
                                        const struct m4h_ssh_client_config *config,
                                        const struct m4h_ssh_client_handler *handler,
                                        void *context);

#endif
