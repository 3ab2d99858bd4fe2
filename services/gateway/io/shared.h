/* Questions about status, asked of a master once for all who want the same.
 *
 * Who asks while such a question is open gets its answer too: it may have been on its
 * way already, so it is as old as one round trip at most. The answer of a view with
 * `may_be_kept` is also given to who comes within `keep_ms` after it. All get the same
 * bytes, written once. Problems are never kept. Runs on the loop. */
#ifndef M4H_GATEWAY_SHARED_H
#define M4H_GATEWAY_SHARED_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/model.h"
#include "lib/http/http.h"
#include "services/gateway/io/rpc.h"

struct m4h_gateway_shared;

/* Something to be seen: where it is asked for, and how a reply becomes a document. */
struct m4h_gateway_view {
    const char *subject;
    bool may_be_kept;
    /* Adds the document to `out`, or fills `problem` (that is empty). An error: the
     * reply is none. */
    int (*write)(const uint8_t *data, size_t len, struct m4h_buffer *out,
                 struct m4h_problem *problem);
};

struct m4h_gateway_shared_stats {
    uint64_t asked;  /* answers that took a question */
    uint64_t joined; /* that came with another's question */
    uint64_t kept;   /* that were there already */
};

/* `rpc` is borrowed, for its life. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_gateway_shared_create(struct m4h_gateway_shared **shared,
                                             struct m4h_loop *loop, struct m4h_gateway_rpc *rpc,
                                             uint32_t keep_ms);
/* After m4h_gateway_rpc_close, which answers who waits. Accepts NULL. */
void m4h_gateway_shared_destroy(struct m4h_gateway_shared *shared);

void m4h_gateway_shared_set_keep(struct m4h_gateway_shared *shared, uint32_t keep_ms);

/* Answers `request`, now or later. `key` is what makes two questions the same, beside
 * the view, which is borrowed for ever; `message` is sent where it has to be asked, and
 * may name the request. Both are copied. */
void m4h_gateway_shared_ask(struct m4h_gateway_shared *shared, const struct m4h_gateway_view *view,
                            const struct m4h_buffer *key, const struct m4h_buffer *message,
                            struct m4h_http_request *request);

void m4h_gateway_shared_stats(const struct m4h_gateway_shared *shared,
                              struct m4h_gateway_shared_stats *stats);

#endif
