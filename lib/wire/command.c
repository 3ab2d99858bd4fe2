/* What a slave is told: kick and drain. Snapshots are in snapshot.c, revocations in revoke.c. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/command.pb-c.h"

#include <string.h>

/* ---- kick ------------------------------------------------------------------ */

int m4h_wire_kick_request_encode(const struct m4h_kick_request *request, struct m4h_buffer *out)
{
    Mas4h__V1__KickRequest message = MAS4H__V1__KICK_REQUEST__INIT;
    char tunnel_id[M4H_TUNNEL_ID_TEXT_MAX] = "";

    if (request->tunnel_id != 0)
        m4h_tunnel_id_format(request->tunnel_id, tunnel_id);
    message.client_key = m4h_wire_borrow(request->client_key);
    message.tunnel_id = tunnel_id;
    message.reason = (Mas4h__V1__DisconnectReason)request->reason;
    message.actor = m4h_wire_borrow(request->actor);
    return m4h_wire_pack(&message.base, out);
}

/* A reason that is not for kicks, or not known, must not keep the tunnel alive. */
static bool read_kick(const Mas4h__V1__KickRequest *message, struct m4h_kick_request *out)
{
    bool replaced = (int)message->reason == M4H_DISCONNECT_REPLACED;

    out->reason = replaced ? M4H_DISCONNECT_REPLACED : M4H_DISCONNECT_KICKED;
    out->tunnel_id = 0;
    return m4h_wire_read_client_key(message->client_key, out->client_key) &&
           (message->tunnel_id[0] == '\0' ||
            m4h_wire_read_tunnel_id(message->tunnel_id, &out->tunnel_id)) &&
           m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor));
}

int m4h_wire_kick_request_decode(const uint8_t *data, size_t len, struct m4h_kick_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__kick_request__descriptor, M4H_WIRE_SMALL_MAX,
                                data, len);

    if (error == 0 && !read_kick(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

int m4h_wire_kick_reply_encode(const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__KickReply message = MAS4H__V1__KICK_REPLY__INIT;
    Mas4h__V1__Kicked kicked = MAS4H__V1__KICKED__INIT;
    Mas4h__V1__Problem problem_message;

    message.result_case = MAS4H__V1__KICK_REPLY__RESULT_KICKED;
    message.kicked = &kicked;
    if (m4h_wire_is_problem(problem)) {
        m4h_wire_write_problem(&problem_message, problem);
        message.result_case = MAS4H__V1__KICK_REPLY__RESULT_PROBLEM;
        message.problem = &problem_message;
    }
    return m4h_wire_pack(&message.base, out);
}

static bool read_kick_reply(const Mas4h__V1__KickReply *message, struct m4h_problem *problem)
{
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__KICK_REPLY__RESULT_KICKED:
        return true;
    case MAS4H__V1__KICK_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem);
    default:
        return false;
    }
}

int m4h_wire_kick_reply_decode(const uint8_t *data, size_t len, struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error =
        m4h_wire_unpack(&arena, &mas4h__v1__kick_reply__descriptor, M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_kick_reply(arena.message, problem))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

/* ---- drain ----------------------------------------------------------------- */

int m4h_wire_drain_request_encode(const struct m4h_drain_request *request, struct m4h_buffer *out)
{
    Mas4h__V1__DrainRequest message = MAS4H__V1__DRAIN_REQUEST__INIT;

    message.actor = m4h_wire_borrow(request->actor);
    return m4h_wire_pack(&message.base, out);
}

static bool read_drain(const Mas4h__V1__DrainRequest *message, struct m4h_drain_request *out)
{
    return m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor));
}

int m4h_wire_drain_request_decode(const uint8_t *data, size_t len, struct m4h_drain_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__drain_request__descriptor, M4H_WIRE_SMALL_MAX,
                                data, len);

    if (error == 0 && !read_drain(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

int m4h_wire_drain_reply_encode(uint32_t tunnels, const struct m4h_problem *problem,
                                struct m4h_buffer *out)
{
    Mas4h__V1__DrainReply message = MAS4H__V1__DRAIN_REPLY__INIT;
    Mas4h__V1__Draining draining = MAS4H__V1__DRAINING__INIT;
    Mas4h__V1__Problem problem_message;

    draining.tunnels = tunnels;
    message.result_case = MAS4H__V1__DRAIN_REPLY__RESULT_DRAINING;
    message.draining = &draining;
    if (m4h_wire_is_problem(problem)) {
        m4h_wire_write_problem(&problem_message, problem);
        message.result_case = MAS4H__V1__DRAIN_REPLY__RESULT_PROBLEM;
        message.problem = &problem_message;
    }
    return m4h_wire_pack(&message.base, out);
}

static bool read_drain_reply(const Mas4h__V1__DrainReply *message, uint32_t *tunnels,
                             struct m4h_problem *problem)
{
    *tunnels = 0;
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__DRAIN_REPLY__RESULT_DRAINING:
        *tunnels = message->draining->tunnels;
        return true;
    case MAS4H__V1__DRAIN_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem);
    default:
        return false;
    }
}

int m4h_wire_drain_reply_decode(const uint8_t *data, size_t len, uint32_t *tunnels,
                                struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error =
        m4h_wire_unpack(&arena, &mas4h__v1__drain_reply__descriptor, M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_drain_reply(arena.message, tunnels, problem))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}
