/* Asks one HTTP server many questions at once, on a loop that it never holds up: each is a
 * POST of a JSON document to the same URL. Connections are kept open between questions
 * (HTTP/1.1), at most `connections_max` of them; questions beyond that wait for their turn, and
 * that time counts as part of their own.
 *
 * Redirects are not followed and no proxy of the environment is heeded: what is asked goes to
 * the server that was named, or nowhere. All calls on the loop's thread, none of which blocks;
 * names are looked up on a thread of libcurl. */
#ifndef M4H_FETCH_POOL_H
#define M4H_FETCH_POOL_H

#include "lib/base/attributes.h"
#include "lib/net/loop.h"

#include <stddef.h>
#include <stdint.h>

struct m4h_fetch_pool;
struct m4h_fetch_ask;

/* All is copied. What NULL or "" leaves out: */
struct m4h_fetch_pool_config {
    const char *url;        /* http or https */
    const char *user_agent; /* "mas4h-master/5.0.0" */
    const char *ca_file;    /* PEM, instead of the system's authorities */
    const char *cert_file;  /* PEM: the certificate that is shown to the server, */
    const char *key_file;   /* and its key */
    const char *token_file; /* its first line is sent as "Authorization: Bearer"; read again within
                               2 s after it has changed */
    uint32_t connect_timeout_ms; /* TCP and TLS */
    uint32_t connections_max;    /* at least 1 */
    uint32_t waiting_max;        /* questions without a connection */
    size_t answer_max;           /* bytes of an answer's body, and of its head */
};

/* How a question ended. Borrowed, valid during the callback. */
struct m4h_fetch_result {
    /* 0: there is an answer, whatever its status. M4H_EUNAVAILABLE: nobody was reached, or the
     * connection broke before the answer was whole: it may be asked again. M4H_ETIMEOUT;
     * M4H_ETOOBIG; M4H_EPROTOCOL: not trusted, or no HTTP; M4H_ENOMEM. */
    int error;
    const char *detail;      /* on an error, for people */
    unsigned status;         /* of HTTP; 0 on an error */
    uint32_t retry_after_ms; /* as the server says, an hour at most; 0: it does not */
    const uint8_t *body;
    size_t body_len;
};

/* M4H_EINVALID: no http or https URL; M4H_ESYSTEM: the token cannot be read (errno may say why);
 * M4H_EPROTOCOL: the token cannot be in a header; M4H_ENOMEM. Of the other files nothing is read
 * yet. */
M4H_MUST_CHECK int m4h_fetch_pool_create(struct m4h_fetch_pool **pool, struct m4h_loop *loop,
                                         const struct m4h_fetch_pool_config *config);
/* Questions that are open end without their callback. Legal in such a callback. Wipes the token.
 * Accepts NULL. */
void m4h_fetch_pool_destroy(struct m4h_fetch_pool *pool);

/* Asks with a copy of `body`. `on_result` ends it, once, never within this call: `*ask` is then
 * gone. M4H_EFULL: `waiting_max` wait already; M4H_ENOMEM. */
M4H_MUST_CHECK int
m4h_fetch_pool_ask(struct m4h_fetch_pool *pool, const void *body, size_t len, uint32_t timeout_ms,
                   void (*on_result)(void *context, const struct m4h_fetch_result *result),
                   void *context, struct m4h_fetch_ask **ask);
/* No callback any more. Where it is under way, its connection is closed. Accepts NULL. */
void m4h_fetch_ask_cancel(struct m4h_fetch_ask *ask);

struct m4h_fetch_pool_stats {
    uint32_t running;     /* questions on a connection */
    uint32_t waiting;     /* for one */
    uint64_t connections; /* that were made so far */
};

void m4h_fetch_pool_stats(const struct m4h_fetch_pool *pool, struct m4h_fetch_pool_stats *stats);

#endif
