/* LocateRequest and its reply: where a device hangs. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/locate.pb-c.h"

#include <assert.h>
#include <string.h>

int m4h_wire_locate_request_encode(const struct m4h_locate_request *request, struct m4h_buffer *out)
{
    Mas4h__V1__LocateRequest message = MAS4H__V1__LOCATE_REQUEST__INIT;

    message.slave_id = m4h_wire_borrow(request->slave_id);
    message.client_key = m4h_wire_borrow(request->client_key);
    return m4h_wire_pack(&message.base, out);
}

static bool read_request(const Mas4h__V1__LocateRequest *message, struct m4h_locate_request *out)
{
    return m4h_wire_read_id(message->slave_id, out->slave_id) &&
           m4h_wire_read_client_key(message->client_key, out->client_key);
}

int m4h_wire_locate_request_decode(const uint8_t *data, size_t len, struct m4h_locate_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__locate_request__descriptor, M4H_WIRE_SMALL_MAX,
                                data, len);

    if (error == 0 && !read_request(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

static int pack_located(Mas4h__V1__LocateReply *reply, const struct m4h_located *located,
                        struct m4h_buffer *out)
{
    Mas4h__V1__Located message = MAS4H__V1__LOCATED__INIT;
    struct m4h_wire_tunnel_parts tunnel;
    char *host_keys[M4H_HOST_KEYS_MAX];

    assert(located->host_key_count <= M4H_HOST_KEYS_MAX);
    m4h_wire_write_tunnel(&tunnel, &located->tunnel);
    message.tunnel = &tunnel.message;
    message.slave_id = m4h_wire_borrow(located->slave_id);
    message.region = m4h_wire_borrow(located->region);
    message.host = m4h_wire_borrow(located->host);
    message.port = located->port;
    for (size_t i = 0; i < located->host_key_count; i++)
        host_keys[i] = m4h_wire_borrow(located->host_keys[i]);
    message.n_host_keys = located->host_key_count;
    message.host_keys = host_keys;
    reply->result_case = MAS4H__V1__LOCATE_REPLY__RESULT_LOCATED;
    reply->located = &message;
    return m4h_wire_pack(&reply->base, out);
}

int m4h_wire_locate_reply_encode(const struct m4h_located *located, const char *master_id,
                                 const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__LocateReply message = MAS4H__V1__LOCATE_REPLY__INIT;
    Mas4h__V1__Problem problem_message;

    message.master_id = m4h_wire_borrow(master_id);
    if (!m4h_wire_is_problem(problem))
        return pack_located(&message, located, out);
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__LOCATE_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

static bool read_located(const Mas4h__V1__Located *message, struct m4h_located *out)
{
    return m4h_wire_read_tunnel(message->tunnel, &out->tunnel) &&
           m4h_wire_read_id(message->slave_id, out->slave_id) &&
           m4h_wire_read_id(message->region, out->region) &&
           m4h_wire_read_host(message->host, out->host) &&
           m4h_wire_read_port(message->port, &out->port) &&
           m4h_wire_read_host_keys(message->n_host_keys, message->host_keys, out->host_keys,
                                   &out->host_key_count);
}

static bool read_reply(const Mas4h__V1__LocateReply *message, struct m4h_located *located,
                       char master_id[M4H_ID_MAX + 1], struct m4h_problem *problem)
{
    memset(located, 0, sizeof(*located));
    memset(problem, 0, sizeof(*problem));
    if (!m4h_wire_read_id_maybe(message->master_id, master_id))
        return false;
    switch (message->result_case) {
    case MAS4H__V1__LOCATE_REPLY__RESULT_LOCATED:
        return read_located(message->located, located);
    case MAS4H__V1__LOCATE_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem);
    default:
        return false;
    }
}

int m4h_wire_locate_reply_decode(const uint8_t *data, size_t len, struct m4h_located *located,
                                 char master_id[M4H_ID_MAX + 1], struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error =
        m4h_wire_unpack(&arena, &mas4h__v1__locate_reply__descriptor, M4H_WIRE_KEYS_MAX, data, len);

    if (error == 0 && !read_reply(arena.message, located, master_id, problem))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}
