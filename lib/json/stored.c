/* Reading the stream of events, in JetStream's words: its state, a consumer of it, one message. */
#include "lib/base/base64.h"
#include "lib/base/error.h"
#include "lib/json/json.h"
#include "lib/json/reader.h"
#include "lib/json/writer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS 1000000u
/* JetStream's own code. */
#define ERROR_NO_MESSAGE 10037

int m4h_json_consumer(struct m4h_buffer *out, const struct m4h_json_consumer *consumer)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "stream_name", consumer->stream);
    m4h_json_open(&writer, "config", '{');
    m4h_json_text(&writer, "name", consumer->name);
    m4h_json_text(&writer, "deliver_subject", consumer->deliver_subject);
    m4h_json_text(&writer, "deliver_policy", "by_start_sequence");
    m4h_json_number(&writer, "opt_start_seq", consumer->start_seq);
    m4h_json_text(&writer, "ack_policy", "none");
    m4h_json_text(&writer, "replay_policy", "instant");
    m4h_json_bool(&writer, "flow_control", true);
    m4h_json_number(&writer, "idle_heartbeat", consumer->heartbeat_ms * NS_PER_MS);
    m4h_json_number(&writer, "inactive_threshold", consumer->inactive_ms * NS_PER_MS);
    m4h_json_bool(&writer, "mem_storage", true);
    m4h_json_number(&writer, "num_replicas", 1);
    m4h_json_close(&writer, '}');
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

int m4h_json_stored_request(struct m4h_buffer *out, uint64_t seq)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_number(&writer, "seq", seq);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

static bool read_number(const json_t *object, const char *name, uint64_t *value)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_integer(member) || json_integer_value(member) < 0)
        return false;
    *value = (uint64_t)json_integer_value(member);
    return true;
}

int m4h_json_stream_state_parse(const uint8_t *data, size_t len, uint64_t *first_seq,
                                uint64_t *last_seq)
{
    json_error_t where;
    json_t *document = json_loadb((const char *)data, len, 0, &where);
    const json_t *state = json_object_get(document, "state");
    bool ok =
        read_number(state, "first_seq", first_seq) && read_number(state, "last_seq", last_seq);

    json_decref(document);
    return ok ? 0 : M4H_ENOTFOUND;
}

static int read_payload(const json_t *member, struct m4h_buffer *payload)
{
    size_t len = json_string_length(member), size = len / 4 * 3, taken;
    uint8_t *room;
    int error;

    if (len == 0)
        return 0;
    room = m4h_buffer_room(payload, size);
    if (room == NULL)
        return M4H_ETOOBIG;
    error = m4h_base64_decode(json_string_value(member), len, room, size, &taken);
    if (error == 0)
        m4h_buffer_added(payload, taken);
    return error;
}

static int read_error(const json_t *error)
{
    return json_integer_value(json_object_get(error, "err_code")) == ERROR_NO_MESSAGE
               ? M4H_ENOTFOUND
               : M4H_EUNAVAILABLE;
}

static int read_message(const json_t *message, struct m4h_json_stored *stored,
                        struct m4h_buffer *payload)
{
    const char *subject = json_string_value(json_object_get(message, "subject"));

    if (subject == NULL || strlen(subject) >= sizeof(stored->subject) ||
        !read_number(message, "seq", &stored->seq))
        return M4H_EPROTOCOL;
    stored->wall_ms = m4h_json_get_time(message, "time");
    snprintf(stored->subject, sizeof(stored->subject), "%s", subject);
    return read_payload(json_object_get(message, "data"), payload);
}

int m4h_json_stored_parse(const uint8_t *data, size_t len, struct m4h_json_stored *stored,
                          struct m4h_buffer *payload)
{
    json_error_t where;
    json_t *document = json_loadb((const char *)data, len, 0, &where);
    int error = M4H_EPROTOCOL;

    if (json_object_get(document, "error") != NULL)
        error = read_error(json_object_get(document, "error"));
    else if (document != NULL)
        error = read_message(json_object_get(document, "message"), stored, payload);
    json_decref(document);
    return error;
}
