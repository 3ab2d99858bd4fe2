/* The certificate and key of a server that speaks TLS; they may be read again while it
 * runs, and count for the handshakes that begin then. Private to lib/http. */
#ifndef M4H_HTTP_TLS_H
#define M4H_HTTP_TLS_H

#include "lib/base/attributes.h"

#include <stdint.h>

struct m4h_http_tls;

/* Versions and ciphers, in GnuTLS's words: what Debian holds to be normal, without the
 * versions that RFC 8996 gave up. */
#define M4H_HTTP_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* Reads both PEM files. `component` is that of log lines; all borrowed, for its life.
 * `*tls` is NULL on error, which is logged: M4H_EINVALID (they are no pair, or no PEM),
 * M4H_ESYSTEM, M4H_ETOOBIG, M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_http_tls_create(struct m4h_http_tls **tls, const char *component,
                                       const char *cert_path, const char *key_path);
/* Accepts NULL. No handshake may go on any more. */
void m4h_http_tls_destroy(struct m4h_http_tls *tls);

/* Reads them again. Where that fails, which is logged, those of before hold. What was
 * in force is kept for `handshake_ms` more: handshakes that have begun use it. */
void m4h_http_tls_reload(struct m4h_http_tls *tls, uint64_t now_ms, uint64_t handshake_ms);
/* The same, where a file has changed and then stayed the same from one call to the next. */
void m4h_http_tls_check(struct m4h_http_tls *tls, uint64_t now_ms, uint64_t handshake_ms);

/* What MHD_OPTION_HTTPS_CERT_CALLBACK takes: gives handshakes the certificate in force. */
void *m4h_http_tls_callback(void);

#endif
