/* The stream of the events in JetStream's words: all types of events but load. */
#include "lib/base/error.h"
#include "lib/json/json.h"
#include "lib/json/writer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS 1000000u

static const char *const types[] = {"connect", "disconnect", "start",   "drain",
                                    "stop",    "refuse",     "flapping"};

int m4h_json_stream(struct m4h_buffer *out, const struct m4h_json_stream *stream)
{
    struct m4h_json_writer writer;
    char subject[64];

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "name", stream->name);
    m4h_json_open(&writer, "subjects", '[');
    for (size_t i = 0; i < M4H_COUNT(types); i++) {
        snprintf(subject, sizeof(subject), "mas4h.v1.events.*.*.%s", types[i]);
        m4h_json_text(&writer, NULL, subject);
    }
    m4h_json_close(&writer, ']');
    m4h_json_text(&writer, "retention", "limits");
    m4h_json_text(&writer, "discard", "old");
    m4h_json_text(&writer, "storage", stream->is_in_memory ? "memory" : "file");
    m4h_json_number(&writer, "num_replicas", stream->replicas);
    m4h_json_number(&writer, "max_age", stream->max_age_ms * NS_PER_MS);
    m4h_json_number(&writer, "max_bytes", stream->max_bytes);
    m4h_json_number(&writer, "duplicate_window", stream->duplicate_window_ms * NS_PER_MS);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

int m4h_json_stream_reply_parse(const uint8_t *data, size_t len,
                                struct m4h_json_stream_reply *reply)
{
    json_error_t where;
    json_t *document = json_loadb((const char *)data, len, 0, &where);
    const json_t *error = json_object_get(document, "error");
    json_int_t code = json_integer_value(json_object_get(error, "err_code"));
    const char *text = json_string_value(json_object_get(error, "description"));
    bool is_object = json_is_object(document);

    memset(reply, 0, sizeof(*reply));
    if (error != NULL) {
        reply->error_code = code > 0 && code <= UINT32_MAX ? (uint32_t)code : UINT32_MAX;
        snprintf(reply->description, sizeof(reply->description), "%s", text != NULL ? text : "");
    }
    json_decref(document);
    return is_object ? 0 : M4H_EINVALID;
}
