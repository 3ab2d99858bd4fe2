/* TLS: what GnuTLS needs beyond what libmicrohttpd does with it.
 *
 * libmicrohttpd reads a certificate once, at its start. So that a renewed one counts
 * without a restart, each handshake asks us by a callback. It gets pointers, which
 * GnuTLS uses until the handshake is over: a certificate that is replaced is retired
 * first, and freed at a later reload. */
#include "lib/http/tls.h"

#include "lib/base/error.h"
#include "lib/base/file_mark.h"
#include "lib/base/file_text.h"
#include "lib/base/log.h"
#include "lib/crypto/crypto.h"
#include "lib/http/server.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* Certificates from the server's own to its authority's. */
#define CHAIN_MAX 8u
#define FILE_MAX  (64u * 1024u)

struct certificate {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    uint64_t retired_ms;
    SLIST_ENTRY(certificate) link;
};
SLIST_HEAD(certificates, certificate);

/* A file, and whether it has changed. */
struct file {
    const char *path;
    struct m4h_file_mark read, seen;
};

struct m4h_http_tls {
    const char *component;
    struct file cert, key;
    struct certificate *current;
    struct certificates retired;
};

/* ---- reading ------------------------------------------------------------------------- */

static void free_certificate(struct certificate *certificate)
{
    if (certificate == NULL)
        return;
    for (unsigned i = 0; i < certificate->count; i++)
        gnutls_pcert_deinit(&certificate->chain[i]);
    gnutls_privkey_deinit(certificate->key);
    free(certificate);
}

/* Whether the key is that of the certificate; GnuTLS's error otherwise. */
static int check_pair(const gnutls_datum_t *cert, const gnutls_datum_t *key)
{
    gnutls_certificate_credentials_t credentials;
    int result = gnutls_certificate_allocate_credentials(&credentials);

    if (result != GNUTLS_E_SUCCESS)
        return result;
    result = gnutls_certificate_set_x509_key_mem(credentials, cert, key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    return result < 0 ? result : GNUTLS_E_SUCCESS;
}

static int import(struct certificate *certificate, const gnutls_datum_t *cert,
                  const gnutls_datum_t *key)
{
    unsigned count = CHAIN_MAX;
    int result = check_pair(cert, key);

    if (result == GNUTLS_E_SUCCESS)
        result = gnutls_pcert_list_import_x509_raw(certificate->chain, &count, cert,
                                                   GNUTLS_X509_FMT_PEM, 0);
    if (result != GNUTLS_E_SUCCESS)
        return result;
    certificate->count = count;
    result = gnutls_privkey_init(&certificate->key);
    if (result == GNUTLS_E_SUCCESS)
        result =
            gnutls_privkey_import_x509_raw(certificate->key, key, GNUTLS_X509_FMT_PEM, NULL, 0);
    return result;
}

static int read_file(const struct m4h_http_tls *tls, struct file *file, gnutls_datum_t *datum)
{
    char *text;
    size_t len;
    int error;

    file->read = m4h_file_mark_of(file->path);
    file->seen = file->read;
    error = m4h_file_text_read(file->path, FILE_MAX, &text, &len);
    if (error != 0)
        m4h_log(M4H_LOG_ERROR, tls->component, "file=%s reason=\"%s\" cannot be read", file->path,
                error == M4H_ESYSTEM ? strerror(errno) : m4h_error_text(error));
    *datum = (gnutls_datum_t){(unsigned char *)text, (unsigned)len};
    return error;
}

static int import_logged(struct m4h_http_tls *tls, const gnutls_datum_t *cert,
                         const gnutls_datum_t *key, struct certificate **certificate)
{
    struct certificate *made = calloc(1, sizeof(*made));
    int result;

    if (made == NULL)
        return M4H_ENOMEM;
    result = import(made, cert, key);
    if (result == GNUTLS_E_SUCCESS) {
        *certificate = made;
        return 0;
    }
    m4h_log(M4H_LOG_ERROR, tls->component, "tls_cert=%s tls_key=%s reason=\"%s\" cannot be used",
            tls->cert.path, tls->key.path, gnutls_strerror(result));
    free_certificate(made);
    return M4H_EINVALID;
}

/* Both files as they are now. */
static int load(struct m4h_http_tls *tls, struct certificate **certificate)
{
    gnutls_datum_t cert = {NULL, 0}, key = {NULL, 0};
    int error = read_file(tls, &tls->cert, &cert);

    *certificate = NULL;
    if (error == 0)
        error = read_file(tls, &tls->key, &key);
    if (error == 0)
        error = import_logged(tls, &cert, &key, certificate);
    if (key.data != NULL)
        m4h_crypto_wipe(key.data, key.size);
    free(key.data);
    free(cert.data);
    return error;
}

/* ---- life ------------------------------------------------------------------------------ */

int m4h_http_tls_create(struct m4h_http_tls **tls, const char *component, const char *cert_path,
                        const char *key_path)
{
    struct m4h_http_tls *self = calloc(1, sizeof(*self));
    int error;

    *tls = NULL;
    if (self == NULL)
        return M4H_ENOMEM;
    self->component = component;
    self->cert.path = cert_path;
    self->key.path = key_path;
    SLIST_INIT(&self->retired);
    error = load(self, &self->current);
    if (error != 0) {
        m4h_http_tls_destroy(self);
        return error;
    }
    *tls = self;
    return 0;
}

/* Those that no handshake can use any more. */
static void free_retired(struct m4h_http_tls *tls, uint64_t before_ms)
{
    struct certificates kept = SLIST_HEAD_INITIALIZER(kept);
    struct certificate *certificate;

    while ((certificate = SLIST_FIRST(&tls->retired)) != NULL) {
        SLIST_REMOVE_HEAD(&tls->retired, link);
        if (certificate->retired_ms < before_ms)
            free_certificate(certificate);
        else
            SLIST_INSERT_HEAD(&kept, certificate, link);
    }
    tls->retired = kept;
}

void m4h_http_tls_destroy(struct m4h_http_tls *tls)
{
    if (tls == NULL)
        return;
    free_retired(tls, UINT64_MAX);
    free_certificate(tls->current);
    free(tls);
}

void m4h_http_tls_reload(struct m4h_http_tls *tls, uint64_t now_ms, uint64_t handshake_ms)
{
    struct certificate *fresh;

    free_retired(tls, now_ms > handshake_ms ? now_ms - handshake_ms : 0);
    if (load(tls, &fresh) != 0) {
        m4h_log(M4H_LOG_ERROR, tls->component, "the certificate of before holds");
        return;
    }
    tls->current->retired_ms = now_ms;
    SLIST_INSERT_HEAD(&tls->retired, tls->current, link);
    tls->current = fresh;
    m4h_log(M4H_LOG_INFO, tls->component, "tls_cert=%s certificate is read", tls->cert.path);
}

void m4h_http_tls_check(struct m4h_http_tls *tls, uint64_t now_ms, uint64_t handshake_ms)
{
    bool cert = m4h_file_mark_has_settled(tls->cert.path, &tls->cert.read, &tls->cert.seen);
    bool key = m4h_file_mark_has_settled(tls->key.path, &tls->key.read, &tls->key.seen);

    if (cert || key)
        m4h_http_tls_reload(tls, now_ms, handshake_ms);
}

/* ---- handshakes -------------------------------------------------------------------------- */

static int on_handshake(gnutls_session_t session, const gnutls_datum_t *authorities,
                        int authority_count, const gnutls_pk_algorithm_t *algorithms,
                        int algorithm_count, gnutls_pcert_st **chain, unsigned *count,
                        gnutls_privkey_t *key)
{
    const struct m4h_http_connection *connection =
        m4h_http_connection_of(gnutls_session_get_ptr(session));

    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    if (connection == NULL)
        return -1;
    *chain = connection->server->tls->current->chain;
    *count = connection->server->tls->current->count;
    *key = connection->server->tls->current->key;
    return 0;
}

void *m4h_http_tls_callback(void)
{
    return (void *)(uintptr_t)on_handshake;
}
