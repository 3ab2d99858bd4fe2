/* Models in which every field is set, and as long as it may be. */
#include "tests/unit/wire_models.h"

#include <stdio.h>
#include <string.h>

#define WALL_MS  253402300799999u
#define FILL(to) fill(to, sizeof(to))

/* A text that takes the whole array, with a character of two bytes in it. */
static void fill(char *out, size_t size)
{
    memset(out, 'k', size - 1);
    memcpy(out, "\xc3\xa9", 2);
    out[size - 1] = '\0';
}

static void fill_name(char *out, size_t size)
{
    memset(out, 'n', size - 1);
    out[size - 1] = '\0';
}

/* As many as may be, and as long. */
static void fill_labels(char labels[M4H_LABELS_TEXT_MAX + 1])
{
    labels[0] = '\0';
    for (unsigned i = 0; i < M4H_LABELS_MAX; i++) {
        size_t len = strlen(labels);

        snprintf(labels + len, M4H_LABELS_TEXT_MAX + 1 - len, "%sl%02u=Value_%02u-.x",
                 i > 0 ? "," : "", i, i);
    }
}

static void fill_host_keys(char keys[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1], uint8_t *count)
{
    for (size_t i = 0; i < M4H_HOST_KEYS_MAX; i++) {
        fill_name(keys[i], M4H_HOST_KEY_MAX + 1);
        keys[i][0] = (char)('a' + i);
    }
    *count = M4H_HOST_KEYS_MAX;
}

void full_tunnel(struct m4h_tunnel *tunnel)
{
    memset(tunnel, 0, sizeof(*tunnel));
    FILL(tunnel->client_key);
    tunnel->tunnel_id = UINT64_MAX - 1;
    tunnel->stamp = WALL_MS << 16 | 0xffff;
    for (size_t i = 0; i < M4H_TUNNEL_PORTS_MAX; i++)
        tunnel->ports[i] = (uint16_t)(UINT16_MAX - i);
    tunnel->port_count = M4H_TUNNEL_PORTS_MAX;
    FILL(tunnel->remote_address);
    tunnel->connected_wall_ms = WALL_MS;
    FILL(tunnel->key_fingerprint);
    FILL(tunnel->client_version);
    fill_labels(tunnel->labels);
}

void full_info(struct m4h_slave_info *info)
{
    memset(info, 0, sizeof(*info));
    fill_name(info->host, sizeof(info->host));
    info->port = UINT16_MAX;
    fill_host_keys(info->host_keys, &info->host_key_count);
    info->capacity = UINT32_MAX;
    FILL(info->version);
    info->started_wall_ms = WALL_MS - 1;
    info->weight = UINT32_MAX - 1;
    info->handshakes_per_second = UINT32_MAX - 2;
}

static void full_disconnect(struct m4h_disconnect *disconnect)
{
    FILL(disconnect->client_key);
    disconnect->tunnel_id = 1;
    disconnect->reason = M4H_DISCONNECT_REVOKED;
    disconnect->bytes_from_device = UINT64_MAX;
    disconnect->bytes_to_device = UINT64_MAX - 1;
    disconnect->duration_ms = UINT64_MAX - 2;
    FILL(disconnect->actor);
    FILL(disconnect->detail);
}

static void full_load(struct m4h_load *load)
{
    load->tunnels = UINT32_MAX;
    load->channels = UINT32_MAX - 1;
    load->capacity = UINT32_MAX - 2;
    load->state = M4H_SLAVE_STOPPED;
    load->digest = UINT64_MAX - 3;
    load->bytes_from_device = UINT64_MAX - 4;
    load->bytes_to_device = UINT64_MAX - 5;
    load->cpu_permille = UINT32_MAX - 6;
    load->open_files = UINT32_MAX - 7;
    load->open_files_limit = UINT32_MAX - 8;
    load->handshakes = UINT32_MAX - 9;
    load->drain_deadline_wall_ms = WALL_MS - 3;
}

static void full_refuse(struct m4h_refuse *refuse)
{
    refuse->reason = M4H_REFUSE_PROXY;
    FILL(refuse->detail);
    FILL(refuse->remote_address);
    FILL(refuse->key_fingerprint);
    FILL(refuse->client_key);
}

static void full_flapping(struct m4h_flapping *flapping)
{
    FILL(flapping->client_key);
    flapping->evictions = UINT32_MAX;
    flapping->window_ms = UINT32_MAX - 1;
    flapping->hold_ms = UINT32_MAX - 2;
    FILL(flapping->remote_address);
    FILL(flapping->owner_address);
}

static void full_access(struct m4h_access *access)
{
    access->phase = M4H_ACCESS_REFUSED;
    access->access_id = UINT64_MAX;
    FILL(access->operator_name);
    FILL(access->key_fingerprint);
    FILL(access->remote_address);
    FILL(access->client_key);
    access->port = UINT16_MAX;
    access->tunnel_id = UINT64_MAX - 1;
    fill_name(access->device_slave_id, sizeof(access->device_slave_id));
    access->bytes_from_device = UINT64_MAX - 2;
    access->bytes_to_device = UINT64_MAX - 3;
    access->duration_ms = UINT64_MAX - 4;
    FILL(access->detail);
}

static void full_reload(struct m4h_reload *reload)
{
    FILL(reload->actor);
    for (size_t i = 0; i < M4H_RELOAD_SETTINGS_MAX; i++)
        fill_name(reload->settings[i], sizeof(reload->settings[i]));
    reload->setting_count = M4H_RELOAD_SETTINGS_MAX;
    FILL(reload->error);
}

static void full_payload(struct m4h_event *event)
{
    switch (event->type) {
    case M4H_EVENT_CONNECT:
        full_tunnel(&event->as.connect);
        event->without_master = true;
        break;
    case M4H_EVENT_DISCONNECT:
        full_disconnect(&event->as.disconnect);
        break;
    case M4H_EVENT_LOAD:
        full_load(&event->as.load);
        break;
    case M4H_EVENT_START:
        full_info(&event->as.start);
        break;
    case M4H_EVENT_DRAIN:
        event->as.drain = (struct m4h_drain){
            .deadline_wall_ms = WALL_MS, .tunnels = UINT32_MAX, .channels = UINT32_MAX - 1};
        FILL(event->as.drain.actor);
        break;
    case M4H_EVENT_REFUSE:
        full_refuse(&event->as.refuse);
        break;
    case M4H_EVENT_FLAPPING:
        full_flapping(&event->as.flapping);
        break;
    case M4H_EVENT_ACCESS:
        full_access(&event->as.access);
        break;
    case M4H_EVENT_RELOAD:
        full_reload(&event->as.reload);
        break;
    case M4H_EVENT_STOP:
    case M4H_EVENT_OTHER:
        break;
    }
}

void full_event(struct m4h_event *event, enum m4h_event_type type)
{
    memset(event, 0, sizeof(*event));
    FILL(event->event_id);
    fill_name(event->slave_id, sizeof(event->slave_id));
    fill_name(event->region, sizeof(event->region));
    event->epoch = UINT64_MAX;
    event->seq = UINT64_MAX - 1;
    event->wall_ms = WALL_MS - 2;
    event->type = type;
    full_payload(event);
}

void full_problem(struct m4h_problem *problem)
{
    memset(problem, 0, sizeof(*problem));
    problem->code = M4H_PROBLEM_THROTTLED;
    FILL(problem->detail);
    problem->retry_after_ms = UINT32_MAX;
}

void full_slot(struct m4h_slot *slot)
{
    memset(slot, 0, sizeof(*slot));
    fill_name(slot->slave_id, sizeof(slot->slave_id));
    fill_name(slot->region, sizeof(slot->region));
    fill_name(slot->host, sizeof(slot->host));
    slot->port = 1;
    fill_host_keys(slot->host_keys, &slot->host_key_count);
    slot->expires_wall_ms = WALL_MS;
}

void full_dispatch_request(struct m4h_dispatch_request *request)
{
    memset(request, 0, sizeof(*request));
    FILL(request->request_id);
    fill_name(request->region, sizeof(request->region));
    FILL(request->client_key);
}

void full_drain_notice(struct m4h_drain_notice *notice)
{
    memset(notice, 0, sizeof(*notice));
    fill_name(notice->slave_id, sizeof(notice->slave_id));
    notice->count = M4H_DRAIN_NOTICE_MAX;
    for (size_t i = 0; i < notice->count; i++)
        FILL(notice->request_ids[i]);
}

void full_authorize_request(struct m4h_authorize_request *request)
{
    memset(request, 0, sizeof(*request));
    fill_name(request->slave_id, sizeof(request->slave_id));
    fill_name(request->region, sizeof(request->region));
    FILL(request->username);
    for (size_t i = 0; i < M4H_PUBLIC_KEY_BLOB_MAX; i++)
        request->public_key[i] = (uint8_t)i;
    request->public_key_len = M4H_PUBLIC_KEY_BLOB_MAX;
    FILL(request->key_fingerprint);
    FILL(request->remote_address);
    request->recheck = true;
}

/* The longest network that there is, with the longest prefix. */
static void full_limits(struct m4h_device_limits *limits)
{
    limits->operator_network_count = M4H_OPERATOR_NETWORKS_MAX;
    for (size_t i = 0; i < M4H_OPERATOR_NETWORKS_MAX; i++)
        m4h_text_copy(limits->operator_networks[i], M4H_NETWORK_TEXT_MAX,
                      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
    limits->port_range_count = M4H_PORT_RANGES_MAX;
    for (size_t i = 0; i < M4H_PORT_RANGES_MAX; i++)
        limits->ports[i] = (struct m4h_port_range){.first = UINT16_MAX - 1, .last = UINT16_MAX};
    limits->forwards_max = UINT32_MAX;
    limits->channels_max = UINT32_MAX - 1;
    limits->idle_ms = UINT32_MAX - 2;
    limits->bytes_per_second = UINT64_MAX - 3;
}

static void full_operator(struct m4h_operator *operator_)
{
    FILL(operator_->name);
    operator_->rule_count = M4H_OPERATOR_RULES_MAX;
    for (size_t i = 0; i < M4H_OPERATOR_RULES_MAX; i++) {
        struct m4h_operator_rule *rule = &operator_->rules[i];

        FILL(rule->client_key_pattern);
        fill_labels(rule->labels);
        rule->port_range_count = M4H_OPERATOR_PORTS_MAX;
        for (size_t j = 0; j < M4H_OPERATOR_PORTS_MAX; j++)
            rule->ports[j] = (struct m4h_port_range){.first = UINT16_MAX - 1, .last = UINT16_MAX};
    }
    operator_->channels_max = UINT32_MAX;
}

void full_allow_operator(struct m4h_authorize_reply *reply)
{
    full_allow(reply);
    memset(reply->client_key, 0, sizeof(reply->client_key));
    full_operator(&reply->operator_);
}

void full_allow_slave(struct m4h_authorize_reply *reply)
{
    full_allow(reply);
    memset(reply->client_key, 0, sizeof(reply->client_key));
    fill_name(reply->slave_id, sizeof(reply->slave_id));
}

void full_allow(struct m4h_authorize_reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    reply->allowed = true;
    FILL(reply->client_key);
    reply->owner_stamp = WALL_MS << 16;
    reply->valid_for_ms = UINT32_MAX;
    full_limits(&reply->limits);
    reply->last_port = UINT16_MAX;
    reply->evictions = UINT32_MAX - 1;
    reply->evicted_ago_ms = UINT32_MAX - 2;
    FILL(reply->validator);
    fill_labels(reply->labels);
    reply->fixed_port = UINT16_MAX - 1;
    fill_name(reply->preferred_region, sizeof(reply->preferred_region));
    reply->expires_wall_ms = WALL_MS - 4;
    fill_name(reply->master_id, sizeof(reply->master_id));
}

void full_deny(struct m4h_authorize_reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    FILL(reply->detail);
    reply->valid_for_ms = UINT32_MAX - 1;
    FILL(reply->validator);
    reply->pending = true;
    fill_name(reply->master_id, sizeof(reply->master_id));
}

static void full_master(struct m4h_master_status *master)
{
    fill_name(master->master_id, sizeof(master->master_id));
    FILL(master->version);
    master->started_wall_ms = WALL_MS;
    master->last_seen_wall_ms = WALL_MS - 1;
}

void full_cluster(struct m4h_cluster_status *cluster)
{
    memset(cluster, 0, sizeof(*cluster));
    fill_name(cluster->master_id, sizeof(cluster->master_id));
    FILL(cluster->version);
    cluster->started_wall_ms = WALL_MS;
    cluster->slaves = UINT32_MAX;
    cluster->slaves_ready = UINT32_MAX - 1;
    cluster->tunnels = UINT64_MAX;
    cluster->capacity = UINT64_MAX - 1;
    cluster->channels = UINT64_MAX - 2;
    cluster->synced = true;
    cluster->flapping = UINT32_MAX - 3;
    cluster->master_count = M4H_MASTERS_MAX;
    for (size_t i = 0; i < M4H_MASTERS_MAX; i++)
        full_master(&cluster->masters[i]);
}

void full_hello(struct m4h_master_hello *hello)
{
    memset(hello, 0, sizeof(*hello));
    fill_name(hello->master_id, sizeof(hello->master_id));
    FILL(hello->version);
    hello->started_wall_ms = WALL_MS;
    hello->instance = UINT64_MAX;
    hello->stopping = true;
    hello->learning = true;
    hello->revocations_digest = UINT64_MAX - 1;
    hello->devices_digest = UINT64_MAX - 2;
    hello->validators_ms = UINT32_MAX - 3;
}

void full_reservation(struct m4h_shared_reservation *reservation)
{
    memset(reservation, 0, sizeof(*reservation));
    fill_name(reservation->slave_id, sizeof(reservation->slave_id));
    FILL(reservation->client_key);
    reservation->remaining_ms = UINT32_MAX;
}

void full_region(struct m4h_region_status *region)
{
    memset(region, 0, sizeof(*region));
    fill_name(region->region, sizeof(region->region));
    region->slaves = UINT32_MAX;
    region->slaves_ready = UINT32_MAX - 1;
    region->tunnels = UINT32_MAX - 2;
    region->capacity = UINT32_MAX - 3;
}

void full_slave_status(struct m4h_slave_status *status)
{
    memset(status, 0, sizeof(*status));
    fill_name(status->slave_id, sizeof(status->slave_id));
    fill_name(status->region, sizeof(status->region));
    status->state = M4H_SLAVE_SILENT;
    full_info(&status->info);
    status->epoch = UINT64_MAX;
    status->tunnels = UINT32_MAX;
    status->reservations = UINT32_MAX - 1;
    status->channels = UINT32_MAX - 2;
    status->bytes_from_device = UINT64_MAX - 3;
    status->bytes_to_device = UINT64_MAX - 4;
    status->cpu_permille = UINT32_MAX - 5;
    status->last_seen_wall_ms = WALL_MS;
    status->synced = true;
    status->drain_deadline_wall_ms = WALL_MS - 1;
}

void full_tunnel_status(struct m4h_tunnel_status *status)
{
    memset(status, 0, sizeof(*status));
    full_tunnel(&status->tunnel);
    fill_name(status->slave_id, sizeof(status->slave_id));
    fill_name(status->region, sizeof(status->region));
    fill_name(status->host, sizeof(status->host));
    status->flapping = true;
}

void full_page_request(struct m4h_page_request *request)
{
    memset(request, 0, sizeof(*request));
    fill_name(request->region, sizeof(request->region));
    fill_name(request->slave_id, sizeof(request->slave_id));
    request->page_size = M4H_PAGE_SIZE_MAX;
    FILL(request->page_token);
    FILL(request->client_key_prefix);
    FILL(request->request_id);
    fill_labels(request->labels);
}

void full_kick_request(struct m4h_kick_request *request)
{
    memset(request, 0, sizeof(*request));
    FILL(request->client_key);
    request->tunnel_id = UINT64_MAX;
    request->reason = M4H_DISCONNECT_REPLACED;
    FILL(request->actor);
}

void full_drain_request(struct m4h_drain_request *request)
{
    memset(request, 0, sizeof(*request));
    FILL(request->actor);
}

void full_snapshot_page(struct m4h_snapshot_page *page)
{
    memset(page, 0, sizeof(*page));
    page->snapshot_id = UINT64_MAX;
    page->page = UINT32_MAX;
    page->last = true;
    fill_name(page->slave_id, sizeof(page->slave_id));
    fill_name(page->region, sizeof(page->region));
    page->epoch = UINT64_MAX - 1;
    page->seq = UINT64_MAX - 2;
    full_info(&page->info);
    page->state = M4H_SLAVE_DRAINING;
}

void full_locate_request(struct m4h_locate_request *request)
{
    memset(request, 0, sizeof(*request));
    fill_name(request->slave_id, sizeof(request->slave_id));
    FILL(request->client_key);
}

void full_located(struct m4h_located *located)
{
    memset(located, 0, sizeof(*located));
    full_tunnel(&located->tunnel);
    fill_name(located->slave_id, sizeof(located->slave_id));
    fill_name(located->region, sizeof(located->region));
    fill_name(located->host, sizeof(located->host));
    located->port = UINT16_MAX;
    fill_host_keys(located->host_keys, &located->host_key_count);
}

void full_revoke(struct m4h_revoke *revoke)
{
    memset(revoke, 0, sizeof(*revoke));
    FILL(revoke->client_key);
    revoke->stamp = WALL_MS << 16;
    revoke->banned = true;
    FILL(revoke->actor);
    FILL(revoke->reason);
}

void full_revoke_request(struct m4h_revoke_request *request)
{
    memset(request, 0, sizeof(*request));
    FILL(request->key_fingerprint);
    request->banned = true;
    FILL(request->actor);
    FILL(request->reason);
    FILL(request->request_id);
}

void full_revocations_request(struct m4h_revocations_request *request)
{
    memset(request, 0, sizeof(*request));
    request->page_size = M4H_REVOCATIONS_PAGE_MAX;
    FILL(request->page_token);
    request->banned_only = true;
    FILL(request->request_id);
}

void full_device(struct m4h_device_record *device)
{
    memset(device, 0, sizeof(*device));
    FILL(device->key_fingerprint);
    for (size_t i = 0; i < M4H_PUBLIC_KEY_BLOB_MAX; i++)
        device->public_key[i] = (uint8_t)(i * 7);
    device->public_key_len = M4H_PUBLIC_KEY_BLOB_MAX;
    device->state = M4H_DEVICE_REMOVED;
    FILL(device->client_key);
    fill_labels(device->labels);
    full_limits(&device->limits);
    device->fixed_port = UINT16_MAX;
    fill_name(device->preferred_region, sizeof(device->preferred_region));
    device->expires_wall_ms = WALL_MS - 1;
    full_operator(&device->operator_);
    FILL(device->comment);
    device->created_wall_ms = WALL_MS - 2;
    device->stamp = WALL_MS << 16 | 1;
    FILL(device->actor);
    FILL(device->remote_address);
    FILL(device->username);
    device->attempts = UINT32_MAX;
}

void full_devices_request(struct m4h_devices_request *request)
{
    memset(request, 0, sizeof(*request));
    request->state = M4H_DEVICE_PENDING;
    request->page_size = M4H_DEVICES_PAGE_MAX;
    FILL(request->page_token);
    FILL(request->client_key_prefix);
    FILL(request->request_id);
    request->with_removed = true;
}

void full_device_request(struct m4h_device_request *request)
{
    memset(request, 0, sizeof(*request));
    FILL(request->name);
    FILL(request->actor);
    FILL(request->reason);
    FILL(request->request_id);
}

void full_device_put(struct m4h_device_put *put)
{
    memset(put, 0, sizeof(*put));
    full_device(&put->device);
    put->create_only = true;
    FILL(put->actor);
    FILL(put->request_id);
}

void full_device_put_line(struct m4h_device_put *put)
{
    memset(put, 0, sizeof(*put));
    FILL(put->authorized_keys_line);
    put->create_only = true;
    FILL(put->actor);
    FILL(put->request_id);
}

void full_audit_record(struct m4h_audit_record *record)
{
    memset(record, 0, sizeof(*record));
    FILL(record->record_id);
    record->wall_ms = WALL_MS - 5;
    fill_name(record->service_id, sizeof(record->service_id));
    FILL(record->actor);
    FILL(record->remote_address);
    FILL(record->action);
    FILL(record->target);
    FILL(record->reason);
    FILL(record->error);
    FILL(record->detail);
}
