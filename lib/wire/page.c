/* Pages of the lists: slaves and tunnels.
 *
 * A page holds as many of the items given as fit into one message, in their
 * order. Where it has to leave some out, its next_page_token is the name of the
 * last one in it, as page tokens are, so whoever lists goes on from there. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/status_parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/status.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* Tag and length before an item or a nested message, at most. */
#define HEAD_BYTES 4u
/* What a reply holds beside its items: two heads, and the token with its own. */
#define FRAME_BYTES (3 * HEAD_BYTES + M4H_PAGE_TOKEN_MAX)

/* ---- requests ---------------------------------------------------------------- */

static bool read_request(const char *region, const char *slave_id, uint32_t page_size,
                         const char *page_token, const char *request_id,
                         struct m4h_page_request *out)
{
    out->client_key_prefix[0] = '\0';
    out->labels[0] = '\0';
    out->page_size = page_size == 0                  ? M4H_PAGE_SIZE_DEFAULT
                     : page_size > M4H_PAGE_SIZE_MAX ? M4H_PAGE_SIZE_MAX
                                                     : page_size;
    return m4h_wire_read_id_maybe(region, out->region) &&
           m4h_wire_read_id_maybe(slave_id, out->slave_id) &&
           m4h_wire_read_client_key_maybe(page_token, out->page_token) &&
           m4h_wire_read_text(request_id, out->request_id, sizeof(out->request_id));
}

int m4h_wire_slaves_request_encode(const struct m4h_page_request *request, struct m4h_buffer *out)
{
    Mas4h__V1__SlavesStatusRequest message = MAS4H__V1__SLAVES_STATUS_REQUEST__INIT;

    message.region = m4h_wire_borrow(request->region);
    message.slave_id = m4h_wire_borrow(request->slave_id);
    message.page_size = request->page_size;
    message.page_token = m4h_wire_borrow(request->page_token);
    message.request_id = m4h_wire_borrow(request->request_id);
    return m4h_wire_pack(&message.base, out);
}

static bool read_slaves_request(const Mas4h__V1__SlavesStatusRequest *message,
                                struct m4h_page_request *out)
{
    return read_request(message->region, message->slave_id, message->page_size, message->page_token,
                        message->request_id, out);
}

int m4h_wire_slaves_request_decode(const uint8_t *data, size_t len, struct m4h_page_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__slaves_status_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_slaves_request(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

int m4h_wire_tunnels_request_encode(const struct m4h_page_request *request, struct m4h_buffer *out)
{
    Mas4h__V1__TunnelsStatusRequest message = MAS4H__V1__TUNNELS_STATUS_REQUEST__INIT;
    struct m4h_wire_label_parts labels;

    message.region = m4h_wire_borrow(request->region);
    message.slave_id = m4h_wire_borrow(request->slave_id);
    message.page_size = request->page_size;
    message.page_token = m4h_wire_borrow(request->page_token);
    message.request_id = m4h_wire_borrow(request->request_id);
    message.client_key_prefix = m4h_wire_borrow(request->client_key_prefix);
    message.n_labels = m4h_wire_write_labels(&labels, request->labels);
    message.labels = labels.pointers;
    return m4h_wire_pack(&message.base, out);
}

static bool read_tunnels_request(const Mas4h__V1__TunnelsStatusRequest *message,
                                 struct m4h_page_request *out)
{
    return read_request(message->region, message->slave_id, message->page_size, message->page_token,
                        message->request_id, out) &&
           m4h_wire_read_text(message->client_key_prefix, out->client_key_prefix,
                              sizeof(out->client_key_prefix)) &&
           m4h_wire_read_labels(message->n_labels, message->labels, out->labels);
}

int m4h_wire_tunnels_request_decode(const uint8_t *data, size_t len, struct m4h_page_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__tunnels_status_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_tunnels_request(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

/* ---- replies out --------------------------------------------------------------- */

/* Bytes for the items of a reply that goes to `out`; 0 where not even the frame fits. */
static size_t room_for_items(const struct m4h_buffer *out)
{
    size_t room = out->cap - out->len;

    if (room > M4H_WIRE_MESSAGE_MAX)
        room = M4H_WIRE_MESSAGE_MAX;
    return room > FRAME_BYTES ? room - FRAME_BYTES : 0;
}

/* Takes the room of one item; false: it does not fit any more. */
static bool take_room(size_t *room, const ProtobufCMessage *item)
{
    size_t size = HEAD_BYTES + protobuf_c_message_get_packed_size(item);

    if (size > *room)
        return false;
    *room -= size;
    return true;
}

static int pack_slaves(Mas4h__V1__SlavesPage *page, struct m4h_buffer *out)
{
    Mas4h__V1__SlavesStatusReply reply = MAS4H__V1__SLAVES_STATUS_REPLY__INIT;

    reply.result_case = MAS4H__V1__SLAVES_STATUS_REPLY__RESULT_PAGE;
    reply.page = page;
    return m4h_wire_pack(&reply.base, out);
}

/* Fills `page` from the slaves, as many as fit; `parts` has room for `count`. */
static void fill_slaves(Mas4h__V1__SlavesPage *page, struct m4h_wire_slave_status_parts *parts,
                        const struct m4h_slave_status *slaves, size_t count, size_t room)
{
    size_t taken = 0;

    for (; taken < count; taken++) {
        m4h_wire_write_slave_status(&parts[taken], &slaves[taken]);
        if (!take_room(&room, &parts[taken].message.base))
            break;
        page->slaves[taken] = &parts[taken].message;
    }
    page->n_slaves = taken;
    if (taken > 0 && taken < count)
        page->next_page_token = m4h_wire_borrow(slaves[taken - 1].slave_id);
}

static int encode_slaves(const struct m4h_slave_status *slaves, size_t count,
                         const char *next_page_token, struct m4h_buffer *out)
{
    Mas4h__V1__SlavesPage page = MAS4H__V1__SLAVES_PAGE__INIT;
    struct m4h_wire_slave_status_parts *parts;
    int error = M4H_ETOOBIG;

    page.next_page_token = m4h_wire_borrow(next_page_token);
    if (count == 0)
        return pack_slaves(&page, out);
    if (count > M4H_PAGE_SIZE_MAX)
        return M4H_ETOOBIG;
    parts = malloc(count * (sizeof(*parts) + sizeof(*page.slaves)));
    if (parts == NULL)
        return M4H_ENOMEM;
    page.slaves = (Mas4h__V1__SlaveStatus **)(void *)(parts + count);
    fill_slaves(&page, parts, slaves, count, room_for_items(out));
    if (page.n_slaves > 0)
        error = pack_slaves(&page, out);
    free(parts);
    return error;
}

int m4h_wire_slaves_reply_encode(const struct m4h_slave_status *slaves, size_t count,
                                 const char *next_page_token, const struct m4h_problem *problem,
                                 struct m4h_buffer *out)
{
    Mas4h__V1__SlavesStatusReply message = MAS4H__V1__SLAVES_STATUS_REPLY__INIT;
    Mas4h__V1__Problem problem_message;

    if (!m4h_wire_is_problem(problem))
        return encode_slaves(slaves, count, next_page_token, out);
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__SLAVES_STATUS_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

static int pack_tunnels(Mas4h__V1__TunnelsPage *page, struct m4h_buffer *out)
{
    Mas4h__V1__TunnelsStatusReply reply = MAS4H__V1__TUNNELS_STATUS_REPLY__INIT;

    reply.result_case = MAS4H__V1__TUNNELS_STATUS_REPLY__RESULT_PAGE;
    reply.page = page;
    return m4h_wire_pack(&reply.base, out);
}

/* As fill_slaves. */
static void fill_tunnels(Mas4h__V1__TunnelsPage *page, struct m4h_wire_tunnel_status_parts *parts,
                         const struct m4h_tunnel_status *tunnels, size_t count, size_t room)
{
    size_t taken = 0;

    for (; taken < count; taken++) {
        m4h_wire_write_tunnel_status(&parts[taken], &tunnels[taken]);
        if (!take_room(&room, &parts[taken].message.base))
            break;
        page->tunnels[taken] = &parts[taken].message;
    }
    page->n_tunnels = taken;
    if (taken > 0 && taken < count)
        page->next_page_token = m4h_wire_borrow(tunnels[taken - 1].tunnel.client_key);
}

static int encode_tunnels(const struct m4h_tunnel_status *tunnels, size_t count,
                          const char *next_page_token, struct m4h_buffer *out)
{
    Mas4h__V1__TunnelsPage page = MAS4H__V1__TUNNELS_PAGE__INIT;
    struct m4h_wire_tunnel_status_parts *parts;
    int error = M4H_ETOOBIG;

    page.next_page_token = m4h_wire_borrow(next_page_token);
    if (count == 0)
        return pack_tunnels(&page, out);
    if (count > M4H_PAGE_SIZE_MAX)
        return M4H_ETOOBIG;
    parts = malloc(count * (sizeof(*parts) + sizeof(*page.tunnels)));
    if (parts == NULL)
        return M4H_ENOMEM;
    page.tunnels = (Mas4h__V1__TunnelStatus **)(void *)(parts + count);
    fill_tunnels(&page, parts, tunnels, count, room_for_items(out));
    if (page.n_tunnels > 0)
        error = pack_tunnels(&page, out);
    free(parts);
    return error;
}

int m4h_wire_tunnels_reply_encode(const struct m4h_tunnel_status *tunnels, size_t count,
                                  const char *next_page_token, const struct m4h_problem *problem,
                                  struct m4h_buffer *out)
{
    Mas4h__V1__TunnelsStatusReply message = MAS4H__V1__TUNNELS_STATUS_REPLY__INIT;
    Mas4h__V1__Problem problem_message;

    if (!m4h_wire_is_problem(problem))
        return encode_tunnels(tunnels, count, next_page_token, out);
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__TUNNELS_STATUS_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

/* ---- replies in ---------------------------------------------------------------- */

static int read_slaves(const Mas4h__V1__SlavesPage *message, struct m4h_slave_status **slaves,
                       size_t *count, char token[M4H_PAGE_TOKEN_MAX + 1])
{
    struct m4h_slave_status *read;

    if (message->n_slaves > M4H_PAGE_SIZE_MAX ||
        !m4h_wire_read_client_key_maybe(message->next_page_token, token))
        return M4H_EPROTOCOL;
    if (message->n_slaves == 0)
        return 0;
    read = calloc(message->n_slaves, sizeof(*read));
    if (read == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < message->n_slaves; i++) {
        if (!m4h_wire_read_slave_status(message->slaves[i], &read[i])) {
            free(read);
            return M4H_EPROTOCOL;
        }
    }
    *slaves = read;
    *count = message->n_slaves;
    return 0;
}

static int read_slaves_reply(const Mas4h__V1__SlavesStatusReply *message,
                             struct m4h_slave_status **slaves, size_t *count,
                             char token[M4H_PAGE_TOKEN_MAX + 1], struct m4h_problem *problem)
{
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__SLAVES_STATUS_REPLY__RESULT_PAGE:
        return read_slaves(message->page, slaves, count, token);
    case MAS4H__V1__SLAVES_STATUS_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem) ? 0 : M4H_EPROTOCOL;
    default:
        return M4H_EPROTOCOL;
    }
}

int m4h_wire_slaves_reply_decode(const uint8_t *data, size_t len, struct m4h_slave_status **slaves,
                                 size_t *count, char next_page_token[M4H_PAGE_TOKEN_MAX + 1],
                                 struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__slaves_status_reply__descriptor,
                                M4H_WIRE_MESSAGE_MAX, data, len);

    *slaves = NULL;
    *count = 0;
    next_page_token[0] = '\0';
    if (error == 0)
        error = read_slaves_reply(arena.message, slaves, count, next_page_token, problem);
    m4h_wire_release(&arena);
    return error;
}

static int read_tunnels(const Mas4h__V1__TunnelsPage *message, struct m4h_tunnel_status **tunnels,
                        size_t *count, char token[M4H_PAGE_TOKEN_MAX + 1])
{
    struct m4h_tunnel_status *read;

    if (message->n_tunnels > M4H_PAGE_SIZE_MAX ||
        !m4h_wire_read_client_key_maybe(message->next_page_token, token))
        return M4H_EPROTOCOL;
    if (message->n_tunnels == 0)
        return 0;
    read = calloc(message->n_tunnels, sizeof(*read));
    if (read == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < message->n_tunnels; i++) {
        if (!m4h_wire_read_tunnel_status(message->tunnels[i], &read[i])) {
            free(read);
            return M4H_EPROTOCOL;
        }
    }
    *tunnels = read;
    *count = message->n_tunnels;
    return 0;
}

static int read_tunnels_reply(const Mas4h__V1__TunnelsStatusReply *message,
                              struct m4h_tunnel_status **tunnels, size_t *count,
                              char token[M4H_PAGE_TOKEN_MAX + 1], struct m4h_problem *problem)
{
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__TUNNELS_STATUS_REPLY__RESULT_PAGE:
        return read_tunnels(message->page, tunnels, count, token);
    case MAS4H__V1__TUNNELS_STATUS_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem) ? 0 : M4H_EPROTOCOL;
    default:
        return M4H_EPROTOCOL;
    }
}

int m4h_wire_tunnels_reply_decode(const uint8_t *data, size_t len,
                                  struct m4h_tunnel_status **tunnels, size_t *count,
                                  char next_page_token[M4H_PAGE_TOKEN_MAX + 1],
                                  struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__tunnels_status_reply__descriptor,
                                M4H_WIRE_MESSAGE_MAX, data, len);

    *tunnels = NULL;
    *count = 0;
    next_page_token[0] = '\0';
    if (error == 0)
        error = read_tunnels_reply(arena.message, tunnels, count, next_page_token, problem);
    m4h_wire_release(&arena);
    return error;
}
