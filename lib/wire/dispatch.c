/* DispatchRequest and its reply. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/parts.h"
#include "lib/wire/slot_parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/dispatch.pb-c.h"

#include <string.h>

int m4h_wire_dispatch_request_encode(const struct m4h_dispatch_request *request,
                                     struct m4h_buffer *out)
{
    Mas4h__V1__DispatchRequest message = MAS4H__V1__DISPATCH_REQUEST__INIT;

    message.request_id = m4h_wire_borrow(request->request_id);
    message.region = m4h_wire_borrow(request->region);
    message.client_key = m4h_wire_borrow(request->client_key);
    return m4h_wire_pack(&message.base, out);
}

static bool read_request(const Mas4h__V1__DispatchRequest *message,
                         struct m4h_dispatch_request *out)
{
    return m4h_wire_read_text(message->request_id, out->request_id, sizeof(out->request_id)) &&
           m4h_wire_read_id_maybe(message->region, out->region) &&
           m4h_wire_read_client_key_maybe(message->client_key, out->client_key);
}

int m4h_wire_dispatch_request_decode(const uint8_t *data, size_t len,
                                     struct m4h_dispatch_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__dispatch_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_request(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

int m4h_wire_dispatch_reply_encode(const struct m4h_slot *slot, const struct m4h_problem *problem,
                                   struct m4h_buffer *out)
{
    Mas4h__V1__DispatchReply message = MAS4H__V1__DISPATCH_REPLY__INIT;
    struct m4h_wire_slot_parts parts;
    Mas4h__V1__Problem problem_message;

    if (!m4h_wire_is_problem(problem)) {
        m4h_wire_write_slot(&parts, slot);
        message.result_case = MAS4H__V1__DISPATCH_REPLY__RESULT_SLOT;
        message.slot = &parts.message;
        return m4h_wire_pack(&message.base, out);
    }
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__DISPATCH_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

static bool read_reply(const Mas4h__V1__DispatchReply *message, struct m4h_slot *slot,
                       struct m4h_problem *problem)
{
    memset(slot, 0, sizeof(*slot));
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__DISPATCH_REPLY__RESULT_SLOT:
        return m4h_wire_read_slot(message->slot, slot);
    case MAS4H__V1__DISPATCH_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem);
    default:
        return false;
    }
}

int m4h_wire_dispatch_reply_decode(const uint8_t *data, size_t len, struct m4h_slot *slot,
                                   struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__dispatch_reply__descriptor, M4H_WIRE_KEYS_MAX,
                                data, len);

    if (error == 0 && !read_reply(arena.message, slot, problem))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}
