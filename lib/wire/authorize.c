/* AuthorizeRequest and its reply. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/limits.h"
#include "lib/wire/operator.h"
#include "lib/wire/parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/authorize.pb-c.h"

#include <assert.h>
#include <string.h>

int m4h_wire_authorize_request_encode(const struct m4h_authorize_request *request,
                                      struct m4h_buffer *out)
{
    Mas4h__V1__AuthorizeRequest message = MAS4H__V1__AUTHORIZE_REQUEST__INIT;

    assert(request->public_key_len <= M4H_PUBLIC_KEY_BLOB_MAX);
    message.slave_id = m4h_wire_borrow(request->slave_id);
    message.region = m4h_wire_borrow(request->region);
    message.username = m4h_wire_borrow(request->username);
    message.public_key.data = (uint8_t *)request->public_key;
    message.public_key.len = request->public_key_len;
    message.key_fingerprint = m4h_wire_borrow(request->key_fingerprint);
    message.remote_address = m4h_wire_borrow(request->remote_address);
    message.recheck = request->recheck;
    return m4h_wire_pack(&message.base, out);
}

static bool read_public_key(const ProtobufCBinaryData *key, struct m4h_authorize_request *out)
{
    if (key->len < 1 || key->len > M4H_PUBLIC_KEY_BLOB_MAX)
        return false;
    memcpy(out->public_key, key->data, key->len);
    out->public_key_len = key->len;
    return true;
}

static bool read_request(const Mas4h__V1__AuthorizeRequest *message,
                         struct m4h_authorize_request *out)
{
    out->recheck = message->recheck;
    return m4h_wire_read_id(message->slave_id, out->slave_id) &&
           m4h_wire_read_id(message->region, out->region) &&
           m4h_wire_read_text(message->username, out->username, sizeof(out->username)) &&
           read_public_key(&message->public_key, out) && message->key_fingerprint[0] != '\0' &&
           m4h_wire_read_text(message->key_fingerprint, out->key_fingerprint,
                              sizeof(out->key_fingerprint)) &&
           m4h_wire_read_text(message->remote_address, out->remote_address,
                              sizeof(out->remote_address));
}

int m4h_wire_authorize_request_decode(const uint8_t *data, size_t len,
                                      struct m4h_authorize_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__authorize_request__descriptor,
                                M4H_WIRE_KEYS_MAX, data, len);

    if (error == 0 && !read_request(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

static int pack_allow(Mas4h__V1__AuthorizeReply *reply, const struct m4h_authorize_reply *answer,
                      struct m4h_buffer *out)
{
    Mas4h__V1__Allow message = MAS4H__V1__ALLOW__INIT;
    struct m4h_wire_limits_parts limits;
    struct m4h_wire_label_parts labels;
    struct m4h_wire_operator_parts operator_;
    Google__Protobuf__Timestamp expires_at;

    message.client_key = m4h_wire_borrow(answer->client_key);
    message.valid_for_ms = answer->valid_for_ms;
    message.owner_stamp = answer->owner_stamp;
    message.limits = m4h_wire_write_limits(&limits, &answer->limits);
    message.last_port = answer->last_port;
    message.evictions = answer->evictions;
    message.evicted_ago_ms = answer->evicted_ago_ms;
    message.n_labels = m4h_wire_write_labels(&labels, answer->labels);
    message.labels = labels.pointers;
    message.fixed_port = answer->fixed_port;
    message.preferred_region = m4h_wire_borrow(answer->preferred_region);
    message.operator_ = m4h_wire_write_operator(&operator_, &answer->operator_);
    message.slave_id = m4h_wire_borrow(answer->slave_id);
    message.expires_at = m4h_wire_write_time_maybe(&expires_at, answer->expires_wall_ms);
    message.validator = m4h_wire_borrow(answer->validator);
    reply->result_case = MAS4H__V1__AUTHORIZE_REPLY__RESULT_ALLOW;
    reply->allow = &message;
    return m4h_wire_pack(&reply->base, out);
}

static int pack_deny(Mas4h__V1__AuthorizeReply *reply, const struct m4h_authorize_reply *answer,
                     struct m4h_buffer *out)
{
    Mas4h__V1__Deny message = MAS4H__V1__DENY__INIT;

    message.detail = m4h_wire_borrow(answer->detail);
    message.valid_for_ms = answer->valid_for_ms;
    message.validator = m4h_wire_borrow(answer->validator);
    message.pending = answer->pending;
    reply->result_case = MAS4H__V1__AUTHORIZE_REPLY__RESULT_DENY;
    reply->deny = &message;
    return m4h_wire_pack(&reply->base, out);
}

int m4h_wire_authorize_reply_encode(const struct m4h_authorize_reply *reply,
                                    const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__AuthorizeReply message = MAS4H__V1__AUTHORIZE_REPLY__INIT;
    Mas4h__V1__Problem problem_message;

    if (reply != NULL)
        message.master_id = m4h_wire_borrow(reply->master_id);
    if (!m4h_wire_is_problem(problem))
        return reply->allowed ? pack_allow(&message, reply, out) : pack_deny(&message, reply, out);
    m4h_wire_write_problem(&problem_message, problem);
    message.result_case = MAS4H__V1__AUTHORIZE_REPLY__RESULT_PROBLEM;
    message.problem = &problem_message;
    return m4h_wire_pack(&message.base, out);
}

/* A port is advice to the slave, which may be without it. */
static uint16_t read_port_maybe(uint32_t port)
{
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* A port that it must have is a permission, and no advice. */
static bool read_fixed_port(uint32_t port, uint16_t *out)
{
    *out = (uint16_t)port;
    return port <= UINT16_MAX;
}

/* A key is a device's, an operator's or a slave's. */
static bool read_whose(const Mas4h__V1__Allow *message, struct m4h_authorize_reply *out)
{
    int device = message->client_key[0] != '\0', slave = message->slave_id[0] != '\0';
    int operator_ = message->operator_ != NULL;

    return device + operator_ + slave == 1 &&
           m4h_wire_read_client_key_maybe(message->client_key, out->client_key) &&
           m4h_wire_read_operator(message->operator_, &out->operator_) &&
           m4h_wire_read_id_maybe(message->slave_id, out->slave_id);
}

static bool read_allow(const Mas4h__V1__Allow *message, struct m4h_authorize_reply *out)
{
    out->allowed = true;
    out->valid_for_ms = message->valid_for_ms;
    out->last_port = read_port_maybe(message->last_port);
    out->evictions = message->evictions;
    out->evicted_ago_ms = message->evicted_ago_ms;
    return read_whose(message, out) &&
           m4h_wire_read_stamp(message->owner_stamp, &out->owner_stamp) &&
           m4h_wire_read_limits(message->limits, &out->limits) &&
           m4h_wire_read_labels(message->n_labels, message->labels, out->labels) &&
           read_fixed_port(message->fixed_port, &out->fixed_port) &&
           m4h_wire_read_id_maybe(message->preferred_region, out->preferred_region) &&
           m4h_wire_read_time_maybe(message->expires_at, &out->expires_wall_ms) &&
           m4h_wire_read_text(message->validator, out->validator, sizeof(out->validator));
}

static bool read_deny(const Mas4h__V1__Deny *message, struct m4h_authorize_reply *out)
{
    out->valid_for_ms = message->valid_for_ms;
    out->pending = message->pending;
    return m4h_wire_read_text(message->detail, out->detail, sizeof(out->detail)) &&
           m4h_wire_read_text(message->validator, out->validator, sizeof(out->validator));
}

/* Starts from "denied", so that nothing half-read ever says yes. */
static bool read_reply(const Mas4h__V1__AuthorizeReply *message, struct m4h_authorize_reply *reply,
                       struct m4h_problem *problem)
{
    memset(reply, 0, sizeof(*reply));
    memset(problem, 0, sizeof(*problem));
    if (!m4h_wire_read_id_maybe(message->master_id, reply->master_id))
        return false;
    switch (message->result_case) {
    case MAS4H__V1__AUTHORIZE_REPLY__RESULT_ALLOW:
        return read_allow(message->allow, reply);
    case MAS4H__V1__AUTHORIZE_REPLY__RESULT_DENY:
        return read_deny(message->deny, reply);
    case MAS4H__V1__AUTHORIZE_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem);
    default:
        return false;
    }
}

int m4h_wire_authorize_reply_decode(const uint8_t *data, size_t len,
                                    struct m4h_authorize_reply *reply, struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__authorize_reply__descriptor,
                                M4H_WIRE_RECORD_MAX, data, len);

    if (error == 0 && !read_reply(arena.message, reply, problem)) {
        reply->allowed = false;
        error = M4H_EPROTOCOL;
    }
    m4h_wire_release(&arena);
    return error;
}
