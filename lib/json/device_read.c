/* Records of devices, read: as changes that a client wants, and as a client shows them. */
#include "lib/base/error.h"
#include "lib/base/ssh_public_key.h"
#include "lib/json/device.h"
#include "lib/json/grant.h"
#include "lib/json/reader.h"

#include <stdlib.h>
#include <string.h>

/* ---- changes -------------------------------------------------------------------- */

static bool says(const json_t *object, const char *name)
{
    return json_object_get(object, name) != NULL;
}

static void read_public_key(struct m4h_json_strict *strict, json_t *object,
                            struct m4h_device_record *device)
{
    char text[M4H_SSH_KEY_TEXT_MAX + M4H_DETAIL_MAX + 1];
    const char *comment = "";

    device->public_key_len = 0;
    m4h_json_strict_text(strict, object, "public_key", text, sizeof(text));
    if (text[0] == '\0')
        return;
    if (m4h_ssh_key_parse(text, device->public_key, &device->public_key_len, &comment) != 0)
        m4h_json_refuse(strict, "\"public_key\" must be a key as in \"ssh-ed25519 AAAA...\", of a "
                                "type that devices may have");
    else if (device->comment[0] == '\0')
        m4h_ident_text_clean(device->comment, sizeof(device->comment), comment);
}

static void read_state(struct m4h_json_strict *strict, json_t *object,
                       struct m4h_device_record *device)
{
    const char *text = json_string_value(m4h_json_strict_member(object, "state"));
    enum m4h_device_state state = text != NULL ? m4h_json_device_state_parse(text) : 0;

    if (state == M4H_DEVICE_ENABLED || state == M4H_DEVICE_DISABLED)
        device->state = state;
    else
        m4h_json_refuse(strict, "\"state\" must be \"enabled\" or \"disabled\"");
}

/* Of a device or an operator: who becomes one is not the other any more. */
static void read_names(struct m4h_json_strict *strict, json_t *object,
                       struct m4h_device_record *device)
{
    const char *client_key = json_string_value(json_object_get(object, "client_key"));

    if (says(object, "operator")) {
        memset(&device->operator_, 0, sizeof(device->operator_));
        m4h_json_read_operator(strict, object, &device->operator_);
        if (device->operator_.name[0] != '\0')
            device->client_key[0] = '\0';
    }
    if (!says(object, "client_key"))
        return;
    device->client_key[0] = '\0';
    /* As it is written of an operator. */
    if (client_key != NULL && *client_key == '\0')
        return;
    m4h_json_read_client_key(strict, object, device->client_key);
    if (device->client_key[0] == '\0')
        return;
    if (m4h_json_strict_member(object, "operator") != NULL)
        m4h_json_refuse(strict, "a key is a device's or an operator's: not \"client_key\" and "
                                "\"operator\"");
    memset(&device->operator_, 0, sizeof(device->operator_));
}

static void read_limits(struct m4h_json_strict *strict, json_t *object,
                        struct m4h_device_limits *limits)
{
    struct m4h_device_limits wanted = {0};
    const json_t *ports = json_object_get(object, "ports");

    if (says(object, "limits")) {
        m4h_json_read_limits(strict, object, &wanted);
        wanted.port_range_count = limits->port_range_count;
        memcpy(wanted.ports, limits->ports, sizeof(wanted.ports));
        *limits = wanted;
    }
    if (ports == NULL)
        return;
    limits->port_range_count = 0;
    if (!json_is_array(ports) || json_array_size(ports) > 0)
        limits->port_range_count =
            m4h_json_read_ports(strict, object, limits->ports, M4H_PORT_RANGES_MAX);
}

static void read_change(struct m4h_json_strict *strict, json_t *object,
                        struct m4h_device_record *device)
{
    static const char *const names[] = {
        "public_key", "key_fingerprint", "state",      "client_key", "labels",
        "limits",     "ports",           "port",       "region",     "expires_at",
        "operator",   "comment",         "created_at", "changed_at", "actor",
        "username",   "remote_address",  "attempts",   NULL};

    if (!json_is_object(object)) {
        m4h_json_refuse(strict, "the record must be a JSON object");
        return;
    }
    m4h_json_strict_names(strict, object, "the record", names);
    if (says(object, "comment"))
        m4h_json_strict_text(strict, object, "comment", device->comment, sizeof(device->comment));
    if (says(object, "public_key"))
        read_public_key(strict, object, device);
    if (says(object, "key_fingerprint"))
        m4h_json_strict_text(strict, object, "key_fingerprint", device->key_fingerprint,
                             sizeof(device->key_fingerprint));
    if (says(object, "state"))
        read_state(strict, object, device);
    if (says(object, "labels")) {
        device->labels[0] = '\0';
        m4h_json_read_labels(strict, object, device->labels);
    }
    if (says(object, "port"))
        device->fixed_port =
            (uint16_t)m4h_json_strict_number(strict, object, "port", 1, UINT16_MAX);
    if (says(object, "region"))
        m4h_json_read_region(strict, object, device->preferred_region);
    if (says(object, "expires_at")) {
        device->expires_wall_ms = 0;
        m4h_json_read_expiry(strict, object, &device->expires_wall_ms);
    }
    read_limits(strict, object, &device->limits);
    read_names(strict, object, device);
}

int m4h_json_device_change_parse(const uint8_t *data, size_t len, struct m4h_device_record *device,
                                 char problem[M4H_DETAIL_MAX + 1])
{
    struct m4h_json_strict strict = {.problem = problem};
    struct m4h_device_record changed = *device;
    json_t *object;

    problem[0] = '\0';
    object = m4h_json_strict_load(&strict, "the record", data, len, M4H_JSON_DEVICE_MAX);
    if (object == NULL)
        return strict.error;
    read_change(&strict, object, &changed);
    json_decref(object);
    if (strict.error == 0)
        *device = changed;
    return strict.error;
}

/* ---- a line of authorized_keys ----------------------------------------------------- */

static void read_line(struct m4h_json_strict *strict, json_t *object, struct m4h_device_put *put)
{
    static const char *const names[] = {"authorized_keys", "replace", NULL};
    char line[M4H_DEVICE_LINE_MAX + 1];
    bool replaces;

    m4h_json_strict_names(strict, object, "the line", names);
    m4h_json_strict_text(strict, object, "authorized_keys", line, sizeof(line));
    replaces = m4h_json_strict_bool(strict, object, "replace");
    if (strict->error == 0 && line[0] == '\0')
        m4h_json_refuse(strict, "\"authorized_keys\" must be a line of that format");
    if (strict->error != 0)
        return;
    memcpy(put->authorized_keys_line, line, sizeof(line));
    put->create_only = put->create_only && !replaces;
}

int m4h_json_device_put_parse(const uint8_t *data, size_t len, struct m4h_device_put *put,
                              char problem[M4H_DETAIL_MAX + 1])
{
    struct m4h_json_strict strict = {.problem = problem};
    json_t *object;
    bool is_line;

    problem[0] = '\0';
    object = m4h_json_strict_load(&strict, "the record", data, len, M4H_JSON_DEVICE_MAX);
    if (object == NULL)
        return strict.error;
    is_line = says(object, "authorized_keys");
    if (is_line)
        read_line(&strict, object, put);
    json_decref(object);
    return is_line ? strict.error : m4h_json_device_change_parse(data, len, &put->device, problem);
}

/* ---- as a client shows them -------------------------------------------------------- */

static void read_device(json_t *object, struct m4h_device_record *device)
{
    char problem[M4H_DETAIL_MAX + 1], text[M4H_SSH_KEY_TEXT_MAX + M4H_DETAIL_MAX + 1];
    struct m4h_json_strict whatever = {.problem = problem};
    const char *comment;

    m4h_json_get_text(object, "key_fingerprint", device->key_fingerprint,
                      sizeof(device->key_fingerprint));
    m4h_json_get_text(object, "public_key", text, sizeof(text));
    if (m4h_ssh_key_parse(text, device->public_key, &device->public_key_len, &comment) != 0)
        device->public_key_len = 0;
    m4h_json_get_text(object, "state", text, sizeof(text));
    device->state = m4h_json_device_state_parse(text);
    m4h_json_get_text(object, "client_key", device->client_key, sizeof(device->client_key));
    m4h_json_get_labels(object, "labels", device->labels);
    m4h_json_read_limits(&whatever, object, &device->limits);
    device->limits.port_range_count =
        m4h_json_read_ports(&whatever, object, device->limits.ports, M4H_PORT_RANGES_MAX);
    device->fixed_port = m4h_json_get_port(object, "port");
    m4h_json_get_text(object, "region", device->preferred_region, sizeof(device->preferred_region));
    device->expires_wall_ms = m4h_json_get_time(object, "expires_at");
    m4h_json_read_operator(&whatever, object, &device->operator_);
    m4h_json_get_text(object, "comment", device->comment, sizeof(device->comment));
    device->created_wall_ms = m4h_json_get_time(object, "created_at");
    device->stamp = m4h_json_get_time(object, "changed_at") << 16;
    m4h_json_get_text(object, "actor", device->actor, sizeof(device->actor));
    m4h_json_get_text(object, "remote_address", device->remote_address,
                      sizeof(device->remote_address));
    m4h_json_get_text(object, "username", device->username, sizeof(device->username));
    device->attempts = m4h_json_get_u32(object, "attempts");
}

int m4h_json_device_read(const uint8_t *data, size_t len, struct m4h_device_record *device)
{
    json_t *object;
    int error = m4h_json_load_object(data, len, &object);

    memset(device, 0, sizeof(*device));
    if (error == 0)
        read_device(object, device);
    json_decref(object);
    return error;
}

int m4h_json_devices_read(const uint8_t *data, size_t len, struct m4h_device_record **devices,
                          size_t *count, char next_page_token[M4H_JSON_TOKEN_MAX])
{
    json_t *list, *document;
    int error = m4h_json_load_page(data, len, "devices", &document, &list, next_page_token);

    *devices = NULL;
    *count = 0;
    if (error == 0) {
        *devices = m4h_json_room_for(list, sizeof(**devices));
        if (*devices == NULL)
            error = M4H_ENOMEM;
    }
    for (size_t i = 0; error == 0 && i < json_array_size(list); i++)
        read_device(json_array_get(list, i), &(*devices)[(*count)++]);
    json_decref(document);
    return error;
}
