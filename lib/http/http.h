/* An HTTP/1.1 server on a loop: routes, requests, answers now or later.
 *
 * Everything runs on the loop's thread. A handler gets a request and ends it
 * with exactly one m4h_http_answer*, before it returns or later; for later it
 * first calls m4h_http_defer. A deferred request stays valid until it is
 * answered, also when its client went away, the server gave it up (504 after
 * `answer_timeout_ms`) or was destroyed: the answer then goes nowhere.
 *
 * An answer may also go on: see lib/http/stream.h.
 *
 * The layer itself answers 404, 405 with Allow, 413, 414, 431, and HEAD by the
 * route of GET; as problems (RFC 9457) where the library below lets it. A client
 * that does not finish sending within `receive_timeout_ms` is cut off. */
#ifndef M4H_HTTP_HTTP_H
#define M4H_HTTP_HTTP_H

#include "lib/base/address.h"
#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/model.h"
#include "lib/base/network.h"
#include "lib/net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_http_server;
struct m4h_http_request;
struct m4h_metrics;

/* ---- routes ---------------------------------------------------------------- */

typedef void (*m4h_http_handler)(void *context, struct m4h_http_request *request);

struct m4h_http_route {
    const char *method;  /* GET serves HEAD too */
    const char *pattern; /* "/v1/tunnels/{client_key}": a name takes one whole segment */
    m4h_http_handler handler;
    bool quiet;     /* its access log lines are for debugging only */
    unsigned scope; /* what the guard is told: who may ask for it. 0: everybody */
};

/* Routes and what their handlers get. All borrowed, for the server's life. */
struct m4h_http_routes {
    const struct m4h_http_route *routes;
    size_t count;
    void *context;
};

/* Parameters in one pattern, at most. */
#define M4H_HTTP_PATH_PARAMETERS_MAX 4
/* Longer paths with their query are answered by 414. */
#define M4H_HTTP_TARGET_MAX 2048

/* ---- the server ------------------------------------------------------------ */

/* Looks at a request whose route is known, before its body has come: may it be
 * served? False: the guard has answered it. `scope` is the route's; this layer does
 * not interpret it. */
typedef bool (*m4h_http_guard)(void *context, struct m4h_http_request *request, unsigned scope);

/* Where trusted proxies say whom they ask for. The other header is never read: a proxy
 * hands it on as its client wrote it. */
enum m4h_http_forwarded_header {
    M4H_HTTP_X_FORWARDED_FOR, /* and X-Forwarded-Proto */
    M4H_HTTP_FORWARDED,       /* RFC 7239 */
};

/* 0 in a field: its default, given in brackets. */
struct m4h_http_config {
    const char *component;                /* of its log lines ["http"]; borrowed */
    const struct m4h_http_routes *routes; /* borrowed */
    size_t routes_count;
    uint32_t connections_max; /* [64]; more wait in the kernel's queue */
    /* Of them, those of one source: an IPv4 address, or a /64 of IPv6. More are closed; not of
     * trusted_proxies. [no bound] */
    uint32_t source_connections_max;
    uint32_t
        connection_memory; /* bytes for a request's head and an answer's [8192; by TLS 32768] */
    uint32_t receive_timeout_ms; /* from the first byte, or the last answer [30000] */
    uint32_t answer_timeout_ms;  /* of a deferred request, before 504 [10000] */
    uint32_t body_max;           /* bytes; more is answered by 413 [16384] */
    const char *tls_cert;        /* PEM files, borrowed: the certificate with its chain, */
    const char *tls_key;         /* and its key. NULL or "": no TLS */
    m4h_http_guard admit;        /* NULL: everybody may ask for everything */
    void *admit_context;
    /* Who is believed when he says for whom he asks. NULL: nobody. Borrowed; may change. */
    const struct m4h_networks *trusted_proxies;
    enum m4h_http_forwarded_header forwarded_header;
    /* Each connection begins with a header of the PROXY protocol, version 1 or 2, before
     * TLS: whose it is. From others than trusted_proxies none is taken. */
    bool proxy_protocol;
};

struct m4h_http_stats {
    uint64_t requests;        /* answered */
    uint64_t answers_4xx;     /* of them */
    uint64_t answers_5xx;     /* of them */
    uint64_t connections;     /* accepted ever */
    uint64_t refused_proxies; /* of none of trusted_proxies, or without their header */
    uint64_t refused_sources; /* of sources that had source_connections_max */
    uint32_t open;            /* connections now, WebSockets among them */
    uint32_t deferred;        /* requests that wait for their answer */
    uint32_t websockets;      /* open now */
    uint32_t streams;         /* answers that go on, now */
};

/* Listens on `address` and serves. Raises RLIMIT_NOFILE as far as it may for
 * `connections_max`, which it lowers (and says so in the log) where the limit
 * does not allow for it. `*server` is NULL on error, which is logged: M4H_EINVALID
 * (the host, the certificate), M4H_EEXIST (the address is in use), M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_http_server_create(struct m4h_http_server **server, struct m4h_loop *loop,
                                          const struct m4h_address *address,
                                          const struct m4h_http_config *config);
/* The port that it got. */
uint16_t m4h_http_server_port(const struct m4h_http_server *server);
void m4h_http_server_stats(const struct m4h_http_server *server, struct m4h_http_stats *stats);
/* A histogram of seconds by "route", "method" and "class" of status. An answer that goes on and
 * an upgrade count until they begin. */
void m4h_http_server_write_durations(const struct m4h_http_server *server, const char *name,
                                     struct m4h_metrics *metrics);

/* Reads certificate and key again: at once, or where a file has changed and then stayed
 * the same from one call to the next. Where that fails, which is logged, those of before
 * hold. Without TLS nothing happens. */
void m4h_http_server_reload_tls(struct m4h_http_server *server);
void m4h_http_server_check_tls(struct m4h_http_server *server);

/* Will end soon: serves on, but answers say "Connection: close", so that clients and
 * proxies make their next connections elsewhere. */
void m4h_http_server_leave(struct m4h_http_server *server);
/* Begins to end: no new connection but those that wait already, answers say "Connection:
 * close", connections that are idle half a second later are closed, streams end, and
 * WebSockets are closed with 1001, in batches over `spread_ms`. It is over when
 * stats.open is 0. */
void m4h_http_server_drain(struct m4h_http_server *server, uint32_t spread_ms);
/* Ends at once: what is deferred is answered by 503, WebSockets are cut, all is
 * freed. Not from inside a handler or another callback of this server. Accepts NULL. */
void m4h_http_server_destroy(struct m4h_http_server *server);

/* ---- a request ------------------------------------------------------------- */

/* All texts are borrowed, valid as long as the request. */

const char *m4h_http_method(const struct m4h_http_request *request);
/* The path as it came, without the query. */
const char *m4h_http_path(const struct m4h_http_request *request);
/* The client's address, as text (without a port where a proxy did not tell it) and as
 * such (zeroes: not known). */
const char *m4h_http_peer(const struct m4h_http_request *request);
const struct m4h_ip *m4h_http_source(const struct m4h_http_request *request);
/* Whether the client sent it by TLS, to us or to a trusted proxy. */
bool m4h_http_is_encrypted(const struct m4h_http_request *request);
/* X-Request-Id of the client where it is [A-Za-z0-9._-]{1,64}, else one made
 * here. Every answer carries it. */
const char *m4h_http_request_id(const struct m4h_http_request *request);
/* A {name} of the pattern, percent-decoded: valid UTF-8, no control character,
 * not empty. NULL: the pattern has no such name. */
const char *m4h_http_path_parameter(const struct m4h_http_request *request, const char *name);
/* Percent-decoded, valid UTF-8, no control character; a query that is not is
 * answered by 400 before any handler. NULL: not given. The first, if repeated. */
const char *m4h_http_query(const struct m4h_http_request *request, const char *name);
/* The same, of those with that name the one at `index`; NULL: there are not so many. */
const char *m4h_http_query_at(const struct m4h_http_request *request, const char *name,
                              size_t index);
/* NULL: not given, or the client is gone. */
const char *m4h_http_header(const struct m4h_http_request *request, const char *name);
/* The body, at most `body_max` bytes; not NUL terminated. */
const uint8_t *m4h_http_body(const struct m4h_http_request *request, size_t *len);

#define M4H_HTTP_JSON "application/json"

/* Whether an answer of that media type is acceptable to the client, whether its body
 * (if there is one) is of that type. False: no, and it has got its 406, or 415. A body
 * without a type passes, and one of application/x-www-form-urlencoded, which curl and
 * other clients say unasked. Before the handler returns. */
bool m4h_http_check_accept(struct m4h_http_request *request, const char *type);
bool m4h_http_check_type(struct m4h_http_request *request, const char *type);

/* Who asks, as the guard found: for the access log and for handlers. Copied, cut at
 * M4H_ID_MAX; "" until it is set. */
void m4h_http_set_asker(struct m4h_http_request *request, const char *name);
const char *m4h_http_asker(const struct m4h_http_request *request);

/* The answer comes later. Exactly once, in the handler. */
void m4h_http_defer(struct m4h_http_request *request);

/* ---- answers --------------------------------------------------------------- */

struct m4h_http_header {
    const char *name;
    const char *value;
};

struct m4h_http_answer {
    unsigned status;
    const char *content_type;              /* NULL: no body */
    struct m4h_buffer *body;               /* its bytes are taken, also on failure; may be NULL */
    const struct m4h_http_header *headers; /* copied */
    size_t header_count;
};

/* Ends the request: do not touch it after. Where memory is short the client
 * gets 500. */
void m4h_http_answer(struct m4h_http_request *request, const struct m4h_http_answer *answer);
/* The same, as a JSON document in `body`. */
void m4h_http_answer_json(struct m4h_http_request *request, unsigned status,
                          struct m4h_buffer *body);
/* ---- content that many answers share ----------------------------------------- */

/* Bytes of a media type with their ETag, counted by its holders. On the loop. */
struct m4h_http_content;

/* `type` is borrowed for ever, the bytes are taken (not on failure). The caller holds
 * it. M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_http_content_create(struct m4h_http_content **content, const char *type,
                                           struct m4h_buffer *bytes);
/* Returns `content`. */
struct m4h_http_content *m4h_http_content_hold(struct m4h_http_content *content);
/* Freed where nobody holds it. Accepts NULL. */
void m4h_http_content_release(struct m4h_http_content *content);
size_t m4h_http_content_len(const struct m4h_http_content *content);
/* Ends a GET with it, 200 and its ETag, or with 304 where If-None-Match has that one;
 * the client has to ask before it uses what it keeps, and no shared cache may keep it.
 * The caller still holds it. */
void m4h_http_answer_content(struct m4h_http_request *request, struct m4h_http_content *content);

/* ---- problems ----------------------------------------------------------------- */

/* A problem; `code` is its stable name ("not_found"), `detail` may be NULL.
 * Retry-After is added where `retry_after_ms` is not 0. */
void m4h_http_answer_problem(struct m4h_http_request *request, unsigned status, const char *code,
                             const char *detail, uint32_t retry_after_ms);
/* A problem with the header that its status demands, as Allow or WWW-Authenticate
 * (`value` NULL: without), of a request that is not deferred. */
void m4h_http_refuse(struct m4h_http_request *request, unsigned status, const char *code,
                     const char *detail, const char *header, const char *value);

#endif
