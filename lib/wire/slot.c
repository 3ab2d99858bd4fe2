/* SlotMessage: what devices and gateways say to each other on a WebSocket. The
 * requests are a stranger's bytes. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/parts.h"
#include "lib/wire/slot_parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/slot.pb-c.h"

#include <string.h>

/* ---- requests ------------------------------------------------------------------- */

int m4h_wire_slot_request_encode(const struct m4h_dispatch_request *request, struct m4h_buffer *out)
{
    Mas4h__V1__SlotMessage message = MAS4H__V1__SLOT_MESSAGE__INIT;
    Mas4h__V1__SlotRequest inner = MAS4H__V1__SLOT_REQUEST__INIT;

    inner.request_id = m4h_wire_borrow(request->request_id);
    inner.region = m4h_wire_borrow(request->region);
    inner.client_key = m4h_wire_borrow(request->client_key);
    message.message_case = MAS4H__V1__SLOT_MESSAGE__MESSAGE_REQUEST;
    message.request = &inner;
    return m4h_wire_pack(&message.base, out);
}

/* An id first, so that the answer can carry it. NULL: it is right. */
static const char *read_request(const Mas4h__V1__SlotMessage *message,
                                struct m4h_dispatch_request *out)
{
    const Mas4h__V1__SlotRequest *request = message->request;

    if (message->message_case != MAS4H__V1__SLOT_MESSAGE__MESSAGE_REQUEST)
        return "the message holds no request";
    if (!m4h_wire_read_text(request->request_id, out->request_id, sizeof(out->request_id))) {
        out->request_id[0] = '\0';
        return "request_id must be text of at most 64 bytes without control characters";
    }
    if (out->request_id[0] == '\0')
        return "request_id is missing or empty";
    if (!m4h_wire_read_id_maybe(request->region, out->region))
        return "region must be at most 63 bytes of a-z, 0-9 and -";
    if (!m4h_wire_read_client_key_maybe(request->client_key, out->client_key))
        return "client_key must be text without control characters";
    return NULL;
}

int m4h_wire_slot_request_decode(const uint8_t *data, size_t len, struct m4h_dispatch_request *out,
                                 struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    const char *wrong = "not a SlotMessage";
    int error = m4h_wire_unpack(&arena, &mas4h__v1__slot_message__descriptor, M4H_WIRE_SMALL_MAX,
                                data, len);

    memset(out, 0, sizeof(*out));
    memset(problem, 0, sizeof(*problem));
    if (error == 0)
        wrong = read_request(arena.message, out);
    if (error != M4H_ENOMEM && wrong != NULL) {
        m4h_problem_set(problem, M4H_PROBLEM_INVALID, wrong);
        error = error != 0 ? error : M4H_EPROTOCOL;
    }
    m4h_wire_release(&arena);
    return error;
}

/* ---- answers --------------------------------------------------------------------- */

static int pack_answer(Mas4h__V1__SlotAnswer *answer, struct m4h_buffer *out)
{
    Mas4h__V1__SlotMessage message = MAS4H__V1__SLOT_MESSAGE__INIT;

    message.message_case = MAS4H__V1__SLOT_MESSAGE__MESSAGE_ANSWER;
    message.answer = answer;
    return m4h_wire_pack(&message.base, out);
}

int m4h_wire_slot_answer_encode(const char *request_id, const struct m4h_slot *slot,
                                const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__SlotAnswer answer = MAS4H__V1__SLOT_ANSWER__INIT;
    struct m4h_wire_slot_parts parts;
    Mas4h__V1__Problem problem_message;

    answer.request_id = m4h_wire_borrow(request_id);
    if (m4h_wire_is_problem(problem)) {
        m4h_wire_write_problem(&problem_message, problem);
        answer.result_case = MAS4H__V1__SLOT_ANSWER__RESULT_PROBLEM;
        answer.problem = &problem_message;
    } else {
        m4h_wire_write_slot(&parts, slot);
        answer.result_case = MAS4H__V1__SLOT_ANSWER__RESULT_SLOT;
        answer.slot = &parts.message;
    }
    return pack_answer(&answer, out);
}

static bool read_result(const Mas4h__V1__SlotAnswer *answer, struct m4h_slot *slot,
                        struct m4h_problem *problem)
{
    switch (answer->result_case) {
    case MAS4H__V1__SLOT_ANSWER__RESULT_SLOT:
        return m4h_wire_read_slot(answer->slot, slot);
    case MAS4H__V1__SLOT_ANSWER__RESULT_PROBLEM:
        return m4h_wire_read_problem(answer->problem, problem);
    default:
        return false;
    }
}

static bool read_answer(const Mas4h__V1__SlotMessage *message,
                        char request_id[M4H_REQUEST_ID_MAX + 1], struct m4h_slot *slot,
                        struct m4h_problem *problem)
{
    memset(slot, 0, sizeof(*slot));
    memset(problem, 0, sizeof(*problem));
    return message->message_case == MAS4H__V1__SLOT_MESSAGE__MESSAGE_ANSWER &&
           m4h_wire_read_text(message->answer->request_id, request_id, M4H_REQUEST_ID_MAX + 1) &&
           read_result(message->answer, slot, problem);
}

int m4h_wire_slot_answer_decode(const uint8_t *data, size_t len,
                                char request_id[M4H_REQUEST_ID_MAX + 1], struct m4h_slot *slot,
                                struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error =
        m4h_wire_unpack(&arena, &mas4h__v1__slot_message__descriptor, M4H_WIRE_KEYS_MAX, data, len);

    if (error == 0 && !read_answer(arena.message, request_id, slot, problem))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

/* ---- notices ------------------------------------------------------------------------ */

int m4h_wire_drain_notice_encode(const struct m4h_drain_notice *notice, struct m4h_buffer *out)
{
    Mas4h__V1__SlotMessage message = MAS4H__V1__SLOT_MESSAGE__INIT;
    Mas4h__V1__DrainNotice inner = MAS4H__V1__DRAIN_NOTICE__INIT;
    char *request_ids[M4H_DRAIN_NOTICE_MAX];

    inner.slave_id = m4h_wire_borrow(notice->slave_id);
    inner.n_request_ids = notice->count;
    for (size_t i = 0; i < notice->count; i++)
        request_ids[i] = m4h_wire_borrow(notice->request_ids[i]);
    inner.request_ids = request_ids;
    message.message_case = MAS4H__V1__SLOT_MESSAGE__MESSAGE_DRAIN_NOTICE;
    message.drain_notice = &inner;
    return m4h_wire_pack(&message.base, out);
}

static bool read_notice(const Mas4h__V1__SlotMessage *message, struct m4h_drain_notice *out)
{
    const Mas4h__V1__DrainNotice *notice = message->drain_notice;

    memset(out, 0, sizeof(*out));
    if (message->message_case != MAS4H__V1__SLOT_MESSAGE__MESSAGE_DRAIN_NOTICE ||
        notice->n_request_ids > M4H_DRAIN_NOTICE_MAX ||
        !m4h_wire_read_id(notice->slave_id, out->slave_id))
        return false;
    out->count = notice->n_request_ids;
    for (size_t i = 0; i < out->count; i++) {
        if (!m4h_wire_read_text(notice->request_ids[i], out->request_ids[i],
                                sizeof(out->request_ids[i])))
            return false;
    }
    return true;
}

int m4h_wire_drain_notice_decode(const uint8_t *data, size_t len, struct m4h_drain_notice *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__slot_message__descriptor, M4H_WIRE_SMALL_MAX,
                                data, len);

    if (error == 0 && !read_notice(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}
