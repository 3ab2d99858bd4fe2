/* Lets requests in or answers them: the guard of the gateway's HTTP server
 * (m4h_http_config.admit), and the same for what comes later on an open WebSocket.
 * The rules are in core/access.h and core/rates.h. One thread. */
#ifndef M4H_GATEWAY_IO_ACCESS_H
#define M4H_GATEWAY_IO_ACCESS_H

#include "lib/base/metrics.h"
#include "lib/base/network.h"
#include "lib/http/http.h"
#include "lib/net/loop.h"
#include "services/gateway/config.h"
#include "services/gateway/core/access.h"
#include "services/gateway/core/rates.h"
#include "services/gateway/io/token_file.h"

/* Owned by the gateway, for the server's life. */
struct m4h_gateway_access {
    struct m4h_loop *loop;                   /* borrowed */
    const struct m4h_gateway_config *config; /* borrowed; may change by a reload */
    struct m4h_token_file tokens;
    struct m4h_rates *rates;
    uint64_t verdicts[M4H_ACCESS_VERDICTS]; /* of each, how many */
};

/* Who opened a WebSocket or a stream, kept as long as it is open. */
struct m4h_gateway_asker {
    struct m4h_ip source;
    char hash[M4H_TOKEN_HASH_LEN + 1]; /* of the token; "": none was needed */
    const struct m4h_token *token;     /* NULL: not known; of the file when it was read so often: */
    uint64_t loads;
};

/* Reads the tokens file. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_gateway_access_open(struct m4h_gateway_access *access, struct m4h_loop *loop,
                                           const struct m4h_gateway_config *config);
/* Accepts one that is zeroed. */
void m4h_gateway_access_close(struct m4h_gateway_access *access);

/* Whether a token is asked for. */
bool m4h_gateway_access_needs_token(const struct m4h_gateway_access *access);

/* An m4h_http_guard: `access` is a struct m4h_gateway_access. */
bool m4h_gateway_access_admit(void *access, struct m4h_http_request *request, unsigned scope);

/* The token of a request, by header or cookie; NULL: none that is known and has not
 * expired. Borrowed until the file is read again. */
const struct m4h_token *m4h_gateway_access_token(const struct m4h_gateway_access *access,
                                                 const struct m4h_http_request *request,
                                                 enum m4h_credential_kind *kind);

/* Who opens what stays open; of a request that was let in. */
void m4h_gateway_access_keep(const struct m4h_gateway_access *access,
                             const struct m4h_http_request *request,
                             struct m4h_gateway_asker *asker);
/* Whether he may go on: his token is still there, not expired, and has that scope. */
bool m4h_gateway_access_holds(const struct m4h_gateway_access *access,
                              struct m4h_gateway_asker *asker, unsigned scope);
/* He asks again: counts as a request does. False: too often; `*retry_ms` is when. */
bool m4h_gateway_access_counts(struct m4h_gateway_access *access, struct m4h_gateway_asker *asker,
                               uint32_t *retry_ms);

void m4h_gateway_access_write_metrics(const struct m4h_gateway_access *access,
                                      struct m4h_metrics *metrics);

#endif
