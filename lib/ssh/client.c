/* The client's side of a session: what libssh has to be asked for again and again until
 * it is done (session.c reads, writes and tells the end, as for the other side).
 *
 * The library looks for known hosts and settings in files; here the host keys come from
 * a master, and the one that is shown is compared as a whole, before anything of ours is
 * sent but our identification and the key exchange. */
#include "lib/ssh/client.h"

#include "lib/base/error.h"
#include "lib/ssh/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct m4h_ssh_client {
    const struct m4h_ssh_client_handler *handler;
    void *context;
    bool begun; /* ssh_connect was called */
    bool known; /* the server is who it should be */
    size_t key; /* of ours, that is being proved */
    size_t host_key_count;
    char host_keys[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1];
};

/* ---- what a session tells its owner --------------------------------------------------- */

static void on_exchanged(void *context)
{
    (void)context;
}

static void on_refused(void *context, const char *what)
{
    (void)context;
    (void)what;
}

static void on_end(void *context, enum m4h_ssh_end end, const char *detail)
{
    struct m4h_ssh_client *client = context;

    client->handler->on_end(client->context, end, detail);
}

/* The others are told of requests, and a server's are refused before. */
static const struct m4h_ssh_handler session_handler = {
    .on_exchanged = on_exchanged,
    .on_refused = on_refused,
    .on_end = on_end,
};

/* ---- steps ----------------------------------------------------------------------------- */

/* That the socket is connected the library finds out only where it may write. */
int m4h_ssh_client_exchange(struct m4h_ssh_session *session)
{
    int rc;

    if (session->client->begun)
        return ssh_connect(session->ssh);
    session->client->begun = true;
    m4h_ssh_stream_set_mode(&session->stream, M4H_SSH_STREAM_FLUSH);
    rc = ssh_connect(session->ssh);
    m4h_ssh_stream_set_mode(&session->stream, M4H_SSH_STREAM_QUIET);
    /* The library never closes a socket that its settings name: now they name none. */
    (void)ssh_options_set(session->ssh, SSH_OPTIONS_FD, NULL);
    return rc;
}

static bool is_expected(const struct m4h_ssh_client *client, ssh_key key)
{
    char line[M4H_HOST_KEY_MAX + 1];
    char *base64 = NULL;
    bool found = false;
    int len;

    if (ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK)
        return false;
    len = snprintf(line, sizeof(line), "%s %s", ssh_key_type_to_char(ssh_key_type(key)), base64);
    for (size_t i = 0; i < client->host_key_count && len < (int)sizeof(line); i++)
        found |= strcmp(line, client->host_keys[i]) == 0;
    ssh_string_free_char(base64);
    return found;
}

static bool server_is_known(struct m4h_ssh_session *session)
{
    ssh_key key = NULL;
    bool known;

    if (ssh_get_server_publickey(session->ssh, &key) != SSH_OK)
        return false;
    known = is_expected(session->client, key);
    ssh_key_free(key);
    return known;
}

static void authenticate(struct m4h_ssh_session *session)
{
    struct m4h_ssh_client *client = session->client;
    struct m4h_ssh_server *server = session->server;

    while (client->key < server->own_key_count) {
        int rc = ssh_userauth_publickey(session->ssh, NULL, server->own_keys[client->key]);

        /* What broke the connection is told at the end of the turn. */
        if (rc == SSH_AUTH_AGAIN || !m4h_ssh_session_is_alive(session))
            return;
        if (rc == SSH_AUTH_SUCCESS) {
            session->authenticated = true;
            client->handler->on_up(client->context);
            return;
        }
        if (rc != SSH_AUTH_DENIED)
            break;
        client->key++;
    }
    m4h_ssh_session_fail(session, M4H_SSH_END_PROTOCOL, "it does not take our host key");
}

void m4h_ssh_client_act(struct m4h_ssh_session *session)
{
    struct m4h_ssh_client *client = session->client;

    if (session->authenticated || session->closing || session->ended ||
        !m4h_ssh_session_is_alive(session))
        return;
    if (!client->known && !server_is_known(session)) {
        m4h_ssh_session_fail(session, M4H_SSH_END_PROTOCOL, "it shows an unexpected host key");
        return;
    }
    client->known = true;
    authenticate(session);
}

/* ---- beginning --------------------------------------------------------------------------- */

/* The signatures that a key of this line can make, as key exchanges call them. */
static const char *signatures_of(const char *line, size_t type_len)
{
    static const char rsa[] = "ssh-rsa";

    if (type_len == strlen(rsa) && memcmp(line, rsa, type_len) == 0)
        return "rsa-sha2-512,rsa-sha2-256";
    return NULL;
}

/* The kinds of the keys that are expected: a server with several shows one of these. */
static int list_kinds(const struct m4h_ssh_client *client, char *list, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < client->host_key_count; i++) {
        size_t type_len = strcspn(client->host_keys[i], " ");
        const char *signatures = signatures_of(client->host_keys[i], type_len);
        int n = snprintf(list + len, size - len, "%s%.*s", len > 0 ? "," : "",
                         signatures != NULL ? (int)strlen(signatures) : (int)type_len,
                         signatures != NULL ? signatures : client->host_keys[i]);

        if (n < 0 || (size_t)n >= size - len)
            return M4H_EINVALID;
        len += (size_t)n;
    }
    return len > 0 ? 0 : M4H_EINVALID;
}

/* `list` may be "", for the library's own. M4H_EINVALID. */
static int offer(ssh_session ssh, enum ssh_options_e option, const char *list)
{
    return list[0] == '\0' || ssh_options_set(ssh, option, list) == SSH_OK ? 0 : M4H_EINVALID;
}

static int dress(struct m4h_ssh_session *session, int fd, const char *username)
{
    const struct m4h_ssh_server *server = session->server;
    char kinds[M4H_HOST_KEYS_MAX * 64];
    const struct {
        enum ssh_options_e option;
        const char *list;
    } lists[] = {
        {SSH_OPTIONS_HOSTKEYS, kinds},
        {SSH_OPTIONS_CIPHERS_C_S, server->ciphers},
        {SSH_OPTIONS_CIPHERS_S_C, server->ciphers},
        {SSH_OPTIONS_KEY_EXCHANGE, server->key_exchanges},
        {SSH_OPTIONS_HMAC_C_S, server->macs},
        {SSH_OPTIONS_HMAC_S_C, server->macs},
        {SSH_OPTIONS_COMPRESSION, "none"},
        {SSH_OPTIONS_USER, username},
        /* Of no use where there is a socket, yet the library wants one. */
        {SSH_OPTIONS_HOST, "slave"},
    };
    bool no = false;
    int error = list_kinds(session->client, kinds, sizeof(kinds));

    if (error == 0 && (ssh_options_set(session->ssh, SSH_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK ||
                       ssh_options_set(session->ssh, SSH_OPTIONS_FD, &fd) != SSH_OK))
        error = M4H_ENOMEM;
    for (size_t i = 0; i < M4H_COUNT(lists) && error == 0; i++)
        error = offer(session->ssh, lists[i].option, lists[i].list);
    return error;
}

static int make_client(struct m4h_ssh_session *session, const struct m4h_ssh_client_config *config,
                       const struct m4h_ssh_client_handler *handler, void *context)
{
    struct m4h_ssh_client *client = calloc(1, sizeof(*client));

    if (client == NULL)
        return M4H_ENOMEM;
    client->handler = handler;
    client->context = context;
    while (client->host_key_count < config->host_key_count &&
           client->host_key_count < M4H_HOST_KEYS_MAX) {
        size_t i = client->host_key_count++;

        snprintf(client->host_keys[i], sizeof(client->host_keys[i]), "%s", config->host_keys[i]);
    }
    session->client = session->context = client;
    session->suited = true;
    return 0;
}

void m4h_ssh_client_free(struct m4h_ssh_client *client)
{
    free(client);
}

int m4h_ssh_client_start(struct m4h_ssh_session **session, struct m4h_ssh_server *server, int fd,
                         const struct m4h_ssh_client_config *config,
                         const struct m4h_ssh_client_handler *handler, void *context)
{
    struct m4h_ssh_session *made;
    int error = m4h_ssh_session_new(&made, server, fd, &session_handler, NULL);

    *session = NULL;
    if (error != 0)
        return error;
    /* The library keeps 16 bits of a descriptor that its settings name. */
    error = fd <= UINT16_MAX ? 0 : M4H_EFULL;
    if (error == 0)
        error = make_client(made, config, handler, context);
    if (error == 0)
        error = dress(made, fd, config->username);
    return m4h_ssh_session_begin(session, made, fd, error);
}
