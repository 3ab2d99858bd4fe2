/* Host keys, algorithms, and the turns that are due without a ready socket. */
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/ssh/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TURNS_PER_ROUND 256
/* What follows "SSH-2.0-": the library's own name would only tell strangers which
 * holes to look for. */
#define OUR_NAME         "mas4h"
#define DROPBEAR         "SSH-2.0-dropbear"
#define ALGORITHMS_BYTES 1024
#define RSA_MIN_BITS     2048

/* As signatures are called. A certificate's is that of the key inside. */
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
        if (i > 0 && m4h_loop_busy_us(server->loop) > BUSY_US)
            break;
        server->due = session->next_due;
        if (server->due == NULL)
            server->due_end = &server->due;
        session->is_due = false;
        m4h_ssh_session_turn(session);
    }
    if (server->due != NULL)
        m4h_timer_start(server->soon, 0, 0);
}

/* Each name by itself: the library would leave out in silence what it does not know. */
static int check(ssh_bind bind, enum ssh_bind_options_e option, const char *name, const char *list)
{
    char one[ALGORITHMS_BYTES];

    for (;;) {
        size_t len = strcspn(list, ",");

        if (len < sizeof(one)) {
            memcpy(one, list, len);
            one[len] = '\0';
        }
        if (len == 0 || len >= sizeof(one) || ssh_bind_options_set(bind, option, one) != SSH_OK) {
            m4h_log(M4H_LOG_ERROR, "ssh", "%s=\"%s\" no such algorithm", name,
                    len < sizeof(one) ? one : "");
            return M4H_EINVALID;
        }
        if (list[len] == '\0')
            return 0;
        list += len + 1;
    }
}

static int set(ssh_bind bind, enum ssh_bind_options_e option, const char *name, const char *list)
{
    int error = list[0] != '\0' ? check(bind, option, name, list) : 0;

    if (error == 0 && list[0] != '\0' && ssh_bind_options_set(bind, option, list) != SSH_OK)
        error = M4H_ENOMEM;
    return error;
}

/* The library frees what it has imported with its bind: sessions that begin here have
 * copies of their own. */
static int import_keys(struct m4h_ssh_server *server, const struct m4h_ssh_host_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        ssh_key key = NULL;

        if (ssh_pki_import_privkey_file(keys->list[i].path, NULL, NULL, NULL, &key) != SSH_OK)
            return M4H_EINVALID;
        server->own_keys[i] = ssh_key_dup(key);
        server->own_key_count = i + 1;
        if (ssh_bind_options_set(server->bind, SSH_BIND_OPTIONS_IMPORT_KEY, key) != SSH_OK) {
            ssh_key_free(key);
            return M4H_EINVALID;
        }
        if (server->own_keys[i] == NULL)
            return M4H_ENOMEM;
    }
    return 0;
}

static const char *key_types_of(const struct m4h_ssh_server_config *config)
{
    return config->key_types[0] != '\0' ? config->key_types : KEY_TYPES;
}

static int configure(struct m4h_ssh_server *server, const struct m4h_ssh_server_config *config)
{
    const struct {
        enum ssh_bind_options_e option;
        const char *name, *list;
    } lists[] = {
        {SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, "key_types", key_types_of(config)},
        {SSH_BIND_OPTIONS_CIPHERS_C_S, "ciphers", config->ciphers},
        {SSH_BIND_OPTIONS_CIPHERS_S_C, "ciphers", config->ciphers},
        {SSH_BIND_OPTIONS_KEY_EXCHANGE, "key_exchanges", config->key_exchanges},
        {SSH_BIND_OPTIONS_HMAC_C_S, "dropbear_macs", config->dropbear_macs},
        {SSH_BIND_OPTIONS_HMAC_C_S, "macs", config->macs},
        {SSH_BIND_OPTIONS_HMAC_S_C, "macs", config->macs},
    };
    ssh_bind bind = server->bind;
    bool no = false;
    int rsa_bits = RSA_MIN_BITS;
    int error;

    if (ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK ||
        ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BANNER, OUR_NAME) != SSH_OK ||
        ssh_bind_options_set(bind, SSH_BIND_OPTIONS_RSA_MIN_SIZE, &rsa_bits) != SSH_OK)
        return M4H_ESYSTEM;
    error = import_keys(server, config->host_keys);
    for (size_t i = 0; i < M4H_COUNT(lists) && error == 0; i++)
        error = set(bind, lists[i].option, lists[i].name, lists[i].list);
    return error;
}

/* The keys that can make one of these signatures; the others stay out. */
static uint32_t keys_of(const char *signatures, bool certificates)
{
    static const struct {
        const char *signature;
        enum ssh_keytypes_e type, certificate;
    } makers[] = {
        {"ssh-ed25519", SSH_KEYTYPE_ED25519, SSH_KEYTYPE_ED25519_CERT01},
        {"sk-ssh-ed25519@openssh.com", SSH_KEYTYPE_SK_ED25519, SSH_KEYTYPE_SK_ED25519_CERT01},
        {"ecdsa-sha2-nistp256", SSH_KEYTYPE_ECDSA_P256, SSH_KEYTYPE_ECDSA_P256_CERT01},
        {"ecdsa-sha2-nistp384", SSH_KEYTYPE_ECDSA_P384, SSH_KEYTYPE_ECDSA_P384_CERT01},
        {"ecdsa-sha2-nistp521", SSH_KEYTYPE_ECDSA_P521, SSH_KEYTYPE_ECDSA_P521_CERT01},
        {"sk-ecdsa-sha2-nistp256@openssh.com", SSH_KEYTYPE_SK_ECDSA, SSH_KEYTYPE_SK_ECDSA_CERT01},
        {"rsa-sha2-256", SSH_KEYTYPE_RSA, SSH_KEYTYPE_RSA_CERT01},
        {"rsa-sha2-512", SSH_KEYTYPE_RSA, SSH_KEYTYPE_RSA_CERT01},
        {"ssh-rsa", SSH_KEYTYPE_RSA, SSH_KEYTYPE_RSA_CERT01},
    };
    uint32_t keys = 0;

    for (;; signatures++) {
        size_t len = strcspn(signatures, ",");

        for (size_t i = 0; i < M4H_COUNT(makers); i++) {
            if (strlen(makers[i].signature) == len &&
                memcmp(makers[i].signature, signatures, len) == 0)
                keys |= 1u << (unsigned)makers[i].type |
                        (certificates ? 1u << (unsigned)makers[i].certificate : 0);
        }
        signatures += len;
        if (*signatures == '\0')
            return keys;
    }
}

/* Where the library's own list is in force, Dropbear's are in it. */
static int note_dropbear_macs(struct m4h_ssh_server *server,
                              const struct m4h_ssh_server_config *config)
{
    size_t size = strlen(config->macs) + 1 + strlen(config->dropbear_macs) + 1;

    if (config->macs[0] == '\0' || config->dropbear_macs[0] == '\0')
        return 0;
    server->dropbear_macs = malloc(size);
    if (server->dropbear_macs == NULL)
        return M4H_ENOMEM;
    snprintf(server->dropbear_macs, size, "%s,%s", config->macs, config->dropbear_macs);
    return 0;
}

/* What `config` points to is read during the call that makes the server only. */
static int note_lists(struct m4h_ssh_server *server, const struct m4h_ssh_server_config *config)
{
    server->ciphers = strdup(config->ciphers);
    server->key_exchanges = strdup(config->key_exchanges);
    server->macs = strdup(config->macs);
    return server->ciphers != NULL && server->key_exchanges != NULL && server->macs != NULL
               ? 0
               : M4H_ENOMEM;
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
    made->taken_keys = keys_of(key_types_of(config), config->certificates);
    made->compression = config->compression ? "yes" : "none";
    made->bind = ssh_bind_new();
    if (made->bind != NULL)
        error = configure(made, config);
    if (error == 0)
        error = note_lists(made, config);
    if (error == 0)
        error = note_dropbear_macs(made, config);
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
    for (size_t i = 0; i < server->own_key_count; i++)
        ssh_key_free(server->own_keys[i]);
    free(server->ciphers);
    free(server->key_exchanges);
    free(server->macs);
    free(server->dropbear_macs);
    free(server);
}

int m4h_ssh_server_dress(const struct m4h_ssh_server *server, ssh_session ssh)
{
    return ssh_options_set(ssh, SSH_OPTIONS_COMPRESSION, server->compression) == SSH_OK
               ? 0
               : M4H_ENOMEM;
}

void m4h_ssh_server_suit(struct m4h_ssh_session *session)
{
    const char *macs = session->server->dropbear_macs;
    char name[sizeof(DROPBEAR) - 1];
    ssize_t len;

    if (session->suited)
        return;
    len = macs != NULL ? recv(ssh_get_fd(session->ssh), name, sizeof(name), MSG_PEEK | MSG_DONTWAIT)
                       : 0;
    if (len < 0 && errno == EAGAIN)
        return;
    session->suited = true;
    if (len < (ssize_t)sizeof(name) || memcmp(name, DROPBEAR, sizeof(name)) != 0)
        return;
    if (ssh_options_set(session->ssh, SSH_OPTIONS_HMAC_C_S, macs) != SSH_OK ||
        ssh_options_set(session->ssh, SSH_OPTIONS_HMAC_S_C, macs) != SSH_OK ||
        (session->event != NULL && ssh_server_init_kex(session->ssh) != SSH_OK))
        m4h_log(M4H_LOG_WARNING, "ssh", "Dropbear is offered the same as everyone");
}
