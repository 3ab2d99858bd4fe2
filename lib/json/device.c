/* Records of devices, written. */
#include "lib/json/device.h"

#include "lib/base/ssh_public_key.h"
#include "lib/json/grant.h"

#include <string.h>

static const char *const state_names[] = {
    [M4H_DEVICE_ENABLED] = "enabled",
    [M4H_DEVICE_DISABLED] = "disabled",
    [M4H_DEVICE_PENDING] = "pending",
    [M4H_DEVICE_REMOVED] = "removed",
};

const char *m4h_json_device_state(enum m4h_device_state state)
{
    return state >= M4H_DEVICE_ENABLED && state <= M4H_DEVICE_REMOVED ? state_names[state]
                                                                      : "unknown";
}

enum m4h_device_state m4h_json_device_state_parse(const char *text)
{
    for (int i = M4H_DEVICE_ENABLED; i <= M4H_DEVICE_PENDING; i++) {
        if (strcmp(state_names[i], text) == 0)
            return (enum m4h_device_state)i;
    }
    return 0;
}

/* When a stamp was made: see lib/base/stamp.h. */
static uint64_t wall_ms_of(uint64_t stamp)
{
    return stamp >> 16;
}

static void write_key(struct m4h_json_writer *writer, const struct m4h_device_record *device)
{
    char text[M4H_SSH_KEY_TEXT_MAX];

    if (m4h_ssh_key_format(device->public_key, device->public_key_len, text))
        m4h_json_text(writer, "public_key", text);
    else
        m4h_json_null(writer, "public_key");
}

static void write_port(struct m4h_json_writer *writer, uint16_t port)
{
    if (port != 0)
        m4h_json_number(writer, "port", port);
    else
        m4h_json_null(writer, "port");
}

static void write_device(struct m4h_json_writer *writer, const struct m4h_device_record *device)
{
    m4h_json_open(writer, NULL, '{');
    m4h_json_text(writer, "key_fingerprint", device->key_fingerprint);
    write_key(writer, device);
    m4h_json_text(writer, "state", m4h_json_device_state(device->state));
    m4h_json_text(writer, "client_key", device->client_key);
    m4h_json_labels(writer, "labels", device->labels);
    m4h_json_write_limits(writer, &device->limits);
    m4h_json_write_ports(writer, device->limits.ports, device->limits.port_range_count);
    write_port(writer, device->fixed_port);
    m4h_json_text(writer, "region", device->preferred_region);
    m4h_json_time(writer, "expires_at", device->expires_wall_ms);
    m4h_json_write_operator(writer, &device->operator_);
    m4h_json_text(writer, "comment", device->comment);
    m4h_json_time(writer, "created_at", device->created_wall_ms);
    m4h_json_time(writer, "changed_at", wall_ms_of(device->stamp));
    m4h_json_text(writer, "actor", device->actor);
    m4h_json_text(writer, "remote_address", device->remote_address);
    m4h_json_text(writer, "username", device->username);
    m4h_json_number(writer, "attempts", device->attempts);
    m4h_json_close(writer, '}');
}

int m4h_json_device(struct m4h_buffer *out, const struct m4h_device_record *device)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    write_device(&writer, device);
    return m4h_json_finish(&writer);
}

int m4h_json_devices(struct m4h_buffer *out, const struct m4h_device_record *devices, size_t count,
                     const char *next_page_token)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_open(&writer, "devices", '[');
    for (size_t i = 0; i < count; i++)
        write_device(&writer, &devices[i]);
    m4h_json_close(&writer, ']');
    m4h_json_text(&writer, "next_page_token", next_page_token);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

/* ---- changes ------------------------------------------------------------------- */

static void write_said(struct m4h_json_writer *writer, const char *name, const char *text)
{
    if (text[0] != '\0')
        m4h_json_text(writer, name, text);
}

static void write_change(struct m4h_json_writer *writer, const struct m4h_device_record *device)
{
    if (device->public_key_len > 0)
        write_key(writer, device);
    if (device->state != 0)
        m4h_json_text(writer, "state", m4h_json_device_state(device->state));
    write_said(writer, "client_key", device->client_key);
    if (device->labels[0] != '\0')
        m4h_json_labels(writer, "labels", device->labels);
    if (device->limits.port_range_count > 0)
        m4h_json_write_ports(writer, device->limits.ports, device->limits.port_range_count);
    if (device->fixed_port != 0)
        write_port(writer, device->fixed_port);
    write_said(writer, "region", device->preferred_region);
    if (device->expires_wall_ms != 0)
        m4h_json_time(writer, "expires_at", device->expires_wall_ms);
    if (device->operator_.name[0] != '\0')
        m4h_json_write_operator(writer, &device->operator_);
    write_said(writer, "comment", device->comment);
}

int m4h_json_device_change(struct m4h_buffer *out, const struct m4h_device_record *device)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    write_change(&writer, device);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

int m4h_json_device_line(struct m4h_buffer *out, const char *line, bool replaces)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "authorized_keys", line);
    if (replaces)
        m4h_json_bool(&writer, "replace", true);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}
