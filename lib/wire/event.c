/* Event: the envelope and its payloads. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/parts.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/event.pb-c.h"

#include <assert.h>
#include <string.h>

/* ---- out ------------------------------------------------------------------ */

static int pack_connect(Mas4h__V1__Event *event, const struct m4h_tunnel *tunnel,
                        bool without_master, struct m4h_buffer *out)
{
    Mas4h__V1__Connect message = MAS4H__V1__CONNECT__INIT;
    struct m4h_wire_tunnel_parts parts;

    m4h_wire_write_tunnel(&parts, tunnel);
    message.tunnel = &parts.message;
    message.without_master = without_master;
    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_CONNECT;
    event->connect = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_disconnect(Mas4h__V1__Event *event, const struct m4h_disconnect *disconnect,
                           struct m4h_buffer *out)
{
    Mas4h__V1__Disconnect message = MAS4H__V1__DISCONNECT__INIT;
    char tunnel_id[M4H_TUNNEL_ID_TEXT_MAX];

    m4h_tunnel_id_format(disconnect->tunnel_id, tunnel_id);
    message.client_key = m4h_wire_borrow(disconnect->client_key);
    message.tunnel_id = tunnel_id;
    message.reason = (Mas4h__V1__DisconnectReason)disconnect->reason;
    message.bytes_from_device = disconnect->bytes_from_device;
    message.bytes_to_device = disconnect->bytes_to_device;
    message.duration_ms = disconnect->duration_ms;
    message.actor = m4h_wire_borrow(disconnect->actor);
    message.detail = m4h_wire_borrow(disconnect->detail);
    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_DISCONNECT;
    event->disconnect = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_load(Mas4h__V1__Event *event, const struct m4h_load *load, struct m4h_buffer *out)
{
    Mas4h__V1__Load message = MAS4H__V1__LOAD__INIT;
    Google__Protobuf__Timestamp deadline;

    message.tunnels = load->tunnels;
    message.channels = load->channels;
    message.capacity = load->capacity;
    message.state = (Mas4h__V1__SlaveState)load->state;
    message.digest = load->digest;
    message.bytes_from_device = load->bytes_from_device;
    message.bytes_to_device = load->bytes_to_device;
    message.cpu_permille = load->cpu_permille;
    message.open_files = load->open_files;
    message.open_files_limit = load->open_files_limit;
    message.handshakes = load->handshakes;
    message.drain_deadline = m4h_wire_write_time_maybe(&deadline, load->drain_deadline_wall_ms);
    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_LOAD;
    event->load = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_start(Mas4h__V1__Event *event, const struct m4h_slave_info *info,
                      struct m4h_buffer *out)
{
    Mas4h__V1__Start message = MAS4H__V1__START__INIT;
    struct m4h_wire_info_parts parts;

    m4h_wire_write_info(&parts, info);
    message.info = &parts.message;
    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_START;
    event->start = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_drain(Mas4h__V1__Event *event, const struct m4h_drain *drain,
                      struct m4h_buffer *out)
{
    Mas4h__V1__Drain message = MAS4H__V1__DRAIN__INIT;
    Google__Protobuf__Timestamp deadline;

    m4h_wire_write_time(&deadline, drain->deadline_wall_ms);
    message.deadline = &deadline;
    message.tunnels = drain->tunnels;
    message.channels = drain->channels;
    message.actor = m4h_wire_borrow(drain->actor);
    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_DRAIN;
    event->drain = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_stop(Mas4h__V1__Event *event, struct m4h_buffer *out)
{
    Mas4h__V1__Stop message = MAS4H__V1__STOP__INIT;

    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_STOP;
    event->stop = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_refuse(Mas4h__V1__Event *event, const struct m4h_refuse *refuse,
                       struct m4h_buffer *out)
{
    Mas4h__V1__Refuse message = MAS4H__V1__REFUSE__INIT;

    message.reason = (Mas4h__V1__RefuseReason)refuse->reason;
    message.detail = m4h_wire_borrow(refuse->detail);
    message.remote_address = m4h_wire_borrow(refuse->remote_address);
    message.key_fingerprint = m4h_wire_borrow(refuse->key_fingerprint);
    message.client_key = m4h_wire_borrow(refuse->client_key);
    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_REFUSE;
    event->refuse = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_flapping(Mas4h__V1__Event *event, const struct m4h_flapping *flapping,
                         struct m4h_buffer *out)
{
    Mas4h__V1__Flapping message = MAS4H__V1__FLAPPING__INIT;

    message.client_key = m4h_wire_borrow(flapping->client_key);
    message.evictions = flapping->evictions;
    message.window_ms = flapping->window_ms;
    message.hold_ms = flapping->hold_ms;
    message.remote_address = m4h_wire_borrow(flapping->remote_address);
    message.owner_address = m4h_wire_borrow(flapping->owner_address);
    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_FLAPPING;
    event->flapping = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_access(Mas4h__V1__Event *event, const struct m4h_access *access,
                       struct m4h_buffer *out)
{
    Mas4h__V1__Access message = MAS4H__V1__ACCESS__INIT;
    char access_id[M4H_TUNNEL_ID_TEXT_MAX], tunnel_id[M4H_TUNNEL_ID_TEXT_MAX] = "";

    m4h_tunnel_id_format(access->access_id, access_id);
    if (access->tunnel_id != 0)
        m4h_tunnel_id_format(access->tunnel_id, tunnel_id);
    message.phase = (Mas4h__V1__AccessPhase)access->phase;
    message.access_id = access_id;
    message.operator_ = m4h_wire_borrow(access->operator_name);
    message.key_fingerprint = m4h_wire_borrow(access->key_fingerprint);
    message.remote_address = m4h_wire_borrow(access->remote_address);
    message.client_key = m4h_wire_borrow(access->client_key);
    message.port = access->port;
    message.tunnel_id = tunnel_id;
    message.device_slave_id = m4h_wire_borrow(access->device_slave_id);
    message.bytes_from_device = access->bytes_from_device;
    message.bytes_to_device = access->bytes_to_device;
    message.duration_ms = access->duration_ms;
    message.detail = m4h_wire_borrow(access->detail);
    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_ACCESS;
    event->access = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_reload(Mas4h__V1__Event *event, const struct m4h_reload *reload,
                       struct m4h_buffer *out)
{
    Mas4h__V1__Reload message = MAS4H__V1__RELOAD__INIT;
    char *settings[M4H_RELOAD_SETTINGS_MAX];

    assert(reload->setting_count <= M4H_RELOAD_SETTINGS_MAX);
    for (size_t i = 0; i < reload->setting_count; i++)
        settings[i] = m4h_wire_borrow(reload->settings[i]);
    message.actor = m4h_wire_borrow(reload->actor);
    message.n_settings = reload->setting_count;
    message.settings = settings;
    message.error = m4h_wire_borrow(reload->error);
    event->payload_case = MAS4H__V1__EVENT__PAYLOAD_RELOAD;
    event->reload = &message;
    return m4h_wire_pack(&event->base, out);
}

static int pack_payload(Mas4h__V1__Event *message, const struct m4h_event *event,
                        struct m4h_buffer *out)
{
    switch (event->type) {
    case M4H_EVENT_CONNECT:
        return pack_connect(message, &event->as.connect, event->without_master, out);
    case M4H_EVENT_DISCONNECT:
        return pack_disconnect(message, &event->as.disconnect, out);
    case M4H_EVENT_LOAD:
        return pack_load(message, &event->as.load, out);
    case M4H_EVENT_START:
        return pack_start(message, &event->as.start, out);
    case M4H_EVENT_DRAIN:
        return pack_drain(message, &event->as.drain, out);
    case M4H_EVENT_REFUSE:
        return pack_refuse(message, &event->as.refuse, out);
    case M4H_EVENT_FLAPPING:
        return pack_flapping(message, &event->as.flapping, out);
    case M4H_EVENT_STOP:
        return pack_stop(message, out);
    case M4H_EVENT_ACCESS:
        return pack_access(message, &event->as.access, out);
    case M4H_EVENT_RELOAD:
        return pack_reload(message, &event->as.reload, out);
    case M4H_EVENT_OTHER:
        break;
    }
    return m4h_wire_pack(&message->base, out);
}

int m4h_wire_event_encode(const struct m4h_event *event, struct m4h_buffer *out)
{
    Mas4h__V1__Event message = MAS4H__V1__EVENT__INIT;
    Google__Protobuf__Timestamp time;

    m4h_wire_write_time(&time, event->wall_ms);
    message.event_id = m4h_wire_borrow(event->event_id);
    message.slave_id = m4h_wire_borrow(event->slave_id);
    message.region = m4h_wire_borrow(event->region);
    message.epoch = event->epoch;
    message.seq = event->seq;
    message.time = &time;
    return pack_payload(&message, event, out);
}

/* ---- in ------------------------------------------------------------------- */

static bool read_disconnect(const Mas4h__V1__Disconnect *message, struct m4h_disconnect *out)
{
    bool known = (int)message->reason > 0 && (int)message->reason < M4H_DISCONNECT_REASON_COUNT;

    out->reason = (enum m4h_disconnect_reason)(known ? (int)message->reason : 0);
    out->bytes_from_device = message->bytes_from_device;
    out->bytes_to_device = message->bytes_to_device;
    out->duration_ms = message->duration_ms;
    return m4h_wire_read_client_key(message->client_key, out->client_key) &&
           m4h_wire_read_tunnel_id(message->tunnel_id, &out->tunnel_id) &&
           m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor)) &&
           m4h_wire_read_text(message->detail, out->detail, sizeof(out->detail));
}

static bool read_load(const Mas4h__V1__Load *message, struct m4h_load *out)
{
    out->tunnels = message->tunnels;
    out->channels = message->channels;
    out->capacity = message->capacity;
    out->digest = message->digest;
    out->bytes_from_device = message->bytes_from_device;
    out->bytes_to_device = message->bytes_to_device;
    out->cpu_permille = message->cpu_permille;
    out->open_files = message->open_files;
    out->open_files_limit = message->open_files_limit;
    out->handshakes = message->handshakes;
    return m4h_wire_read_state(message->state, false, &out->state) &&
           m4h_wire_read_time_maybe(message->drain_deadline, &out->drain_deadline_wall_ms);
}

static bool read_drain(const Mas4h__V1__Drain *message, struct m4h_drain *out)
{
    out->tunnels = message->tunnels;
    out->channels = message->channels;
    return m4h_wire_read_time(message->deadline, &out->deadline_wall_ms) &&
           m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor));
}

static bool read_refuse(const Mas4h__V1__Refuse *message, struct m4h_refuse *out)
{
    bool known = (int)message->reason > 0 && (int)message->reason < M4H_REFUSE_REASON_COUNT;

    out->reason = (enum m4h_refuse_reason)(known ? (int)message->reason : 0);
    return m4h_wire_read_text(message->detail, out->detail, sizeof(out->detail)) &&
           m4h_wire_read_text(message->remote_address, out->remote_address,
                              sizeof(out->remote_address)) &&
           m4h_wire_read_text(message->key_fingerprint, out->key_fingerprint,
                              sizeof(out->key_fingerprint)) &&
           m4h_wire_read_client_key_maybe(message->client_key, out->client_key);
}

static bool read_flapping(const Mas4h__V1__Flapping *message, struct m4h_flapping *out)
{
    out->evictions = message->evictions;
    out->window_ms = message->window_ms;
    out->hold_ms = message->hold_ms;
    return m4h_wire_read_client_key(message->client_key, out->client_key) &&
           m4h_wire_read_text(message->remote_address, out->remote_address,
                              sizeof(out->remote_address)) &&
           m4h_wire_read_text(message->owner_address, out->owner_address,
                              sizeof(out->owner_address));
}

/* What a stranger asked for need not be a client key. */
static bool read_access_device(const Mas4h__V1__Access *message, struct m4h_access *out)
{
    out->port = (uint16_t)message->port;
    return message->port <= UINT16_MAX &&
           m4h_wire_read_text(message->client_key, out->client_key, sizeof(out->client_key)) &&
           (message->tunnel_id[0] == '\0' ||
            m4h_wire_read_tunnel_id(message->tunnel_id, &out->tunnel_id)) &&
           m4h_wire_read_id_maybe(message->device_slave_id, out->device_slave_id);
}

/* A phase of a later version reads as 0. */
static bool read_access(const Mas4h__V1__Access *message, struct m4h_access *out)
{
    bool known = (int)message->phase > 0 && (int)message->phase <= M4H_ACCESS_REFUSED;

    out->phase = (enum m4h_access_phase)(known ? (int)message->phase : 0);
    out->bytes_from_device = message->bytes_from_device;
    out->bytes_to_device = message->bytes_to_device;
    out->duration_ms = message->duration_ms;
    return m4h_wire_read_tunnel_id(message->access_id, &out->access_id) &&
           m4h_wire_read_client_key(message->operator_, out->operator_name) &&
           m4h_wire_read_text(message->key_fingerprint, out->key_fingerprint,
                              sizeof(out->key_fingerprint)) &&
           m4h_wire_read_text(message->remote_address, out->remote_address,
                              sizeof(out->remote_address)) &&
           read_access_device(message, out) &&
           m4h_wire_read_text(message->detail, out->detail, sizeof(out->detail));
}

static bool read_reload(const Mas4h__V1__Reload *message, struct m4h_reload *out)
{
    if (message->n_settings > M4H_RELOAD_SETTINGS_MAX)
        return false;
    for (size_t i = 0; i < message->n_settings; i++) {
        if (!m4h_wire_read_text(message->settings[i], out->settings[i], sizeof(out->settings[i])))
            return false;
    }
    out->setting_count = (uint8_t)message->n_settings;
    return m4h_wire_read_text(message->actor, out->actor, sizeof(out->actor)) &&
           m4h_wire_read_text(message->error, out->error, sizeof(out->error));
}

static bool read_payload(const Mas4h__V1__Event *message, struct m4h_event *out)
{
    switch (message->payload_case) {
    case MAS4H__V1__EVENT__PAYLOAD_CONNECT:
        out->type = M4H_EVENT_CONNECT;
        out->without_master = message->connect->without_master;
        return m4h_wire_read_tunnel(message->connect->tunnel, &out->as.connect);
    case MAS4H__V1__EVENT__PAYLOAD_DISCONNECT:
        out->type = M4H_EVENT_DISCONNECT;
        return read_disconnect(message->disconnect, &out->as.disconnect);
    case MAS4H__V1__EVENT__PAYLOAD_LOAD:
        out->type = M4H_EVENT_LOAD;
        return read_load(message->load, &out->as.load);
    case MAS4H__V1__EVENT__PAYLOAD_START:
        out->type = M4H_EVENT_START;
        return m4h_wire_read_info(message->start->info, &out->as.start);
    case MAS4H__V1__EVENT__PAYLOAD_DRAIN:
        out->type = M4H_EVENT_DRAIN;
        return read_drain(message->drain, &out->as.drain);
    case MAS4H__V1__EVENT__PAYLOAD_STOP:
        out->type = M4H_EVENT_STOP;
        return true;
    case MAS4H__V1__EVENT__PAYLOAD_REFUSE:
        out->type = M4H_EVENT_REFUSE;
        return read_refuse(message->refuse, &out->as.refuse);
    case MAS4H__V1__EVENT__PAYLOAD_FLAPPING:
        out->type = M4H_EVENT_FLAPPING;
        return read_flapping(message->flapping, &out->as.flapping);
    case MAS4H__V1__EVENT__PAYLOAD_ACCESS:
        out->type = M4H_EVENT_ACCESS;
        return read_access(message->access, &out->as.access);
    case MAS4H__V1__EVENT__PAYLOAD_RELOAD:
        out->type = M4H_EVENT_RELOAD;
        return read_reload(message->reload, &out->as.reload);
    default:
        out->type = M4H_EVENT_OTHER;
        return true;
    }
}

static bool read_event(const Mas4h__V1__Event *message, struct m4h_event *out)
{
    bool is_load = message->payload_case == MAS4H__V1__EVENT__PAYLOAD_LOAD;

    memset(out, 0, sizeof(*out));
    out->epoch = message->epoch;
    out->seq = message->seq;
    return message->event_id[0] != '\0' && message->epoch > 0 && (message->seq > 0 || is_load) &&
           m4h_wire_read_text(message->event_id, out->event_id, sizeof(out->event_id)) &&
           m4h_wire_read_id(message->slave_id, out->slave_id) &&
           m4h_wire_read_id(message->region, out->region) &&
           m4h_wire_read_time(message->time, &out->wall_ms) && read_payload(message, out);
}

int m4h_wire_event_decode(const uint8_t *data, size_t len, struct m4h_event *out)
{
    struct m4h_wire_arena arena;
    int error =
        m4h_wire_unpack(&arena, &mas4h__v1__event__descriptor, M4H_WIRE_KEYS_MAX, data, len);

    if (error == 0 && !read_event(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}
