/* jansson's objects, one member at a time. */
#include "lib/json/reader.h"

#include "lib/base/error.h"
#include "lib/base/ident.h"
#include "lib/base/labels.h"
#include "lib/base/walltime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int m4h_json_load_object(const uint8_t *data, size_t len, json_t **document)
{
    json_error_t where;

    *document = json_loadb((const char *)data, len, 0, &where);
    if (*document == NULL)
        return json_error_code(&where) == json_error_out_of_memory ? M4H_ENOMEM : M4H_EINVALID;
    if (json_is_object(*document))
        return 0;
    json_decref(*document);
    *document = NULL;
    return M4H_EINVALID;
}

json_t *m4h_json_get_array(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_array(value) ? value : NULL;
}

void m4h_json_get_text(const json_t *object, const char *name, char *out, size_t out_size)
{
    const char *text = json_string_value(json_object_get(object, name));

    m4h_ident_text_clean(out, out_size, text != NULL ? text : "");
}

static uint64_t number_in(const char *text)
{
    unsigned long long value;
    char *end;

    if (*text < '0' || *text > '9')
        return 0;
    errno = 0;
    value = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 ? value : 0;
}

uint64_t m4h_json_get_u64(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (json_is_string(value))
        return number_in(json_string_value(value));
    return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

uint32_t m4h_json_get_u32(const json_t *object, const char *name)
{
    uint64_t value = m4h_json_get_u64(object, name);

    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

uint16_t m4h_json_get_port(const json_t *object, const char *name)
{
    uint64_t value = m4h_json_get_u64(object, name);

    return value <= UINT16_MAX ? (uint16_t)value : 0;
}

bool m4h_json_get_bool(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

uint64_t m4h_json_get_time(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    uint64_t wall_ms = 0;

    if (text == NULL || m4h_walltime_parse(text, &wall_ms) != 0)
        return 0;
    return wall_ms;
}

void m4h_json_get_labels(const json_t *object, const char *name,
                         char labels[M4H_LABELS_TEXT_MAX + 1])
{
    json_t *members = json_object_get(object, name), *value;
    const char *label;

    labels[0] = '\0';
    json_object_foreach(members, label, value)
    {
        const char *text = json_string_value(value);

        if (text != NULL)
            (void)!m4h_labels_add(labels, label, text);
    }
}

uint64_t m4h_json_get_tunnel_id(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    uint64_t tunnel_id;

    return text != NULL && m4h_tunnel_id_parse(text, &tunnel_id) ? tunnel_id : 0;
}

enum m4h_slave_state m4h_json_get_state(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    for (int i = M4H_SLAVE_READY; text != NULL && i <= M4H_SLAVE_SILENT; i++) {
        if (strcmp(text, m4h_slave_state_name((enum m4h_slave_state)i)) == 0)
            return (enum m4h_slave_state)i;
    }
    return 0;
}

uint8_t m4h_json_get_host_keys(const json_t *object,
                               char keys[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1])
{
    const json_t *list = m4h_json_get_array(object, "host_keys");
    uint8_t count = 0;

    for (size_t i = 0; i < json_array_size(list) && count < M4H_HOST_KEYS_MAX; i++) {
        const char *key = json_string_value(json_array_get(list, i));

        if (key != NULL)
            m4h_ident_text_clean(keys[count++], M4H_HOST_KEY_MAX + 1, key);
    }
    return count;
}

int m4h_json_load_page(const uint8_t *data, size_t len, const char *name, json_t **document,
                       json_t **list, char token[M4H_JSON_TOKEN_MAX])
{
    int error = m4h_json_load_object(data, len, document);

    token[0] = '\0';
    *list = NULL;
    if (error != 0)
        return error;
    *list = m4h_json_get_array(*document, name);
    if (*list == NULL)
        return M4H_EINVALID;
    m4h_json_get_text(*document, "next_page_token", token, M4H_JSON_TOKEN_MAX);
    return 0;
}

void *m4h_json_room_for(const json_t *array, size_t size)
{
    size_t count = json_array_size(array);

    return calloc(count > 0 ? count : 1, size);
}
