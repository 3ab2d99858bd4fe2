/* The two subprotocols. */
#include "services/gateway/io/dialect.h"

#include "lib/json/json.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/problem.h"

#include <string.h>

#define JSON     "mas4h.slot.v1.json"
#define PROTOBUF "mas4h.slot.v1.protobuf"

const char *const m4h_gateway_dialect_names[] = {JSON, PROTOBUF, NULL};

static int write_json_problem(struct m4h_buffer *out, const char *request_id,
                              const struct m4h_problem *problem)
{
    struct m4h_json_problem written = {
        .status = m4h_gateway_problem_status(problem),
        .code = m4h_problem_code_name(problem->code),
        .detail = problem->detail,
        .retry_after_ms = m4h_gateway_problem_retry_ms(problem),
    };

    return m4h_json_slot_error(out, request_id, &written);
}

static int write_protobuf_slot(struct m4h_buffer *out, const char *request_id,
                               const struct m4h_slot *slot)
{
    return m4h_wire_slot_answer_encode(request_id, slot, NULL, out);
}

static int write_protobuf_problem(struct m4h_buffer *out, const char *request_id,
                                  const struct m4h_problem *problem)
{
    struct m4h_problem written = *problem;

    written.retry_after_ms = m4h_gateway_problem_retry_ms(problem);
    return m4h_wire_slot_answer_encode(request_id, NULL, &written, out);
}

static int write_protobuf_notice(struct m4h_buffer *out, const struct m4h_drain_notice *notice)
{
    return m4h_wire_drain_notice_encode(notice, out);
}

const struct m4h_gateway_dialect *m4h_gateway_dialect_of(const char *name)
{
    static const struct m4h_gateway_dialect json = {
        .name = JSON,
        .is_text = true,
        .read_request = m4h_json_slot_message_parse,
        .write_slot = m4h_json_slot_answer,
        .write_problem = write_json_problem,
        .write_notice = m4h_json_slot_notice,
    };
    static const struct m4h_gateway_dialect protobuf = {
        .name = PROTOBUF,
        .is_text = false,
        .read_request = m4h_wire_slot_request_decode,
        .write_slot = write_protobuf_slot,
        .write_problem = write_protobuf_problem,
        .write_notice = write_protobuf_notice,
    };

    return strcmp(name, PROTOBUF) == 0 ? &protobuf : &json;
}
