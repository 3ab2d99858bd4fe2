/* The document of an event: its envelope, and its payload under the name of its type. Names are
 * those of proto/mas4h/v1/event.proto. Numbers that can pass 2^53 are texts. Knows neither the
 * wire nor who reads. */
#include "lib/json/json.h"
#include "lib/json/writer.h"

#include <inttypes.h>
#include <stdio.h>

static void write_big(struct m4h_json_writer *writer, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    m4h_json_text(writer, name, text);
}

static void write_tunnel_id(struct m4h_json_writer *writer, uint64_t tunnel_id)
{
    char text[M4H_TUNNEL_ID_TEXT_MAX];

    m4h_json_text(writer, "tunnel_id", m4h_tunnel_id_format(tunnel_id, text));
}

static void write_tunnel(struct m4h_json_writer *writer, const struct m4h_tunnel *tunnel)
{
    m4h_json_open(writer, "tunnel", '{');
    m4h_json_text(writer, "client_key", tunnel->client_key);
    write_tunnel_id(writer, tunnel->tunnel_id);
    write_big(writer, "stamp", tunnel->stamp);
    m4h_json_number(writer, "port", tunnel->ports[0]);
    m4h_json_open(writer, "other_ports", '[');
    for (size_t i = 1; i < tunnel->port_count; i++)
        m4h_json_number(writer, NULL, tunnel->ports[i]);
    m4h_json_close(writer, ']');
    m4h_json_text(writer, "remote_address", tunnel->remote_address);
    m4h_json_time(writer, "connected_at", tunnel->connected_wall_ms);
    m4h_json_text(writer, "key_fingerprint", tunnel->key_fingerprint);
    m4h_json_text(writer, "client_version", tunnel->client_version);
    m4h_json_labels(writer, "labels", tunnel->labels);
    m4h_json_close(writer, '}');
}

static void write_connect(struct m4h_json_writer *writer, const struct m4h_event *event)
{
    write_tunnel(writer, &event->as.connect);
    m4h_json_bool(writer, "without_master", event->without_master);
}

static void write_disconnect(struct m4h_json_writer *writer,
                             const struct m4h_disconnect *disconnect)
{
    m4h_json_text(writer, "client_key", disconnect->client_key);
    write_tunnel_id(writer, disconnect->tunnel_id);
    m4h_json_text(writer, "reason", m4h_disconnect_reason_name(disconnect->reason));
    m4h_json_number(writer, "bytes_from_device", disconnect->bytes_from_device);
    m4h_json_number(writer, "bytes_to_device", disconnect->bytes_to_device);
    m4h_json_number(writer, "duration_ms", disconnect->duration_ms);
    m4h_json_text(writer, "actor", disconnect->actor);
    m4h_json_text(writer, "detail", disconnect->detail);
}

static void write_load(struct m4h_json_writer *writer, const struct m4h_load *load)
{
    m4h_json_number(writer, "tunnels", load->tunnels);
    m4h_json_number(writer, "channels", load->channels);
    m4h_json_number(writer, "capacity", load->capacity);
    m4h_json_text(writer, "state", m4h_slave_state_name(load->state));
    write_big(writer, "digest", load->digest);
    m4h_json_number(writer, "bytes_from_device", load->bytes_from_device);
    m4h_json_number(writer, "bytes_to_device", load->bytes_to_device);
    m4h_json_number(writer, "cpu_permille", load->cpu_permille);
    m4h_json_number(writer, "open_files", load->open_files);
    m4h_json_number(writer, "open_files_limit", load->open_files_limit);
    m4h_json_number(writer, "handshakes", load->handshakes);
    m4h_json_time(writer, "drain_deadline", load->drain_deadline_wall_ms);
}

static void write_start(struct m4h_json_writer *writer, const struct m4h_slave_info *info)
{
    m4h_json_open(writer, "info", '{');
    m4h_json_text(writer, "host", info->host);
    m4h_json_number(writer, "port", info->port);
    m4h_json_open(writer, "host_keys", '[');
    for (size_t i = 0; i < info->host_key_count; i++)
        m4h_json_text(writer, NULL, info->host_keys[i]);
    m4h_json_close(writer, ']');
    m4h_json_number(writer, "capacity", info->capacity);
    m4h_json_text(writer, "version", info->version);
    m4h_json_time(writer, "started_at", info->started_wall_ms);
    m4h_json_number(writer, "weight", m4h_slave_info_weight(info));
    m4h_json_number(writer, "handshakes_per_second", info->handshakes_per_second);
    m4h_json_close(writer, '}');
}

static void write_drain(struct m4h_json_writer *writer, const struct m4h_drain *drain)
{
    m4h_json_time(writer, "deadline", drain->deadline_wall_ms);
    m4h_json_number(writer, "tunnels", drain->tunnels);
    m4h_json_number(writer, "channels", drain->channels);
    m4h_json_text(writer, "actor", drain->actor);
}

static void write_refuse(struct m4h_json_writer *writer, const struct m4h_refuse *refuse)
{
    m4h_json_text(writer, "reason", m4h_refuse_reason_name(refuse->reason));
    m4h_json_text(writer, "detail", refuse->detail);
    m4h_json_text(writer, "remote_address", refuse->remote_address);
    m4h_json_text(writer, "key_fingerprint", refuse->key_fingerprint);
    m4h_json_text(writer, "client_key", refuse->client_key);
}

static void write_flapping(struct m4h_json_writer *writer, const struct m4h_flapping *flapping)
{
    m4h_json_text(writer, "client_key", flapping->client_key);
    m4h_json_number(writer, "evictions", flapping->evictions);
    m4h_json_number(writer, "window_ms", flapping->window_ms);
    m4h_json_number(writer, "hold_ms", flapping->hold_ms);
    m4h_json_text(writer, "remote_address", flapping->remote_address);
    m4h_json_text(writer, "owner_address", flapping->owner_address);
}

static void write_access(struct m4h_json_writer *writer, const struct m4h_access *access)
{
    char id[M4H_TUNNEL_ID_TEXT_MAX], tunnel_id[M4H_TUNNEL_ID_TEXT_MAX] = "";

    if (access->tunnel_id != 0)
        m4h_tunnel_id_format(access->tunnel_id, tunnel_id);
    m4h_json_text(writer, "phase", m4h_access_phase_name(access->phase));
    m4h_json_text(writer, "access_id", m4h_tunnel_id_format(access->access_id, id));
    m4h_json_text(writer, "operator", access->operator_name);
    m4h_json_text(writer, "key_fingerprint", access->key_fingerprint);
    m4h_json_text(writer, "remote_address", access->remote_address);
    m4h_json_text(writer, "client_key", access->client_key);
    m4h_json_number(writer, "port", access->port);
    m4h_json_text(writer, "tunnel_id", tunnel_id);
    m4h_json_text(writer, "device_slave_id", access->device_slave_id);
    m4h_json_number(writer, "bytes_from_device", access->bytes_from_device);
    m4h_json_number(writer, "bytes_to_device", access->bytes_to_device);
    m4h_json_number(writer, "duration_ms", access->duration_ms);
    m4h_json_text(writer, "detail", access->detail);
}

static void write_reload(struct m4h_json_writer *writer, const struct m4h_reload *reload)
{
    m4h_json_text(writer, "actor", reload->actor);
    m4h_json_open(writer, "settings", '[');
    for (size_t i = 0; i < reload->setting_count; i++)
        m4h_json_text(writer, NULL, reload->settings[i]);
    m4h_json_close(writer, ']');
    m4h_json_text(writer, "error", reload->error);
}

static void write_payload(struct m4h_json_writer *writer, const struct m4h_event *event)
{
    switch (event->type) {
    case M4H_EVENT_CONNECT:
        write_connect(writer, event);
        break;
    case M4H_EVENT_DISCONNECT:
        write_disconnect(writer, &event->as.disconnect);
        break;
    case M4H_EVENT_LOAD:
        write_load(writer, &event->as.load);
        break;
    case M4H_EVENT_START:
        write_start(writer, &event->as.start);
        break;
    case M4H_EVENT_DRAIN:
        write_drain(writer, &event->as.drain);
        break;
    case M4H_EVENT_REFUSE:
        write_refuse(writer, &event->as.refuse);
        break;
    case M4H_EVENT_FLAPPING:
        write_flapping(writer, &event->as.flapping);
        break;
    case M4H_EVENT_ACCESS:
        write_access(writer, &event->as.access);
        break;
    case M4H_EVENT_RELOAD:
        write_reload(writer, &event->as.reload);
        break;
    case M4H_EVENT_STOP:
    case M4H_EVENT_OTHER:
        break;
    }
}

int m4h_json_event(struct m4h_buffer *out, const struct m4h_event *event)
{
    const char *type = m4h_event_type_name(event->type);
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "event_id", event->event_id);
    m4h_json_text(&writer, "type", type);
    m4h_json_text(&writer, "slave_id", event->slave_id);
    m4h_json_text(&writer, "region", event->region);
    m4h_json_number(&writer, "epoch", event->epoch);
    m4h_json_number(&writer, "seq", event->seq);
    m4h_json_time(&writer, "time", event->wall_ms);
    if (event->type != M4H_EVENT_OTHER) {
        m4h_json_open(&writer, type, '{');
        write_payload(&writer, event);
        m4h_json_close(&writer, '}');
    }
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}
