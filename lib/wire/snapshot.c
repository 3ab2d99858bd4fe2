/* SnapshotRequest and its reply: one page of a slave's tunnels. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/command.pb-c.h"

#include <stdlib.h>
#include <string.h>

int m4h_wire_snapshot_request_encode(const struct m4h_snapshot_request *request,
                                     struct m4h_buffer *out)
{
    Mas4h__V1__SnapshotRequest message = MAS4H__V1__SNAPSHOT_REQUEST__INIT;

    message.snapshot_id = request->snapshot_id;
    message.page = request->page;
    message.epoch = request->epoch;
    return m4h_wire_pack(&message.base, out);
}

int m4h_wire_snapshot_request_decode(const uint8_t *data, size_t len,
                                     struct m4h_snapshot_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__snapshot_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0) {
        const Mas4h__V1__SnapshotRequest *message = arena.message;

        out->snapshot_id = message->snapshot_id;
        out->page = message->page;
        out->epoch = message->epoch;
    }
    m4h_wire_release(&arena);
    return error;
}

/* ---- reply out ------------------------------------------------------------- */

static int pack_page(Mas4h__V1__SnapshotPage *message, struct m4h_buffer *out)
{
    Mas4h__V1__SnapshotReply reply = MAS4H__V1__SNAPSHOT_REPLY__INIT;

    reply.result_case = MAS4H__V1__SNAPSHOT_REPLY__RESULT_PAGE;
    reply.page = message;
    return m4h_wire_pack(&reply.base, out);
}

/* The tunnels of a page: all parts, then the pointers to them, in one allocation. */
static int pack_with_tunnels(Mas4h__V1__SnapshotPage *message, const struct m4h_tunnel *tunnels,
                             size_t count, struct m4h_buffer *out)
{
    struct m4h_wire_tunnel_parts *parts;
    int error;

    if (count == 0)
        return pack_page(message, out);
    parts = malloc(count * (sizeof(*parts) + sizeof(*message->tunnels)));
    if (parts == NULL)
        return M4H_ENOMEM;
    message->tunnels = (Mas4h__V1__Tunnel **)(void *)(parts + count);
    message->n_tunnels = count;
    for (size_t i = 0; i < count; i++) {
        m4h_wire_write_tunnel(&parts[i], &tunnels[i]);
        message->tunnels[i] = &parts[i].message;
    }
    error = pack_page(message, out);
    free(parts);
    return error;
}

static int pack_snapshot(const struct m4h_snapshot_page *page, const struct m4h_tunnel *tunnels,
                         size_t count, struct m4h_buffer *out)
{
    Mas4h__V1__SnapshotPage message = MAS4H__V1__SNAPSHOT_PAGE__INIT;
    struct m4h_wire_info_parts info;

    if (count > M4H_PAGE_SIZE_MAX)
        return M4H_ETOOBIG;
    m4h_wire_write_info(&info, &page->info);
    message.snapshot_id = page->snapshot_id;
    message.page = page->page;
    message.last = page->last;
    message.slave_id = m4h_wire_borrow(page->slave_id);
    message.region = m4h_wire_borrow(page->region);
    message.epoch = page->epoch;
    message.seq = page->seq;
    message.info = &info.message;
    message.state = (Mas4h__V1__SlaveState)page->state;
    return pack_with_tunnels(&message, tunnels, count, out);
}

int m4h_wire_snapshot_reply_encode(const struct m4h_snapshot_page *page,
                                   const struct m4h_tunnel *tunnels, size_t count,
                                   const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__SnapshotReply message = MAS4H__V1__SNAPSHOT_REPLY__INIT;
    Mas4h__V1__Problem problem_message;

    if (!m4h_wire_is_problem(problem))
        return pack_snapshot(page, tunnels, count, out);
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__SNAPSHOT_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

/* ---- reply in -------------------------------------------------------------- */

static bool read_page(const Mas4h__V1__SnapshotPage *message, struct m4h_snapshot_page *out)
{
    out->snapshot_id = message->snapshot_id;
    out->page = message->page;
    out->last = message->last;
    out->epoch = message->epoch;
    out->seq = message->seq;
    return message->snapshot_id > 0 && message->epoch > 0 &&
           m4h_wire_read_id(message->slave_id, out->slave_id) &&
           m4h_wire_read_id(message->region, out->region) &&
           m4h_wire_read_info(message->info, &out->info) &&
           m4h_wire_read_state(message->state, false, &out->state);
}

static int read_tunnels(const Mas4h__V1__SnapshotPage *message, struct m4h_tunnel **tunnels,
                        size_t *count)
{
    struct m4h_tunnel *read;

    if (message->n_tunnels == 0)
        return 0;
    if (message->n_tunnels > M4H_PAGE_SIZE_MAX)
        return M4H_EPROTOCOL;
    read = calloc(message->n_tunnels, sizeof(*read));
    if (read == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < message->n_tunnels; i++) {
        if (!m4h_wire_read_tunnel(message->tunnels[i], &read[i])) {
            free(read);
            return M4H_EPROTOCOL;
        }
    }
    *tunnels = read;
    *count = message->n_tunnels;
    return 0;
}

static int read_reply(const Mas4h__V1__SnapshotReply *message, struct m4h_snapshot_page *page,
                      struct m4h_tunnel **tunnels, size_t *count, struct m4h_problem *problem)
{
    memset(page, 0, sizeof(*page));
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__SNAPSHOT_REPLY__RESULT_PAGE:
        return read_page(message->page, page) ? read_tunnels(message->page, tunnels, count)
                                              : M4H_EPROTOCOL;
    case MAS4H__V1__SNAPSHOT_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem) ? 0 : M4H_EPROTOCOL;
    default:
        return M4H_EPROTOCOL;
    }
}

int m4h_wire_snapshot_reply_decode(const uint8_t *data, size_t len, struct m4h_snapshot_page *page,
                                   struct m4h_tunnel **tunnels, size_t *count,
                                   struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__snapshot_reply__descriptor,
                                M4H_WIRE_MESSAGE_MAX, data, len);

    *tunnels = NULL;
    *count = 0;
    if (error == 0)
        error = read_reply(arena.message, page, tunnels, count, problem);
    m4h_wire_release(&arena);
    return error;
}
