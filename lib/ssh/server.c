/* Host key, algorithms, and the turns that are due without a ready socket. */
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/ssh/internal.h"

#include <stdlib.h>

#define TURNS_PER_ROUND 256

/* Plain keys only: libssh would take certificates without checking their
 * authority, principals or validity. */
#define KEY_TYPES                                                                                  \
    "ssh-ed25519,sk-ssh-ed25519@openssh.com,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"              \
    "ecdsa-sha2-nistp521,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"

/* Sessions that ask again within their turn go to the end of the line, and the
 * socket events of others come between two rounds. */
static void on_soon(void *context)
{
    struct m4h_ssh_server *server = context;
    struct m4h_ssh_session *session;

    for (int i = 0; i < TURNS_PER_ROUND && (session = server->due) != NULL; i++) {
        server->due = session->next_due;
        if (server->due == NULL)
            server->due_end = &server->due;
        session->is_due = false;
        m4h_ssh_session_turn(session);
    }
    if (server->due != NULL)
        m4h_timer_start(server->soon, 0, 0);
}

static int set(ssh_bind bind, enum ssh_bind_options_e option, const char *name, const char *value)
{
    if (value[0] == '\0' || ssh_bind_options_set(bind, option, value) == SSH_OK)
        return 0;
    m4h_log(M4H_LOG_ERROR, "ssh", "%s=\"%s\" error=\"%s\" none of these algorithms is known", name,
            value, ssh_get_error(bind));
    return M4H_EINVALID;
}

static int configure(ssh_bind bind, const struct m4h_ssh_server_config *config)
{
    bool no = false;
    ssh_key key = NULL;
    int error;

    if (ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK)
        return M4H_ESYSTEM;
    if (ssh_pki_import_privkey_file(config->host_key->path, NULL, NULL, NULL, &key) != SSH_OK)
        return M4H_EINVALID;
    if (ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, key) != SSH_OK) {
        ssh_key_free(key);
        return M4H_EINVALID;
    }
    error = set(bind, SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, "key_types", KEY_TYPES);
    if (error == 0)
        error = set(bind, SSH_BIND_OPTIONS_CIPHERS_C_S, "ciphers", config->ciphers);
    if (error == 0)
        error = set(bind, SSH_BIND_OPTIONS_CIPHERS_S_C, "ciphers", config->ciphers);
    if (error == 0)
        error = set(bind, SSH_BIND_OPTIONS_KEY_EXCHANGE, "key_exchanges", config->key_exchanges);
    if (error == 0)
        error = set(bind, SSH_BIND_OPTIONS_HMAC_C_S, "macs", config->macs);
    if (error == 0)
        error = set(bind, SSH_BIND_OPTIONS_HMAC_S_C, "macs", config->macs);
    return error;
}

int m4h_ssh_server_create(struct m4h_ssh_server **server, struct m4h_loop *loop,
                          const struct m4h_ssh_server_config *config)
{
    struct m4h_ssh_server *made = calloc(1, sizeof(*made));
    int error = M4H_ENOMEM;

    *server = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->loop = loop;
    made->due_end = &made->due;
    made->bind = ssh_bind_new();
    if (made->bind != NULL)
        error = configure(made->bind, config);
    if (error == 0)
        error = m4h_timer_create(&made->soon, loop, on_soon, made);
    if (error != 0) {
        m4h_ssh_server_destroy(made);
        return error;
    }
    *server = made;
    return 0;
}

void m4h_ssh_server_destroy(struct m4h_ssh_server *server)
{
    if (server == NULL)
        return;
    m4h_timer_close(server->soon);
    ssh_bind_free(server->bind);
    free(server);
}
