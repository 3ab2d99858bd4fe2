/* Messages about records of devices, revocations, places and audits: how to make one, and
 * how to read it and write it again. */
#include "tests/unit/wire_kinds_records.h"

#include "lib/wire/wire.h"
#include "tests/unit/wire_models.h"

#include <stdlib.h>

/* Items in the lists made here: enough to meet more than one. */
#define ITEMS 3

/* ---- places ---------------------------------------------------------------- */

int make_locate_request(struct m4h_buffer *out)
{
    struct m4h_locate_request model;

    full_locate_request(&model);
    return m4h_wire_locate_request_encode(&model, out);
}

int recode_locate_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_locate_request model;
    int error = m4h_wire_locate_request_decode(data, len, &model);

    return error != 0 ? error : m4h_wire_locate_request_encode(&model, out);
}

int make_locate_reply(struct m4h_buffer *out)
{
    struct m4h_located located;

    full_located(&located);
    return m4h_wire_locate_reply_encode(&located, "master-1", NULL, out);
}

int make_locate_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_locate_reply_encode(NULL, "master-1", &problem, out);
}

int recode_locate_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_located located;
    struct m4h_problem problem;
    char master_id[M4H_ID_MAX + 1];
    int error = m4h_wire_locate_reply_decode(data, len, &located, master_id, &problem);

    return error != 0 ? error : m4h_wire_locate_reply_encode(&located, master_id, &problem, out);
}

/* ---- revocations ----------------------------------------------------------- */

int make_revoke_request(struct m4h_buffer *out)
{
    struct m4h_revoke_request model;

    full_revoke_request(&model);
    return m4h_wire_revoke_request_encode(&model, out);
}

int recode_revoke_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_revoke_request model;
    int error = m4h_wire_revoke_request_decode(data, len, &model);

    return error != 0 ? error : m4h_wire_revoke_request_encode(&model, out);
}

int make_revoke_reply(struct m4h_buffer *out)
{
    struct m4h_revoke revoke;

    full_revoke(&revoke);
    return m4h_wire_revoke_reply_encode(&revoke, NULL, out);
}

int make_revoke_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_revoke_reply_encode(NULL, &problem, out);
}

int recode_revoke_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_revoke revoke;
    struct m4h_problem problem;
    int error = m4h_wire_revoke_reply_decode(data, len, &revoke, &problem);

    return error != 0 ? error : m4h_wire_revoke_reply_encode(&revoke, &problem, out);
}

int make_revocations_request(struct m4h_buffer *out)
{
    struct m4h_revocations_request model;

    full_revocations_request(&model);
    return m4h_wire_revocations_request_encode(&model, out);
}

int recode_revocations_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_revocations_request model;
    int error = m4h_wire_revocations_request_decode(data, len, &model);

    return error != 0 ? error : m4h_wire_revocations_request_encode(&model, out);
}

int make_revocations_reply(struct m4h_buffer *out)
{
    struct m4h_revoke revocations[ITEMS];
    struct m4h_revocations_request request;

    full_revocations_request(&request);
    for (size_t i = 0; i < ITEMS; i++)
        full_revoke(&revocations[i]);
    return m4h_wire_revocations_reply_encode(revocations, ITEMS, request.page_token, UINT64_MAX,
                                             NULL, out);
}

int make_revocations_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_revocations_reply_encode(NULL, 0, "", 0, &problem, out);
}

int recode_revocations_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_revoke *revocations;
    struct m4h_problem problem;
    char token[M4H_REVOCATION_NAME_MAX + 1];
    uint64_t digest;
    size_t count;
    int error = m4h_wire_revocations_reply_decode(data, len, &revocations, &count, token, &digest,
                                                  &problem);

    if (error == 0)
        error = m4h_wire_revocations_reply_encode(revocations, count, token, digest, &problem, out);
    free(revocations);
    return error;
}

/* ---- records of devices ---------------------------------------------------- */

int make_devices_request(struct m4h_buffer *out)
{
    struct m4h_devices_request model;

    full_devices_request(&model);
    return m4h_wire_devices_request_encode(&model, out);
}

int recode_devices_request(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_devices_request model;
    int error = m4h_wire_devices_request_decode(data, len, &model);

    return error != 0 ? error : m4h_wire_devices_request_encode(&model, out);
}

int make_devices_reply(struct m4h_buffer *out)
{
    struct m4h_device_record devices[ITEMS];
    struct m4h_devices_request request;

    full_devices_request(&request);
    for (size_t i = 0; i < ITEMS; i++)
        full_device(&devices[i]);
    return m4h_wire_devices_reply_encode(devices, ITEMS, request.page_token, NULL, out);
}

int make_devices_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_devices_reply_encode(NULL, 0, "", &problem, out);
}

int recode_devices_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_device_record *devices;
    struct m4h_problem problem;
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count;
    int error = m4h_wire_devices_reply_decode(data, len, &devices, &count, token, &problem);

    if (error == 0)
        error = m4h_wire_devices_reply_encode(devices, count, token, &problem, out);
    free(devices);
    return error;
}

int make_devices_changed(struct m4h_buffer *out)
{
    struct m4h_device_record devices[ITEMS];
    size_t taken;

    for (size_t i = 0; i < ITEMS; i++)
        full_device(&devices[i]);
    return m4h_wire_devices_changed_encode("master-1", UINT64_MAX, devices, ITEMS, &taken, out);
}

int recode_devices_changed(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_device_record *devices;
    char master_id[M4H_ID_MAX + 1];
    uint64_t instance;
    size_t count, taken;
    int error = m4h_wire_devices_changed_decode(data, len, master_id, &instance, &devices, &count);

    if (error == 0)
        error = m4h_wire_devices_changed_encode(master_id, instance, devices, count, &taken, out);
    free(devices);
    return error;
}

int make_device_get(struct m4h_buffer *out)
{
    struct m4h_device_request model;

    full_device_request(&model);
    return m4h_wire_device_get_encode(&model, out);
}

int recode_device_get(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_device_request model;
    int error = m4h_wire_device_get_decode(data, len, &model);

    return error != 0 ? error : m4h_wire_device_get_encode(&model, out);
}

int make_device_remove(struct m4h_buffer *out)
{
    struct m4h_device_request model;

    full_device_request(&model);
    return m4h_wire_device_remove_encode(&model, out);
}

int recode_device_remove(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_device_request model;
    int error = m4h_wire_device_remove_decode(data, len, &model);

    return error != 0 ? error : m4h_wire_device_remove_encode(&model, out);
}

int make_device_put(struct m4h_buffer *out)
{
    struct m4h_device_put model;

    full_device_put(&model);
    return m4h_wire_device_put_encode(&model, out);
}

int make_device_put_line(struct m4h_buffer *out)
{
    struct m4h_device_put model;

    full_device_put_line(&model);
    return m4h_wire_device_put_encode(&model, out);
}

int recode_device_put(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_device_put model;
    int error = m4h_wire_device_put_decode(data, len, &model);

    return error != 0 ? error : m4h_wire_device_put_encode(&model, out);
}

int make_device_reply(struct m4h_buffer *out)
{
    struct m4h_device_record device;

    full_device(&device);
    return m4h_wire_device_reply_encode(&device, NULL, out);
}

int make_device_problem(struct m4h_buffer *out)
{
    struct m4h_problem problem;

    full_problem(&problem);
    return m4h_wire_device_reply_encode(NULL, &problem, out);
}

int recode_device_reply(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_device_record device;
    struct m4h_problem problem;
    int error = m4h_wire_device_reply_decode(data, len, &device, &problem);

    return error != 0 ? error : m4h_wire_device_reply_encode(&device, &problem, out);
}

/* ---- audits ---------------------------------------------------------------- */

int make_audit_record(struct m4h_buffer *out)
{
    struct m4h_audit_record model;

    full_audit_record(&model);
    return m4h_wire_audit_record_encode(&model, out);
}

int recode_audit_record(const uint8_t *data, size_t len, struct m4h_buffer *out)
{
    struct m4h_audit_record model;
    int error = m4h_wire_audit_record_decode(data, len, &model);

    return error != 0 ? error : m4h_wire_audit_record_encode(&model, out);
}
