/* A stream of events in JetStream's words, and what its API answers. */
#include "lib/base/error.h"
#include "lib/json/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000

/* ---- what is wished ---------------------------------------------------------- */

static json_t *subjects_of(const struct m4h_event_stream *stream)
{
    json_t *list = json_array();

    for (size_t i = 0; i < stream->subject_count; i++)
        json_array_append_new(list, json_string(stream->subjects[i]));
    return list;
}

static json_t *sources_of(const struct m4h_event_stream *stream)
{
    json_t *list = json_array();

    for (size_t i = 0; i < stream->source_count; i++) {
        const struct m4h_stream_source *source = &stream->sources[i];
        json_t *item = json_pack("{s:s}", "name", source->name);

        if (source->api[0] != '\0')
            json_object_set_new(item, "external",
                                json_pack("{s:s, s:s}", "api", source->api, "deliver", ""));
        json_array_append_new(list, item);
    }
    return list;
}

static void set_list(json_t *config, const char *name, json_t *list)
{
    if (json_array_size(list) > 0) {
        json_object_set_new(config, name, list);
        return;
    }
    json_object_del(config, name);
    json_decref(list);
}

static void set_wished(json_t *config, const struct m4h_event_stream *wished)
{
    json_object_set_new(config, "name", json_string(wished->name));
    set_list(config, "subjects", subjects_of(wished));
    set_list(config, "sources", sources_of(wished));
    json_object_set_new(config, "num_replicas", json_integer((json_int_t)wished->replicas));
    json_object_set_new(config, "max_age",
                        json_integer((json_int_t)wished->max_age_ms * NS_PER_MS));
    json_object_set_new(config, "max_bytes", json_integer((json_int_t)wished->max_bytes));
    json_object_set_new(config, "duplicate_window",
                        json_integer((json_int_t)wished->duplicate_window_ms * NS_PER_MS));
}

static int add_document(struct m4h_buffer *out, json_t *document)
{
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    int error = text != NULL ? m4h_buffer_add(out, text, strlen(text)) : M4H_ENOMEM;

    free(text);
    json_decref(document);
    return error;
}

int m4h_json_stream(struct m4h_buffer *out, const struct m4h_event_stream *stream)
{
    json_t *config = json_pack("{s:s, s:s, s:s}", "retention", "limits", "discard", "old",
                               "storage", stream->is_in_memory ? "memory" : "file");

    set_wished(config, stream);
    return add_document(out, config);
}

int m4h_json_stream_change(struct m4h_buffer *out, const uint8_t *info, size_t info_len,
                           const struct m4h_event_stream *wished)
{
    json_error_t where;
    json_t *document = json_loadb((const char *)info, info_len, 0, &where);
    json_t *config = json_object_get(document, "config");

    if (!json_is_object(config)) {
        json_decref(document);
        return M4H_EINVALID;
    }
    json_incref(config);
    json_decref(document);
    set_wished(config, wished);
    return add_document(out, config);
}

/* ---- what is answered ----------------------------------------------------------- */

/* False: it is none, or does not fit; then `out` is "". */
static bool copy_text(char *out, size_t size, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = text != NULL ? strlen(text) : size;

    out[0] = '\0';
    if (len >= size)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

static uint64_t positive(const json_t *value)
{
    json_int_t number = json_integer_value(value);

    return number > 0 ? (uint64_t)number : 0;
}

static void read_subjects(const json_t *list, struct m4h_event_stream *stream)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (i == M4H_STREAM_SUBJECTS_MAX ||
            !copy_text(stream->subjects[i], sizeof(stream->subjects[i]), json_array_get(list, i))) {
            stream->is_cut = true;
            return;
        }
        stream->subject_count++;
    }
}

static void read_sources(const json_t *list, struct m4h_event_stream *stream)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *external = json_object_get(item, "external");
        struct m4h_stream_source *source = &stream->sources[i];

        if (i == M4H_STREAM_SOURCES_MAX ||
            !copy_text(source->name, sizeof(source->name), json_object_get(item, "name")) ||
            (external != NULL &&
             !copy_text(source->api, sizeof(source->api), json_object_get(external, "api")))) {
            stream->is_cut = true;
            return;
        }
        stream->source_count++;
    }
}

static void read_config(const json_t *config, struct m4h_event_stream *stream)
{
    const char *storage = json_string_value(json_object_get(config, "storage"));

    if (!copy_text(stream->name, sizeof(stream->name), json_object_get(config, "name")))
        stream->is_cut = true;
    read_subjects(json_object_get(config, "subjects"), stream);
    read_sources(json_object_get(config, "sources"), stream);
    stream->is_in_memory = storage != NULL && strcmp(storage, "memory") == 0;
    stream->replicas = positive(json_object_get(config, "num_replicas"));
    stream->max_age_ms = positive(json_object_get(config, "max_age")) / NS_PER_MS;
    stream->max_bytes = (int64_t)json_integer_value(json_object_get(config, "max_bytes"));
    stream->duplicate_window_ms = positive(json_object_get(config, "duplicate_window")) / NS_PER_MS;
}

static void read_source_states(const json_t *list, struct m4h_event_stream_state *state)
{
    for (size_t i = 0; i < json_array_size(list) && i < M4H_STREAM_SOURCES_MAX; i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t silent_ns = json_integer_value(json_object_get(item, "active"));

        if (!copy_text(state->sources[i].name, sizeof(state->sources[i].name),
                       json_object_get(item, "name")))
            return;
        state->sources[i].lag = positive(json_object_get(item, "lag"));
        state->sources[i].silent_ms = silent_ns >= 0 ? (uint64_t)silent_ns / NS_PER_MS : UINT64_MAX;
        state->source_count++;
    }
}

int m4h_json_stream_reply_parse(const uint8_t *data, size_t len,
                                struct m4h_json_stream_reply *reply)
{
    json_error_t where;
    json_t *document = json_loadb((const char *)data, len, 0, &where);
    const json_t *error = json_object_get(document, "error");
    const json_t *state = json_object_get(document, "state");
    json_int_t code = json_integer_value(json_object_get(error, "err_code"));
    const char *text = json_string_value(json_object_get(error, "description"));
    bool is_object = json_is_object(document);

    memset(reply, 0, sizeof(*reply));
    if (error != NULL) {
        reply->error_code = code > 0 && code <= UINT32_MAX ? (uint32_t)code : UINT32_MAX;
        snprintf(reply->description, sizeof(reply->description), "%s", text != NULL ? text : "");
    }
    read_config(json_object_get(document, "config"), &reply->stream);
    reply->state.messages = positive(json_object_get(state, "messages"));
    reply->state.bytes = positive(json_object_get(state, "bytes"));
    reply->state.last_seq = positive(json_object_get(state, "last_seq"));
    read_source_states(json_object_get(document, "sources"), &reply->state);
    json_decref(document);
    return is_object ? 0 : M4H_EINVALID;
}
