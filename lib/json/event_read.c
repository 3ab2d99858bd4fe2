/* The document of an event, read: event.c the other way round. */
#include "lib/base/error.h"
#include "lib/json/read.h"
#include "lib/json/reader.h"

#include <string.h>

static enum m4h_event_type type_of(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "type"));

    for (int i = M4H_EVENT_OTHER + 1; name != NULL && i < M4H_EVENT_TYPE_COUNT; i++) {
        if (strcmp(name, m4h_event_type_name((enum m4h_event_type)i)) == 0)
            return (enum m4h_event_type)i;
    }
    return M4H_EVENT_OTHER;
}

static enum m4h_disconnect_reason disconnect_reason_of(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "reason"));

    for (int i = 1; name != NULL && i < M4H_DISCONNECT_REASON_COUNT; i++) {
        if (strcmp(name, m4h_disconnect_reason_name((enum m4h_disconnect_reason)i)) == 0)
            return (enum m4h_disconnect_reason)i;
    }
    return 0;
}

static enum m4h_refuse_reason refuse_reason_of(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "reason"));

    for (int i = 1; name != NULL && i < M4H_REFUSE_REASON_COUNT; i++) {
        if (strcmp(name, m4h_refuse_reason_name((enum m4h_refuse_reason)i)) == 0)
            return (enum m4h_refuse_reason)i;
    }
    return 0;
}

static void read_connect(const json_t *object, struct m4h_tunnel *tunnel)
{
    const json_t *inner = json_object_get(object, "tunnel");

    m4h_json_get_text(inner, "client_key", tunnel->client_key, sizeof(tunnel->client_key));
    tunnel->tunnel_id = m4h_json_get_tunnel_id(inner, "tunnel_id");
    tunnel->stamp = m4h_json_get_u64(inner, "stamp");
    tunnel->ports[0] = m4h_json_get_port(inner, "port");
    tunnel->port_count = 1;
    m4h_json_get_text(inner, "remote_address", tunnel->remote_address,
                      sizeof(tunnel->remote_address));
    tunnel->connected_wall_ms = m4h_json_get_time(inner, "connected_at");
    m4h_json_get_text(inner, "key_fingerprint", tunnel->key_fingerprint,
                      sizeof(tunnel->key_fingerprint));
    m4h_json_get_text(inner, "client_version", tunnel->client_version,
                      sizeof(tunnel->client_version));
    m4h_json_get_labels(inner, "labels", tunnel->labels);
}

static void read_disconnect(const json_t *object, struct m4h_disconnect *disconnect)
{
    m4h_json_get_text(object, "client_key", disconnect->client_key, sizeof(disconnect->client_key));
    disconnect->tunnel_id = m4h_json_get_tunnel_id(object, "tunnel_id");
    disconnect->reason = disconnect_reason_of(object);
    disconnect->bytes_from_device = m4h_json_get_u64(object, "bytes_from_device");
    disconnect->bytes_to_device = m4h_json_get_u64(object, "bytes_to_device");
    disconnect->duration_ms = m4h_json_get_u64(object, "duration_ms");
    m4h_json_get_text(object, "actor", disconnect->actor, sizeof(disconnect->actor));
    m4h_json_get_text(object, "detail", disconnect->detail, sizeof(disconnect->detail));
}

static void read_load(const json_t *object, struct m4h_load *load)
{
    load->tunnels = m4h_json_get_u32(object, "tunnels");
    load->channels = m4h_json_get_u32(object, "channels");
    load->capacity = m4h_json_get_u32(object, "capacity");
    load->state = m4h_json_get_state(object, "state");
    load->digest = m4h_json_get_u64(object, "digest");
    load->bytes_from_device = m4h_json_get_u64(object, "bytes_from_device");
    load->bytes_to_device = m4h_json_get_u64(object, "bytes_to_device");
    load->cpu_permille = m4h_json_get_u32(object, "cpu_permille");
    load->open_files = m4h_json_get_u32(object, "open_files");
    load->open_files_limit = m4h_json_get_u32(object, "open_files_limit");
    load->handshakes = m4h_json_get_u32(object, "handshakes");
    load->drain_deadline_wall_ms = m4h_json_get_time(object, "drain_deadline");
}

static void read_start(const json_t *object, struct m4h_slave_info *info)
{
    const json_t *inner = json_object_get(object, "info");

    m4h_json_get_text(inner, "host", info->host, sizeof(info->host));
    info->port = m4h_json_get_port(inner, "port");
    info->capacity = m4h_json_get_u32(inner, "capacity");
    m4h_json_get_text(inner, "version", info->version, sizeof(info->version));
    info->started_wall_ms = m4h_json_get_time(inner, "started_at");
    info->weight = m4h_json_get_u32(inner, "weight");
    info->handshakes_per_second = m4h_json_get_u32(inner, "handshakes_per_second");
}

static void read_drain(const json_t *object, struct m4h_drain *drain)
{
    drain->deadline_wall_ms = m4h_json_get_time(object, "deadline");
    drain->tunnels = m4h_json_get_u32(object, "tunnels");
    drain->channels = m4h_json_get_u32(object, "channels");
    m4h_json_get_text(object, "actor", drain->actor, sizeof(drain->actor));
}

static void read_refuse(const json_t *object, struct m4h_refuse *refuse)
{
    refuse->reason = refuse_reason_of(object);
    m4h_json_get_text(object, "detail", refuse->detail, sizeof(refuse->detail));
    m4h_json_get_text(object, "remote_address", refuse->remote_address,
                      sizeof(refuse->remote_address));
    m4h_json_get_text(object, "key_fingerprint", refuse->key_fingerprint,
                      sizeof(refuse->key_fingerprint));
    m4h_json_get_text(object, "client_key", refuse->client_key, sizeof(refuse->client_key));
}

static void read_flapping(const json_t *object, struct m4h_flapping *flapping)
{
    m4h_json_get_text(object, "client_key", flapping->client_key, sizeof(flapping->client_key));
    flapping->evictions = m4h_json_get_u32(object, "evictions");
    flapping->window_ms = m4h_json_get_u32(object, "window_ms");
    flapping->hold_ms = m4h_json_get_u32(object, "hold_ms");
    m4h_json_get_text(object, "remote_address", flapping->remote_address,
                      sizeof(flapping->remote_address));
    m4h_json_get_text(object, "owner_address", flapping->owner_address,
                      sizeof(flapping->owner_address));
}

static enum m4h_access_phase phase_of(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "phase"));

    for (int i = M4H_ACCESS_OPENED; name != NULL && i <= M4H_ACCESS_REFUSED; i++) {
        if (strcmp(name, m4h_access_phase_name((enum m4h_access_phase)i)) == 0)
            return (enum m4h_access_phase)i;
    }
    return 0;
}

static void read_access(const json_t *object, struct m4h_access *access)
{
    access->phase = phase_of(object);
    access->access_id = m4h_json_get_tunnel_id(object, "access_id");
    m4h_json_get_text(object, "operator", access->operator_name, sizeof(access->operator_name));
    m4h_json_get_text(object, "key_fingerprint", access->key_fingerprint,
                      sizeof(access->key_fingerprint));
    m4h_json_get_text(object, "remote_address", access->remote_address,
                      sizeof(access->remote_address));
    m4h_json_get_text(object, "client_key", access->client_key, sizeof(access->client_key));
    access->port = m4h_json_get_port(object, "port");
    access->tunnel_id = m4h_json_get_tunnel_id(object, "tunnel_id");
    m4h_json_get_text(object, "device_slave_id", access->device_slave_id,
                      sizeof(access->device_slave_id));
    access->bytes_from_device = m4h_json_get_u64(object, "bytes_from_device");
    access->bytes_to_device = m4h_json_get_u64(object, "bytes_to_device");
    access->duration_ms = m4h_json_get_u64(object, "duration_ms");
    m4h_json_get_text(object, "detail", access->detail, sizeof(access->detail));
}

static void read_reload(const json_t *object, struct m4h_reload *reload)
{
    const json_t *settings = m4h_json_get_array(object, "settings");

    m4h_json_get_text(object, "actor", reload->actor, sizeof(reload->actor));
    for (size_t i = 0; i < json_array_size(settings) && i < M4H_RELOAD_SETTINGS_MAX; i++) {
        const char *name = json_string_value(json_array_get(settings, i));

        if (name != NULL)
            m4h_ident_text_clean(reload->settings[reload->setting_count++],
                                 sizeof(reload->settings[0]), name);
    }
    m4h_json_get_text(object, "error", reload->error, sizeof(reload->error));
}

static void read_payload(const json_t *object, struct m4h_event *event)
{
    switch (event->type) {
    case M4H_EVENT_CONNECT:
        read_connect(object, &event->as.connect);
        event->without_master = m4h_json_get_bool(object, "without_master");
        break;
    case M4H_EVENT_DISCONNECT:
        read_disconnect(object, &event->as.disconnect);
        break;
    case M4H_EVENT_LOAD:
        read_load(object, &event->as.load);
        break;
    case M4H_EVENT_START:
        read_start(object, &event->as.start);
        break;
    case M4H_EVENT_DRAIN:
        read_drain(object, &event->as.drain);
        break;
    case M4H_EVENT_REFUSE:
        read_refuse(object, &event->as.refuse);
        break;
    case M4H_EVENT_FLAPPING:
        read_flapping(object, &event->as.flapping);
        break;
    case M4H_EVENT_ACCESS:
        read_access(object, &event->as.access);
        break;
    case M4H_EVENT_RELOAD:
        read_reload(object, &event->as.reload);
        break;
    case M4H_EVENT_STOP:
    case M4H_EVENT_OTHER:
        break;
    }
}

int m4h_json_event_read(const uint8_t *data, size_t len, struct m4h_event *event)
{
    json_t *document;
    int error = m4h_json_load_object(data, len, &document);

    memset(event, 0, sizeof(*event));
    if (error != 0)
        return error;
    m4h_json_get_text(document, "event_id", event->event_id, sizeof(event->event_id));
    m4h_json_get_text(document, "slave_id", event->slave_id, sizeof(event->slave_id));
    m4h_json_get_text(document, "region", event->region, sizeof(event->region));
    event->epoch = m4h_json_get_u64(document, "epoch");
    event->seq = m4h_json_get_u64(document, "seq");
    event->wall_ms = m4h_json_get_time(document, "time");
    event->type = type_of(document);
    read_payload(json_object_get(document, m4h_event_type_name(event->type)), event);
    json_decref(document);
    return error;
}
