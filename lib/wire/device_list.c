/* Lists of records: a page of them, and what a master tells the others. Both hold as many
 * of those given as fit into one message, in their order. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/device_parts.h"
#include "lib/wire/field.h"
#include "lib/wire/parts.h"
#include "lib/wire/wire.h"

#include <stdlib.h>
#include <string.h>

/* Tag and length before a record or a nested message, at most. */
#define HEAD_BYTES 4u
/* What a message holds beside its records: two heads, and the longest of names and numbers. */
#define FRAME_BYTES (3 * HEAD_BYTES + M4H_PAGE_TOKEN_MAX + 16)

/* The records of one message: `messages` point into `parts`, which is one allocation with them. */
struct filled {
    struct m4h_wire_device_parts *parts; /* owned */
    Mas4h__V1__Device **messages;
    size_t count;
};

/* Takes as many of `devices` as fit, at least one. M4H_ENOMEM or M4H_ETOOBIG: nothing is owned. */
static int fill(struct filled *filled, const struct m4h_device_record *devices, size_t count,
                const struct m4h_buffer *out)
{
    size_t room =
        out->cap - out->len < M4H_WIRE_MESSAGE_MAX ? out->cap - out->len : M4H_WIRE_MESSAGE_MAX;

    *filled = (struct filled){0};
    if (count > M4H_DEVICES_PAGE_MAX)
        return M4H_ETOOBIG;
    if (count == 0)
        return 0;
    filled->parts = malloc(count * (sizeof(*filled->parts) + sizeof(*filled->messages)));
    if (filled->parts == NULL)
        return M4H_ENOMEM;
    filled->messages = (Mas4h__V1__Device **)(void *)(filled->parts + count);
    room -= room < FRAME_BYTES ? room : FRAME_BYTES;
    for (; filled->count < count; filled->count++) {
        Mas4h__V1__Device *message = &filled->parts[filled->count].message;
        size_t size;

        m4h_wire_write_device(&filled->parts[filled->count], &devices[filled->count]);
        size = HEAD_BYTES + protobuf_c_message_get_packed_size(&message->base);
        if (size > room)
            break;
        room -= size;
        filled->messages[filled->count] = message;
    }
    if (filled->count > 0)
        return 0;
    free(filled->parts);
    filled->parts = NULL;
    return M4H_ETOOBIG;
}

/* ---- pages --------------------------------------------------------------------- */

int m4h_wire_devices_request_encode(const struct m4h_devices_request *request,
                                    struct m4h_buffer *out)
{
    Mas4h__V1__DevicesListRequest message = MAS4H__V1__DEVICES_LIST_REQUEST__INIT;

    message.state = (Mas4h__V1__DeviceState)request->state;
    message.page_size = request->page_size;
    message.page_token = m4h_wire_borrow(request->page_token);
    message.client_key_prefix = m4h_wire_borrow(request->client_key_prefix);
    message.request_id = m4h_wire_borrow(request->request_id);
    message.with_removed = request->with_removed;
    return m4h_wire_pack(&message.base, out);
}

static bool read_request(const Mas4h__V1__DevicesListRequest *message,
                         struct m4h_devices_request *out)
{
    bool sized = message->page_size >= 1 && message->page_size <= M4H_DEVICES_PAGE_MAX;

    out->state = (enum m4h_device_state)message->state;
    out->page_size = sized ? message->page_size : M4H_DEVICES_PAGE_MAX;
    out->with_removed = message->with_removed;
    return (int)message->state >= 0 && (int)message->state <= M4H_DEVICE_PENDING &&
           m4h_wire_read_client_key_maybe(message->page_token, out->page_token) &&
           m4h_wire_read_text(message->client_key_prefix, out->client_key_prefix,
                              sizeof(out->client_key_prefix)) &&
           m4h_wire_read_text(message->request_id, out->request_id, sizeof(out->request_id));
}

int m4h_wire_devices_request_decode(const uint8_t *data, size_t len,
                                    struct m4h_devices_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__devices_list_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_request(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

static int pack_page(const struct m4h_device_record *devices, size_t count,
                     const char *next_page_token, struct m4h_buffer *out)
{
    Mas4h__V1__DevicesListReply reply = MAS4H__V1__DEVICES_LIST_REPLY__INIT;
    Mas4h__V1__DevicesPage page = MAS4H__V1__DEVICES_PAGE__INIT;
    struct filled filled;
    int error = fill(&filled, devices, count, out);

    if (error != 0)
        return error;
    page.n_devices = filled.count;
    page.devices = filled.messages;
    page.next_page_token = m4h_wire_borrow(
        filled.count < count ? devices[filled.count - 1].key_fingerprint : next_page_token);
    reply.result_case = MAS4H__V1__DEVICES_LIST_REPLY__RESULT_PAGE;
    reply.page = &page;
    error = m4h_wire_pack(&reply.base, out);
    free(filled.parts);
    return error;
}

int m4h_wire_devices_reply_encode(const struct m4h_device_record *devices, size_t count,
                                  const char *next_page_token, const struct m4h_problem *problem,
                                  struct m4h_buffer *out)
{
    Mas4h__V1__DevicesListReply message = MAS4H__V1__DEVICES_LIST_REPLY__INIT;
    Mas4h__V1__Problem problem_message;

    if (!m4h_wire_is_problem(problem))
        return pack_page(devices, count, next_page_token, out);
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__DEVICES_LIST_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

static int read_devices(size_t message_count, Mas4h__V1__Device *const *messages,
                        struct m4h_device_record **devices, size_t *count)
{
    struct m4h_device_record *read;

    if (message_count > M4H_DEVICES_PAGE_MAX)
        return M4H_EPROTOCOL;
    if (message_count == 0)
        return 0;
    read = calloc(message_count, sizeof(*read));
    if (read == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < message_count; i++) {
        if (!m4h_wire_read_device(messages[i], &read[i])) {
            free(read);
            return M4H_EPROTOCOL;
        }
    }
    *devices = read;
    *count = message_count;
    return 0;
}

static int read_reply(const Mas4h__V1__DevicesListReply *message,
                      struct m4h_device_record **devices, size_t *count,
                      char token[M4H_PAGE_TOKEN_MAX + 1], struct m4h_problem *problem)
{
    switch (message->result_case) {
    case MAS4H__V1__DEVICES_LIST_REPLY__RESULT_PAGE:
        if (!m4h_wire_read_client_key_maybe(message->page->next_page_token, token))
            return M4H_EPROTOCOL;
        return read_devices(message->page->n_devices, message->page->devices, devices, count);
    case MAS4H__V1__DEVICES_LIST_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem) ? 0 : M4H_EPROTOCOL;
    default:
        return M4H_EPROTOCOL;
    }
}

int m4h_wire_devices_reply_decode(const uint8_t *data, size_t len,
                                  struct m4h_device_record **devices, size_t *count,
                                  char next_page_token[M4H_PAGE_TOKEN_MAX + 1],
                                  struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__devices_list_reply__descriptor,
                                M4H_WIRE_MESSAGE_MAX, data, len);

    *devices = NULL;
    *count = 0;
    next_page_token[0] = '\0';
    memset(problem, 0, sizeof(*problem));
    if (error == 0)
        error = read_reply(arena.message, devices, count, next_page_token, problem);
    m4h_wire_release(&arena);
    return error;
}

/* ---- among masters ------------------------------------------------------------- */

int m4h_wire_devices_changed_encode(const char *master_id, uint64_t instance,
                                    const struct m4h_device_record *devices, size_t count,
                                    size_t *taken, struct m4h_buffer *out)
{
    Mas4h__V1__DevicesChanged message = MAS4H__V1__DEVICES_CHANGED__INIT;
    struct filled filled;
    int error = fill(&filled, devices, count, out);

    *taken = 0;
    if (error != 0)
        return error;
    message.master_id = m4h_wire_borrow(master_id);
    message.instance = instance;
    message.n_devices = filled.count;
    message.devices = filled.messages;
    error = m4h_wire_pack(&message.base, out);
    if (error == 0)
        *taken = filled.count;
    free(filled.parts);
    return error;
}

int m4h_wire_devices_changed_decode(const uint8_t *data, size_t len, char master_id[M4H_ID_MAX + 1],
                                    uint64_t *instance, struct m4h_device_record **devices,
                                    size_t *count)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__devices_changed__descriptor,
                                M4H_WIRE_MESSAGE_MAX, data, len);
    const Mas4h__V1__DevicesChanged *message = arena.message;

    *devices = NULL;
    *count = 0;
    if (error == 0 && (message->instance == 0 || !m4h_wire_read_id(message->master_id, master_id)))
        error = M4H_EPROTOCOL;
    if (error == 0) {
        *instance = message->instance;
        error = read_devices(message->n_devices, message->devices, devices, count);
    }
    m4h_wire_release(&arena);
    return error;
}
