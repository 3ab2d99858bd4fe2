/* Records of devices: requests about one, and its reply; lists of them are in device_list.c. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/device_parts.h"
#include "lib/wire/field.h"
#include "lib/wire/parts.h"
#include "lib/wire/wire.h"

#include <string.h>

/* ---- by itself ----------------------------------------------------------------- */

int m4h_wire_device_encode(const struct m4h_device_record *device, struct m4h_buffer *out)
{
    struct m4h_wire_device_parts parts;

    m4h_wire_write_device(&parts, device);
    return m4h_wire_pack(&parts.message.base, out);
}

int m4h_wire_device_decode(const uint8_t *data, size_t len, struct m4h_device_record *out)
{
    struct m4h_wire_arena arena;
    int error =
        m4h_wire_unpack(&arena, &mas4h__v1__device__descriptor, M4H_WIRE_RECORD_MAX, data, len);

    memset(out, 0, sizeof(*out));
    if (error == 0 && !m4h_wire_read_device(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

/* ---- get and remove ------------------------------------------------------------ */

int m4h_wire_device_get_encode(const struct m4h_device_request *request, struct m4h_buffer *out)
{
    Mas4h__V1__DeviceGetRequest message = MAS4H__V1__DEVICE_GET_REQUEST__INIT;

    message.name = m4h_wire_borrow(request->name);
    message.request_id = m4h_wire_borrow(request->request_id);
    return m4h_wire_pack(&message.base, out);
}

static bool read_get(const Mas4h__V1__DeviceGetRequest *message, struct m4h_device_request *out)
{
    memset(out, 0, sizeof(*out));
    return m4h_wire_read_client_key(message->name, out->name) &&
           m4h_wire_read_text(message->request_id, out->request_id, sizeof(out->request_id));
}

int m4h_wire_device_get_decode(const uint8_t *data, size_t len, struct m4h_device_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__device_get_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_get(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

int m4h_wire_device_remove_encode(const struct m4h_device_request *request, struct m4h_buffer *out)
{
    Mas4h__V1__DeviceRemoveRequest message = MAS4H__V1__DEVICE_REMOVE_REQUEST__INIT;

    message.name = m4h_wire_borrow(request->name);
    message.actor = m4h_wire_borrow(request->actor);
    message.reason = m4h_wire_borrow(request->reason);
    message.request_id = m4h_wire_borrow(request->request_id);
    return m4h_wire_pack(&message.base, out);
}

static bool read_remove(const Mas4h__V1__DeviceRemoveRequest *message,
                        struct m4h_device_request *out)
{
    return m4h_wire_read_client_key(message->name, out->name) &&
           m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor)) &&
           m4h_wire_read_text(message->reason, out->reason, sizeof(out->reason)) &&
           m4h_wire_read_text(message->request_id, out->request_id, sizeof(out->request_id));
}

int m4h_wire_device_remove_decode(const uint8_t *data, size_t len, struct m4h_device_request *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__device_remove_request__descriptor,
                                M4H_WIRE_SMALL_MAX, data, len);

    if (error == 0 && !read_remove(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

/* ---- put ----------------------------------------------------------------------- */

int m4h_wire_device_put_encode(const struct m4h_device_put *put, struct m4h_buffer *out)
{
    Mas4h__V1__DevicePutRequest message = MAS4H__V1__DEVICE_PUT_REQUEST__INIT;
    struct m4h_wire_device_parts parts;

    if (put->authorized_keys_line[0] == '\0') {
        m4h_wire_write_device(&parts, &put->device);
        message.device = &parts.message;
    }
    message.authorized_keys_line = m4h_wire_borrow(put->authorized_keys_line);
    message.create_only = put->create_only;
    message.actor = m4h_wire_borrow(put->actor);
    message.request_id = m4h_wire_borrow(put->request_id);
    return m4h_wire_pack(&message.base, out);
}

/* One of the two. */
static bool read_wish(const Mas4h__V1__DevicePutRequest *message, struct m4h_device_put *out)
{
    if (message->authorized_keys_line[0] == '\0')
        return m4h_wire_read_device(message->device, &out->device);
    return message->device == NULL &&
           m4h_wire_read_text(message->authorized_keys_line, out->authorized_keys_line,
                              sizeof(out->authorized_keys_line));
}

static bool read_put(const Mas4h__V1__DevicePutRequest *message, struct m4h_device_put *out)
{
    memset(out, 0, sizeof(*out));
    out->create_only = message->create_only;
    return read_wish(message, out) &&
           m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor)) &&
           m4h_wire_read_text(message->request_id, out->request_id, sizeof(out->request_id));
}

int m4h_wire_device_put_decode(const uint8_t *data, size_t len, struct m4h_device_put *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__device_put_request__descriptor,
                                M4H_WIRE_RECORD_MAX, data, len);

    if (error == 0 && !read_put(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

/* ---- the reply ----------------------------------------------------------------- */

int m4h_wire_device_reply_encode(const struct m4h_device_record *device,
                                 const struct m4h_problem *problem, struct m4h_buffer *out)
{
    Mas4h__V1__DeviceReply message = MAS4H__V1__DEVICE_REPLY__INIT;
    struct m4h_wire_device_parts parts;
    Mas4h__V1__Problem problem_message;

    if (m4h_wire_is_problem(problem)) {
        m4h_wire_write_problem(&problem_message, problem);
        message.result_case = MAS4H__V1__DEVICE_REPLY__RESULT_PROBLEM;
        message.problem = &problem_message;
    } else {
        m4h_wire_write_device(&parts, device);
        message.result_case = MAS4H__V1__DEVICE_REPLY__RESULT_DEVICE;
        message.device = &parts.message;
    }
    return m4h_wire_pack(&message.base, out);
}

static bool read_reply(const Mas4h__V1__DeviceReply *message, struct m4h_device_record *device,
                       struct m4h_problem *problem)
{
    memset(device, 0, sizeof(*device));
    memset(problem, 0, sizeof(*problem));
    switch (message->result_case) {
    case MAS4H__V1__DEVICE_REPLY__RESULT_DEVICE:
        return m4h_wire_read_device(message->device, device);
    case MAS4H__V1__DEVICE_REPLY__RESULT_PROBLEM:
        return m4h_wire_read_problem(message->problem, problem);
    default:
        return false;
    }
}

int m4h_wire_device_reply_decode(const uint8_t *data, size_t len, struct m4h_device_record *device,
                                 struct m4h_problem *problem)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__device_reply__descriptor, M4H_WIRE_RECORD_MAX,
                                data, len);

    if (error == 0 && !read_reply(arena.message, device, problem))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}
