/* Options of the library, checked here because the library says little of what
 * is wrong, and later. No password is ever logged, so no URL is. */
#include "lib/bus/options.h"

#include "lib/base/address.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/bus/nkey.h"
#include "lib/crypto/crypto.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVERS_MAX 16
/* One read; larger than a TLS record, so that none is left half taken. */
#define READ_BYTES 65536
/* Longer secrets are not read. */
#define SECRET_MAX 1024

/* The servers of a URL list; the texts are in one copy of it. */
struct servers {
    char *copy;
    const char *urls[SERVERS_MAX];
    int count;
    bool tls; /* one of them says so */
};

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* host or host:port, after the scheme and the credentials. */
static bool address_is_valid(const char *text)
{
    struct m4h_address address;
    char with_port[M4H_HOST_MAX + 16];
    const char *end = strrchr(text, ']');

    if (strchr(end != NULL ? end : text, ':') != NULL)
        return text[0] != ':' && m4h_address_parse(text, &address) == 0;
    snprintf(with_port, sizeof(with_port), "%s:4222", text);
    return text[0] != '\0' && strlen(text) <= M4H_HOST_MAX &&
           m4h_address_parse(with_port, &address) == 0;
}

static bool url_is_valid(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *address = url;

    if (scheme != NULL) {
        if (!has_prefix(url, "nats://") && !has_prefix(url, "tls://"))
            return false;
        address = scheme + 3;
    }
    if (strrchr(address, '@') != NULL)
        address = strrchr(address, '@') + 1;
    return address_is_valid(address);
}

static int split_servers(struct servers *servers, const char *list)
{
    char *rest;
    char *url;

    servers->copy = strdup(list);
    if (servers->copy == NULL)
        return M4H_ENOMEM;
    rest = servers->copy;
    while ((url = strsep(&rest, ",")) != NULL) {
        url += strspn(url, " ");
        url[strcspn(url, " ")] = '\0';
        if (servers->count == SERVERS_MAX || !url_is_valid(url))
            return M4H_EINVALID;
        servers->tls = servers->tls || has_prefix(url, "tls://");
        servers->urls[servers->count++] = url;
    }
    return 0;
}

static int code_of(natsStatus status)
{
    if (status == NATS_OK)
        return 0;
    return status == NATS_NO_MEMORY ? M4H_ENOMEM : M4H_EINVALID;
}

static int set_servers(natsOptions *options, const char *url)
{
    struct servers servers = {0};
    int error = split_servers(&servers, url);

    if (error == M4H_EINVALID)
        m4h_log(M4H_LOG_ERROR, "bus",
                "a server is no nats://host:port or tls://host:port, or there are more than %d",
                SERVERS_MAX);
    if (error == 0)
        error = code_of(natsOptions_SetServers(options, servers.urls, servers.count));
    if (error == 0 && servers.tls)
        error = code_of(natsOptions_SetSecure(options, true));
    free(servers.copy);
    return error;
}

static int set_file(const char *what, const char *path,
                    natsStatus (*set)(natsOptions *, const char *), natsOptions *options)
{
    int error = access(path, R_OK) == 0 ? code_of(set(options, path)) : M4H_EINVALID;
    char shown[256];

    if (error == M4H_EINVALID)
        m4h_log(M4H_LOG_ERROR, "bus", "path=%s %s cannot be read or is none",
                m4h_log_quote(shown, sizeof(shown), path), what);
    return error;
}

static natsStatus set_credentials(natsOptions *options, const char *path)
{
    return natsOptions_SetUserCredentialsFromFiles(options, path, NULL);
}

static natsStatus set_authority(natsOptions *options, const char *path)
{
    natsStatus status = natsOptions_SetSecure(options, true);

    return status == NATS_OK ? natsOptions_LoadCATrustedCertificates(options, path) : status;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* The text of a small file, at most SECRET_MAX bytes. */
static int read_secret(const char *path, char out[SECRET_MAX + 1])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, out, SECRET_MAX) : -1;

    if (fd >= 0)
        close(fd);
    if (len < 0)
        return M4H_EINVALID;
    out[len] = '\0';
    return 0;
}

static natsStatus set_password_of(natsOptions *options, const char *user, const char *path)
{
    char secret[SECRET_MAX + 1];
    natsStatus status = NATS_INVALID_ARG;

    if (read_secret(path, secret) != 0)
        return status;
    secret[strcspn(secret, "\r\n")] = '\0';
    if (secret[0] != '\0')
        status = natsOptions_SetUserInfo(options, user, secret);
    m4h_crypto_wipe(secret, sizeof(secret));
    return status;
}

/* The seed is the line that begins with SU; others may stand around it. */
static natsStatus set_nkey(natsOptions *options, const char *path)
{
    char public[M4H_NKEY_PUBLIC_CHARS + 1];
    char secret[SECRET_MAX + 1];
    const char *seed;
    int error = read_secret(path, secret);

    if (error == 0) {
        seed = strstr(secret, "SU");
        error =
            seed == NULL ? M4H_EINVALID : m4h_nkey_public(seed, strcspn(seed, " \t\r\n"), public);
    }
    m4h_crypto_wipe(secret, sizeof(secret));
    return error == 0 ? natsOptions_SetNKeyFromSeed(options, public, path) : NATS_INVALID_ARG;
}

static int set_password(natsOptions *options, const struct m4h_bus_config *config)
{
    char shown[256];
    int error;

    if (!is_set(config->password_file))
        return code_of(natsOptions_SetUserInfo(options, config->user,
                                               config->password != NULL ? config->password : ""));
    error = code_of(set_password_of(options, config->user, config->password_file));
    if (error == M4H_EINVALID)
        m4h_log(M4H_LOG_ERROR, "bus", "path=%s the password file cannot be read or is empty",
                m4h_log_quote(shown, sizeof(shown), config->password_file));
    return error;
}

static int set_certificate(natsOptions *options, const char *certificate, const char *key)
{
    int error = code_of(natsOptions_SetSecure(options, true));

    if (error == 0)
        error = code_of(natsOptions_LoadCertificatesChain(options, certificate, key));
    if (error == M4H_EINVALID)
        m4h_log(M4H_LOG_ERROR, "bus", "the certificate for the bus or its key cannot be read");
    return error;
}

static int set_identity(natsOptions *options, const struct m4h_bus_config *config)
{
    int error = 0;

    if (is_set(config->name))
        error = code_of(natsOptions_SetName(options, config->name));
    if (error == 0 && is_set(config->user))
        error = set_password(options, config);
    if (error == 0 && is_set(config->nkey))
        error = set_file("the nkey's file", config->nkey, set_nkey, options);
    if (error == 0 && is_set(config->credentials))
        error = set_file("the credentials file", config->credentials, set_credentials, options);
    if (error == 0 && is_set(config->tls_ca))
        error = set_file("the file of the certificate authority", config->tls_ca, set_authority,
                         options);
    if (error == 0 && is_set(config->tls_cert))
        error = set_certificate(options, config->tls_cert, config->tls_key);
    return error;
}

/* See lib/bus/link.c for why the library neither reconnects nor pings. In its
 * event loop mode "as soon as possible" means: no thread that flushes. */
static int set_behaviour(natsOptions *options)
{
    natsStatus status = natsOptions_SetAllowReconnect(options, false);

    if (status == NATS_OK)
        status = natsOptions_SetIgnoreDiscoveredServers(options, true);
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(options, M4H_BUS_CONNECT_MS);
    if (status == NATS_OK)
        status = natsOptions_SetPingInterval(options, 0);
    if (status == NATS_OK)
        status = natsOptions_SetSendAsap(options, true);
    if (status == NATS_OK)
        status = natsOptions_SetIOBufSize(options, READ_BYTES);
    if (status == NATS_OK)
        status = natsOptions_UseGlobalMessageDelivery(options, true);
    return code_of(status);
}

int m4h_bus_options_create(natsOptions **options, const struct m4h_bus_config *config)
{
    natsOptions *made = NULL;
    int error = code_of(natsOptions_Create(&made));

    *options = NULL;
    if (error == 0)
        error = set_behaviour(made);
    if (error == 0)
        error = set_servers(made, config->url);
    if (error == 0)
        error = set_identity(made, config);
    if (error != 0) {
        natsOptions_Destroy(made);
        return error;
    }
    *options = made;
    return 0;
}
