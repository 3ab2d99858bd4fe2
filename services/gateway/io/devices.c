/* Changes of records.
 *
 * One is made by one question. It is changed by two: what is there, and what that becomes, of
 * which the master says CONFLICT where somebody else was faster; then both are asked again, a few
 * times. So what the document does not name is never set back to what it was before. */
#include "services/gateway/io/devices.h"

#include "lib/base/error.h"
#include "lib/crypto/crypto.h"
#include "lib/json/device.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/scope.h"
#include "services/gateway/core/subject.h"
#include "services/gateway/io/audit.h"
#include "services/gateway/io/exchange.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX  65536u
#define REQUEST_MAX 32768u
#define TRIES_MAX   3u

/* A record that is changed. */
struct change {
    struct m4h_gateway_exchange exchange; /* the first */
    char name[M4H_CLIENT_KEY_MAX + 1];
    bool approves;
    unsigned tries;
};

/* ---- documents ------------------------------------------------------------------- */

/* The fingerprint is that of the public key, where there is one. */
static int name_key(struct m4h_device_record *device, char problem[M4H_DETAIL_MAX + 1])
{
    char fingerprint[M4H_FINGERPRINT_MAX + 1];

    if (device->public_key_len == 0)
        return 0;
    if (m4h_crypto_key_fingerprint(device->public_key, device->public_key_len, fingerprint) != 0)
        return M4H_ENOMEM;
    if (device->key_fingerprint[0] == '\0')
        memcpy(device->key_fingerprint, fingerprint, sizeof(fingerprint));
    if (strcmp(device->key_fingerprint, fingerprint) == 0)
        return 0;
    m4h_ident_text_clean(problem, M4H_DETAIL_MAX + 1,
                         "\"key_fingerprint\" is not that of \"public_key\"");
    return M4H_EINVALID;
}

/* Changes the record by the body of the request, which may be empty. */
static int read_body(struct m4h_http_request *request, struct m4h_device_record *device,
                     char problem[M4H_DETAIL_MAX + 1])
{
    char fingerprint[M4H_FINGERPRINT_MAX + 1];
    size_t len;
    const uint8_t *body = m4h_http_body(request, &len);
    int error = 0;

    problem[0] = '\0';
    memcpy(fingerprint, device->key_fingerprint, sizeof(fingerprint));
    if (len > 0)
        error = m4h_json_device_change_parse(body, len, device, problem);
    if (error == 0)
        error = name_key(device, problem);
    if (error != 0 || fingerprint[0] == '\0' || strcmp(fingerprint, device->key_fingerprint) == 0)
        return error;
    m4h_ident_text_clean(problem, M4H_DETAIL_MAX + 1, "a record keeps its key: make another one");
    return M4H_EINVALID;
}

/* A record is made of a document, or of a line, which the master reads. */
static int read_wish(struct m4h_http_request *request, struct m4h_device_put *put,
                     char problem[M4H_DETAIL_MAX + 1])
{
    size_t len;
    const uint8_t *body = m4h_http_body(request, &len);
    int error = m4h_json_device_put_parse(body, len, put, problem);

    if (error != 0 || put->authorized_keys_line[0] != '\0')
        return error;
    error = name_key(&put->device, problem);
    if (error == 0 && put->device.key_fingerprint[0] == '\0') {
        error = M4H_EINVALID;
        m4h_text_copy(problem, M4H_DETAIL_MAX + 1, "\"public_key\" must be there");
    }
    return error;
}

static bool accepts_json(struct m4h_http_request *request)
{
    return m4h_http_check_accept(request, M4H_HTTP_JSON) &&
           m4h_http_check_type(request, M4H_HTTP_JSON);
}

/* ---- the end of all changes -------------------------------------------------------- */

static int read_reply(int error, const uint8_t *data, size_t len, struct m4h_device_record *device,
                      struct m4h_problem *problem)
{
    return error != 0 ? error : m4h_wire_device_reply_decode(data, len, device, problem);
}

static void finish(struct m4h_gateway_exchange *exchange, int error,
                   const struct m4h_device_record *device, struct m4h_problem *problem,
                   unsigned status)
{
    struct m4h_buffer body = M4H_BUFFER_INIT(ANSWER_MAX);

    if (error == 0 && problem->code == 0)
        error = m4h_json_device(&body, device);
    m4h_gateway_exchange_finish(exchange, error, problem, status, &body);
}

static void ask_to_put(struct m4h_gateway_exchange *exchange, struct m4h_device_put *put,
                       bool may_repeat, m4h_gateway_rpc_on_end on_end)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);

    m4h_gateway_actor(exchange->request, put->actor);
    m4h_text_copy(put->request_id, sizeof(put->request_id), m4h_http_request_id(exchange->request));
    m4h_gateway_exchange_ask(exchange, M4H_GATEWAY_DEVICE_PUT, may_repeat, &message,
                             m4h_wire_device_put_encode(put, &message), on_end);
}

/* ---- making one ---------------------------------------------------------------------- */

static void on_made(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_device_record device;
    struct m4h_problem problem = {0};

    error = read_reply(error, data, len, &device, &problem);
    finish(context, error, &device, &problem, 201);
}

static void make_device(void *context, struct m4h_http_request *request)
{
    struct m4h_gateway_exchange *exchange;
    struct m4h_device_put put = {.device.state = M4H_DEVICE_ENABLED, .create_only = true};
    char problem[M4H_DETAIL_MAX + 1];
    int error;

    if (!accepts_json(request))
        return;
    error = read_wish(request, &put, problem);
    if (error != 0) {
        m4h_gateway_answer_document(request, error, problem);
        return;
    }
    exchange = m4h_gateway_exchange_begin(sizeof(*exchange), context, request);
    /* Not repeated: the second answer would be "there is one already". */
    if (exchange != NULL)
        ask_to_put(exchange, &put, false, on_made);
}

/* ---- changing one ---------------------------------------------------------------------- */

static void ask_for_device(struct change *change);

static void on_changed(void *context, int error, const uint8_t *data, size_t len)
{
    struct change *change = context;
    struct m4h_device_record device;
    struct m4h_problem problem = {0};

    error = read_reply(error, data, len, &device, &problem);
    if (error == 0 && problem.code == M4H_PROBLEM_CONFLICT && change->tries < TRIES_MAX)
        ask_for_device(change);
    else
        finish(&change->exchange, error, &device, &problem, 200);
}

/* False: it is answered. */
static bool is_of_use(struct change *change, const struct m4h_device_record *device)
{
    bool is_pending = device->state == M4H_DEVICE_PENDING;

    if (is_pending == change->approves)
        return true;
    m4h_gateway_exchange_refuse(&change->exchange, 409, "conflict",
                                is_pending ? "it waits for approval"
                                           : "it does not wait for approval");
    return false;
}

static void on_device_to_change(void *context, int error, const uint8_t *data, size_t len)
{
    struct change *change = context;
    struct m4h_device_put put = {0};
    struct m4h_problem problem = {0};
    char wrong[M4H_DETAIL_MAX + 1];

    error = read_reply(error, data, len, &put.device, &problem);
    if (error != 0 || problem.code != 0) {
        m4h_gateway_exchange_finish(&change->exchange, error, &problem, 0, NULL);
        return;
    }
    if (!is_of_use(change, &put.device))
        return;
    if (change->approves)
        put.device.state = M4H_DEVICE_ENABLED;
    m4h_text_copy(change->name, sizeof(change->name), put.device.key_fingerprint);
    error = read_body(change->exchange.request, &put.device, wrong);
    if (error == 0) {
        ask_to_put(&change->exchange, &put, true, on_changed);
        return;
    }
    m4h_gateway_answer_document(change->exchange.request, error, wrong);
    free(change);
}

static void ask_for_device(struct change *change)
{
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_device_request device = {0};

    change->tries++;
    m4h_text_copy(device.name, sizeof(device.name), change->name);
    m4h_text_copy(device.request_id, sizeof(device.request_id),
                  m4h_http_request_id(change->exchange.request));
    m4h_gateway_exchange_ask(&change->exchange, M4H_GATEWAY_DEVICE, true, &message,
                             m4h_wire_device_get_encode(&device, &message), on_device_to_change);
}

static void answer_not_found(struct m4h_http_request *request)
{
    m4h_http_answer_problem(request, 404, "not_found", "there is no such device", 0);
}

static void begin_change(struct m4h_gateway_rpc *rpc, struct m4h_http_request *request,
                         bool approves)
{
    const char *name = m4h_http_path_parameter(request, "name");
    struct change *change;

    if (!accepts_json(request))
        return;
    if (!m4h_ident_client_key_is_valid(name)) {
        answer_not_found(request);
        return;
    }
    change = m4h_gateway_exchange_begin(sizeof(*change), rpc, request);
    if (change == NULL)
        return;
    m4h_text_copy(change->name, sizeof(change->name), name);
    change->approves = approves;
    ask_for_device(change);
}

static void change_device(void *context, struct m4h_http_request *request)
{
    begin_change(context, request, false);
}

static void approve_device(void *context, struct m4h_http_request *request)
{
    begin_change(context, request, true);
}

/* ---- removing one --------------------------------------------------------------------------- */

static void on_removed(void *context, int error, const uint8_t *data, size_t len)
{
    struct m4h_device_record device;
    struct m4h_problem problem = {0};

    error = read_reply(error, data, len, &device, &problem);
    m4h_gateway_exchange_finish(context, error, &problem, 204, NULL);
}

static void remove_device(void *context, struct m4h_http_request *request)
{
    const char *name = m4h_http_path_parameter(request, "name");
    struct m4h_buffer message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_gateway_exchange *exchange;
    struct m4h_device_request device = {0};

    if (!m4h_ident_client_key_is_valid(name)) {
        answer_not_found(request);
        return;
    }
    m4h_text_copy(device.name, sizeof(device.name), name);
    if (!m4h_gateway_read_reason(request, device.reason))
        return;
    m4h_text_copy(device.request_id, sizeof(device.request_id), m4h_http_request_id(request));
    m4h_gateway_actor(request, device.actor);
    exchange = m4h_gateway_exchange_begin(sizeof(*exchange), context, request);
    /* Not repeated: the second answer would be "there is none". */
    if (exchange != NULL)
        m4h_gateway_exchange_ask(exchange, M4H_GATEWAY_DEVICE_REMOVE, false, &message,
                                 m4h_wire_device_remove_encode(&device, &message), on_removed);
}

static const struct m4h_http_route routes[] = {
    {"POST", "/v1/devices", make_device, false, M4H_GATEWAY_SCOPE_OPERATE},
    {"PATCH", "/v1/devices/{name}", change_device, false, M4H_GATEWAY_SCOPE_OPERATE},
    {"DELETE", "/v1/devices/{name}", remove_device, false, M4H_GATEWAY_SCOPE_OPERATE},
    {"POST", "/v1/devices/{name}/approve", approve_device, false, M4H_GATEWAY_SCOPE_OPERATE},
};

struct m4h_http_routes m4h_gateway_devices_routes(struct m4h_gateway_rpc *rpc)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), rpc};
}
