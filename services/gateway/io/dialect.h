/* The subprotocols of the WebSocket of slots: how a request is read, and what is said back
 * written. The same words in JSON (text messages) and in protobuf (binary ones). */
#ifndef M4H_GATEWAY_DIALECT_H
#define M4H_GATEWAY_DIALECT_H

#include "lib/base/buffer.h"
#include "lib/base/model.h"

#include <stdbool.h>

struct m4h_gateway_dialect {
    const char *name; /* the subprotocol */
    bool is_text;
    /* As m4h_json_slot_message_parse: `request->request_id` is filled also on an error where it
     * could be read. */
    int (*read_request)(const uint8_t *data, size_t len, struct m4h_dispatch_request *request,
                        struct m4h_problem *problem);
    /* These add to `out`: M4H_ENOMEM or M4H_ETOOBIG. */
    int (*write_slot)(struct m4h_buffer *out, const char *request_id, const struct m4h_slot *slot);
    int (*write_problem)(struct m4h_buffer *out, const char *request_id,
                         const struct m4h_problem *problem);
    int (*write_notice)(struct m4h_buffer *out, const struct m4h_drain_notice *notice);
};

/* Their names, the default first; NULL terminated. */
extern const char *const m4h_gateway_dialect_names[];

/* Of one of these names. */
const struct m4h_gateway_dialect *m4h_gateway_dialect_of(const char *name);

#endif
