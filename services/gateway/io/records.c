/* The records that masters keep, over REST: views of what a master replies, as in io/status.c. None
 * is kept for the next who asks: who has changed something looks at once. */
#include "services/gateway/io/records.h"

#include "lib/json/device.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/page.h"
#include "services/gateway/core/scope.h"
#include "services/gateway/core/subject.h"
#include "services/gateway/io/exchange.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX 4096u

/* ---- views ------------------------------------------------------------------------- */

static int write_devices(const uint8_t *data, size_t len, struct m4h_buffer *out,
                         struct m4h_problem *problem)
{
    char token[M4H_PAGE_TOKEN_MAX + 1], opaque[M4H_GATEWAY_TOKEN_MAX + 1];
    struct m4h_device_record *devices = NULL;
    size_t count;
    int error = m4h_wire_devices_reply_decode(data, len, &devices, &count, token, problem);

    if (error == 0 && problem->code == 0)
        error = m4h_json_devices(out, devices, count, m4h_gateway_token_encode(token, opaque));
    free(devices);
    return error;
}

static int write_device(const uint8_t *data, size_t len, struct m4h_buffer *out,
                        struct m4h_problem *problem)
{
    struct m4h_device_record device;
    int error = m4h_wire_device_reply_decode(data, len, &device, problem);

    if (error == 0 && problem->code == 0)
        error = m4h_json_device(out, &device);
    return error;
}

static int write_revocations(const uint8_t *data, size_t len, struct m4h_buffer *out,
                             struct m4h_problem *problem)
{
    char token[M4H_REVOCATION_NAME_MAX + 1], opaque[M4H_GATEWAY_TOKEN_MAX + 1];
    struct m4h_revoke *page = NULL;
    uint64_t digest;
    size_t count;
    int error =
        m4h_wire_revocations_reply_decode(data, len, &page, &count, token, &digest, problem);

    if (error == 0 && problem->code == 0)
        error = m4h_json_revocations(out, page, count, m4h_gateway_token_encode(token, opaque));
    free(page);
    return error;
}

static const struct m4h_gateway_view devices_view = {M4H_GATEWAY_DEVICES, false, write_devices};
static const struct m4h_gateway_view device_view = {M4H_GATEWAY_DEVICE, false, write_device};
static const struct m4h_gateway_view revocations_view = {M4H_GATEWAY_REVOCATIONS, false,
                                                         write_revocations};

/* ---- what is asked for ---------------------------------------------------------------- */

/* Frees both forms of the question, see io/status.c; `error` is that of encoding them. */
static void ask(struct m4h_gateway_shared *shared, const struct m4h_gateway_view *view,
                struct m4h_buffer *key, struct m4h_buffer *message, int error,
                struct m4h_http_request *request)
{
    if (error != 0)
        m4h_http_answer_problem(request, 500, "internal", NULL, 0);
    else
        m4h_gateway_shared_ask(shared, view, key, message, request);
    m4h_buffer_free(key);
    m4h_buffer_free(message);
}

/* False: the request is wrong, and answered. */
static bool read_page(struct m4h_http_request *request, const char *page_token,
                      struct m4h_page_request *page)
{
    struct m4h_gateway_page_query query = {
        .page_size = m4h_http_query(request, "page_size"),
        .page_token = page_token,
        .client_key_prefix = m4h_http_query(request, "client_key_prefix"),
    };
    struct m4h_problem problem;

    if (!m4h_http_check_accept(request, M4H_HTTP_JSON))
        return false;
    if (m4h_gateway_page_parse(&query, page, &problem) == 0)
        return true;
    m4h_gateway_answer_problem(request, &problem);
    return false;
}

static uint32_t at_most(uint32_t wanted, uint32_t max)
{
    return wanted < max ? wanted : max;
}

static bool read_devices_request(struct m4h_http_request *request,
                                 struct m4h_devices_request *devices)
{
    const char *state = m4h_http_query(request, "state");
    struct m4h_page_request page;

    memset(devices, 0, sizeof(*devices));
    if (!read_page(request, m4h_http_query(request, "page_token"), &page))
        return false;
    devices->page_size = at_most(page.page_size, M4H_DEVICES_PAGE_MAX);
    memcpy(devices->page_token, page.page_token, sizeof(devices->page_token));
    memcpy(devices->client_key_prefix, page.client_key_prefix, sizeof(devices->client_key_prefix));
    if (state == NULL || *state == '\0')
        return true;
    devices->state = m4h_json_device_state_parse(state);
    if (devices->state == 0)
        m4h_http_answer_problem(request, 400, "invalid",
                                "state must be enabled, disabled or pending", 0);
    return devices->state != 0;
}

static void list_devices(void *context, struct m4h_http_request *request)
{
    struct m4h_buffer key = M4H_BUFFER_INIT(REQUEST_MAX), message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_devices_request devices;
    int error;

    if (!read_devices_request(request, &devices))
        return;
    error = m4h_wire_devices_request_encode(&devices, &key);
    m4h_text_copy(devices.request_id, sizeof(devices.request_id), m4h_http_request_id(request));
    if (error == 0)
        error = m4h_wire_devices_request_encode(&devices, &message);
    ask(context, &devices_view, &key, &message, error, request);
}

static void get_device(void *context, struct m4h_http_request *request)
{
    struct m4h_buffer key = M4H_BUFFER_INIT(REQUEST_MAX), message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_device_request device = {0};
    int error;

    if (!m4h_http_check_accept(request, M4H_HTTP_JSON))
        return;
    if (!m4h_text_copy(device.name, sizeof(device.name),
                       m4h_http_path_parameter(request, "name"))) {
        m4h_http_answer_problem(request, 404, "not_found", "there is no such device", 0);
        return;
    }
    error = m4h_wire_device_get_encode(&device, &key);
    m4h_text_copy(device.request_id, sizeof(device.request_id), m4h_http_request_id(request));
    if (error == 0)
        error = m4h_wire_device_get_encode(&device, &message);
    ask(context, &device_view, &key, &message, error, request);
}

/* False: the request is wrong, and answered. */
static bool read_revocations_request(struct m4h_http_request *request,
                                     struct m4h_revocations_request *revocations)
{
    const char *token = m4h_http_query(request, "page_token");
    const char *banned = m4h_http_query(request, "banned");
    struct m4h_page_request page;

    memset(revocations, 0, sizeof(*revocations));
    if (!read_page(request, NULL, &page))
        return false;
    revocations->page_size = at_most(page.page_size, M4H_REVOCATIONS_PAGE_MAX);
    revocations->banned_only = banned != NULL && strcmp(banned, "true") == 0;
    if (banned != NULL && *banned != '\0' && !revocations->banned_only &&
        strcmp(banned, "false") != 0) {
        m4h_http_answer_problem(request, 400, "invalid", "banned must be true or false", 0);
        return false;
    }
    if (token == NULL ||
        m4h_gateway_token_decode(token, revocations->page_token, sizeof(revocations->page_token)))
        return true;
    m4h_http_answer_problem(request, 400, "invalid",
                            "page_token is not one that this list gave out", 0);
    return false;
}

static void list_revocations(void *context, struct m4h_http_request *request)
{
    struct m4h_buffer key = M4H_BUFFER_INIT(REQUEST_MAX), message = M4H_BUFFER_INIT(REQUEST_MAX);
    struct m4h_revocations_request revocations;
    int error;

    if (!read_revocations_request(request, &revocations))
        return;
    error = m4h_wire_revocations_request_encode(&revocations, &key);
    m4h_text_copy(revocations.request_id, sizeof(revocations.request_id),
                  m4h_http_request_id(request));
    if (error == 0)
        error = m4h_wire_revocations_request_encode(&revocations, &message);
    ask(context, &revocations_view, &key, &message, error, request);
}

static const struct m4h_http_route routes[] = {
    {"GET", "/v1/devices", list_devices, false, M4H_GATEWAY_SCOPE_READ},
    {"GET", "/v1/devices/{name}", get_device, false, M4H_GATEWAY_SCOPE_READ},
    {"GET", "/v1/revocations", list_revocations, false, M4H_GATEWAY_SCOPE_READ},
};

struct m4h_http_routes m4h_gateway_records_routes(struct m4h_gateway_shared *shared)
{
    return (struct m4h_http_routes){routes, M4H_COUNT(routes), shared};
}
