/* Questions to masters and slaves over the bus, each with one deadline for all
 * of its tries. A question to the masters goes to one of them by name, where their
 * hellos are heard. Runs on the loop. */
#ifndef M4H_GATEWAY_RPC_H
#define M4H_GATEWAY_RPC_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/known_masters.h"
#include "lib/base/metrics.h"
#include "lib/bus/bus.h"
#include "lib/net/loop.h"
#include "services/gateway/core/readiness.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_gateway_rpc;
struct m4h_gateway_rpc_ask;

/* The end of a question, exactly once unless it was cancelled, never from inside
 * m4h_gateway_rpc_start: 0 and the answer (borrowed), or M4H_ETIMEOUT, M4H_EUNAVAILABLE,
 * M4H_ECLOSED (m4h_gateway_rpc_close), or what m4h_bus_request says. */
typedef void (*m4h_gateway_rpc_on_end)(void *context, int error, const uint8_t *data, size_t len);

struct m4h_gateway_rpc_question {
    const char *subject;
    const struct m4h_buffer *request; /* both are copied */
    bool may_repeat;                  /* asking twice does no harm */
    bool of_group;                    /* of the queue group, not of a master by name */
};

struct m4h_gateway_rpc_stats {
    uint64_t asked;
    uint64_t repeated;
    uint64_t failed;
    uint32_t open;
    struct m4h_known_masters_numbers masters;
};

/* `bus` and `readiness`, which is told of masters that answer, are borrowed for its life.
 * M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_gateway_rpc_create(struct m4h_gateway_rpc **rpc, struct m4h_loop *loop,
                                          struct m4h_bus *bus,
                                          struct m4h_gateway_readiness *readiness,
                                          uint32_t timeout_ms);
/* Ends all that is open with M4H_ECLOSED, and refuses what is asked from then on. */
void m4h_gateway_rpc_close(struct m4h_gateway_rpc *rpc);
/* After m4h_gateway_rpc_close. Accepts NULL. */
void m4h_gateway_rpc_destroy(struct m4h_gateway_rpc *rpc);

/* A master says hello. */
void m4h_gateway_rpc_heard(struct m4h_gateway_rpc *rpc, const struct m4h_master_hello *hello);
/* The queue group gave a question to that master. */
void m4h_gateway_rpc_near(struct m4h_gateway_rpc *rpc, const char *master_id);
/* The bus is away: what was heard does not count any more. */
void m4h_gateway_rpc_cut_off(struct m4h_gateway_rpc *rpc);

/* Asks. `*ask` is valid until its on_end has returned. M4H_ENOMEM, M4H_ECLOSED; then there is no
 * callback. */
M4H_MUST_CHECK int m4h_gateway_rpc_start(struct m4h_gateway_rpc *rpc,
                                         const struct m4h_gateway_rpc_question *question,
                                         m4h_gateway_rpc_on_end on_end, void *context,
                                         struct m4h_gateway_rpc_ask **ask);
/* From inside on_end, where the answer was no more than "not now": asks once more
 * after a pause, if it may and there is time. True: on_end comes again. */
bool m4h_gateway_rpc_again(struct m4h_gateway_rpc_ask *ask);
/* No callback any more; not from inside its on_end. Accepts NULL. */
void m4h_gateway_rpc_cancel(struct m4h_gateway_rpc_ask *ask);

/* mas4h_gateway_rpc_duration_seconds, of whole questions with all their tries. */
void m4h_gateway_rpc_write_latency(const struct m4h_gateway_rpc *rpc, struct m4h_metrics *metrics);
void m4h_gateway_rpc_stats(const struct m4h_gateway_rpc *rpc, struct m4h_gateway_rpc_stats *stats);

#endif
