/* Slots: the requests that devices send, and the answers. The requests are a
 * stranger's bytes: size first, then JSON without duplicate names, then each
 * member's type and rule. */
#include "lib/base/error.h"
#include "lib/json/problem.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void write_slot(struct m4h_json_writer *writer, const struct m4h_slot *slot)
{
    m4h_json_open(writer, "slot", '{');
    m4h_json_text(writer, "slave_id", slot->slave_id);
    m4h_json_text(writer, "region", slot->region);
    m4h_json_text(writer, "host", slot->host);
    m4h_json_number(writer, "port", slot->port);
    m4h_json_open(writer, "host_keys", '[');
    for (size_t i = 0; i < slot->host_key_count; i++)
        m4h_json_text(writer, NULL, slot->host_keys[i]);
    m4h_json_close(writer, ']');
    m4h_json_time(writer, "expires_at", slot->expires_wall_ms);
    m4h_json_close(writer, '}');
}

int m4h_json_slot_request(struct m4h_buffer *out, const char *region, const char *client_key)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    if (region != NULL)
        m4h_json_text(&writer, "region", region);
    if (client_key != NULL)
        m4h_json_text(&writer, "client_key", client_key);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

int m4h_json_slot(struct m4h_buffer *out, const struct m4h_slot *slot)
{
    return m4h_json_slot_answer(out, NULL, slot);
}

int m4h_json_slot_answer(struct m4h_buffer *out, const char *request_id,
                         const struct m4h_slot *slot)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    if (request_id != NULL)
        m4h_json_text(&writer, "request_id", request_id);
    write_slot(&writer, slot);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

int m4h_json_slot_notice(struct m4h_buffer *out, const struct m4h_drain_notice *notice)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_open(&writer, "notice", '{');
    m4h_json_text(&writer, "type", "drain");
    m4h_json_text(&writer, "slave_id", notice->slave_id);
    m4h_json_open(&writer, "slots", '[');
    for (size_t i = 0; i < notice->count; i++)
        m4h_json_text(&writer, NULL, notice->request_ids[i]);
    m4h_json_close(&writer, ']');
    m4h_json_close(&writer, '}');
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

int m4h_json_slot_error(struct m4h_buffer *out, const char *request_id,
                        const struct m4h_json_problem *problem)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "request_id", request_id);
    m4h_json_write_problem(&writer, "error", problem);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

static int refuse(struct m4h_problem *problem, const char *format, ...) M4H_PRINTF(2, 3);

static int refuse(struct m4h_problem *problem, const char *format, ...)
{
    char detail[M4H_DETAIL_MAX + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    m4h_problem_set(problem, M4H_PROBLEM_INVALID, detail);
    return M4H_EINVALID;
}

/* Copies a member that is a string, if it is there. */
static int read_text(const json_t *document, const char *name, char *out, size_t out_size,
                     struct m4h_problem *problem)
{
    const json_t *value = json_object_get(document, name);

    if (value == NULL)
        return 0;
    if (!json_is_string(value))
        return refuse(problem, "\"%s\" must be a string", name);
    if (!m4h_text_copy(out, out_size, json_string_value(value)))
        return refuse(problem, "\"%s\" is longer than %zu bytes", name, out_size - 1);
    return 0;
}

static int read_region(const json_t *document, struct m4h_dispatch_request *request,
                       struct m4h_problem *problem)
{
    int error = read_text(document, "region", request->region, sizeof(request->region), problem);

    if (error == 0 && request->region[0] != '\0' && !m4h_ident_id_is_valid(request->region))
        return refuse(problem, "\"region\" must be made of a-z, 0-9 and -");
    return error;
}

static int read_client_key(const json_t *document, struct m4h_dispatch_request *request,
                           struct m4h_problem *problem)
{
    int error = read_text(document, "client_key", request->client_key, sizeof(request->client_key),
                          problem);

    if (error == 0 && request->client_key[0] != '\0' &&
        !m4h_ident_client_key_is_valid(request->client_key))
        return refuse(problem, "\"client_key\" must be text without control characters");
    return error;
}

static int read_request_id(const json_t *document, struct m4h_dispatch_request *request,
                           struct m4h_problem *problem)
{
    int error = read_text(document, "request_id", request->request_id, sizeof(request->request_id),
                          problem);

    if (error != 0)
        return error;
    if (request->request_id[0] == '\0')
        return refuse(problem, "\"request_id\" is missing or empty");
    if (!m4h_ident_text_is_valid(request->request_id, strlen(request->request_id))) {
        request->request_id[0] = '\0';
        return refuse(problem, "\"request_id\" must be text without control characters");
    }
    return 0;
}

static int load(const uint8_t *data, size_t len, json_t **document, struct m4h_problem *problem)
{
    json_error_t where;

    *document = NULL;
    if (len > M4H_JSON_REQUEST_MAX) {
        refuse(problem, "the request is longer than %d bytes", M4H_JSON_REQUEST_MAX);
        return M4H_EPROTOCOL;
    }
    *document = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, &where);
    if (*document == NULL && json_error_code(&where) == json_error_out_of_memory)
        return M4H_ENOMEM;
    if (*document == NULL) {
        refuse(problem, "not JSON at line %d, column %d", where.line, where.column);
        return M4H_EPROTOCOL;
    }
    if (!json_is_object(*document))
        return refuse(problem, "the request must be a JSON object");
    return 0;
}

static int parse(const uint8_t *data, size_t len, bool with_id,
                 struct m4h_dispatch_request *request, struct m4h_problem *problem)
{
    json_t *document;
    int error = load(data, len, &document, problem);

    if (error == 0 && with_id)
        error = read_request_id(document, request, problem);
    if (error == 0)
        error = read_region(document, request, problem);
    if (error == 0)
        error = read_client_key(document, request, problem);
    json_decref(document);
    return error;
}

int m4h_json_slot_request_parse(const uint8_t *data, size_t len,
                                struct m4h_dispatch_request *request, struct m4h_problem *problem)
{
    memset(request, 0, sizeof(*request));
    memset(problem, 0, sizeof(*problem));
    return len == 0 ? 0 : parse(data, len, false, request, problem);
}

int m4h_json_slot_message_parse(const uint8_t *data, size_t len,
                                struct m4h_dispatch_request *request, struct m4h_problem *problem)
{
    memset(request, 0, sizeof(*request));
    memset(problem, 0, sizeof(*problem));
    return parse(data, len, true, request, problem);
}
