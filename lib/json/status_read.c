/* What masters know, read from REST's documents: status.c the other way round. */
#include "lib/base/error.h"
#include "lib/json/read.h"
#include "lib/json/reader.h"

#include <stdlib.h>
#include <string.h>

/* ---- the parts --------------------------------------------------------------------- */

static void read_region(const json_t *object, struct m4h_region_status *region)
{
    m4h_json_get_text(object, "region", region->region, sizeof(region->region));
    region->slaves = m4h_json_get_u32(object, "slaves");
    region->slaves_ready = m4h_json_get_u32(object, "slaves_ready");
    region->tunnels = m4h_json_get_u32(object, "tunnels");
    region->capacity = m4h_json_get_u32(object, "capacity");
}

static void read_master(const json_t *object, struct m4h_master_status *master)
{
    m4h_json_get_text(object, "master_id", master->master_id, sizeof(master->master_id));
    m4h_json_get_text(object, "version", master->version, sizeof(master->version));
    master->started_wall_ms = m4h_json_get_time(object, "started_at");
    master->last_seen_wall_ms = m4h_json_get_time(object, "last_seen_at");
}

static void read_slave(const json_t *object, struct m4h_slave_status *slave)
{
    m4h_json_get_text(object, "slave_id", slave->slave_id, sizeof(slave->slave_id));
    m4h_json_get_text(object, "region", slave->region, sizeof(slave->region));
    slave->state = m4h_json_get_state(object, "state");
    m4h_json_get_text(object, "host", slave->info.host, sizeof(slave->info.host));
    slave->info.port = m4h_json_get_port(object, "port");
    slave->info.host_key_count = m4h_json_get_host_keys(object, slave->info.host_keys);
    slave->info.capacity = m4h_json_get_u32(object, "capacity");
    slave->info.weight = m4h_json_get_u32(object, "weight");
    slave->info.handshakes_per_second = m4h_json_get_u32(object, "handshakes_per_second");
    m4h_json_get_text(object, "version", slave->info.version, sizeof(slave->info.version));
    slave->info.started_wall_ms = m4h_json_get_time(object, "started_at");
    slave->tunnels = m4h_json_get_u32(object, "tunnels");
    slave->reservations = m4h_json_get_u32(object, "reservations");
    slave->channels = m4h_json_get_u32(object, "channels");
    slave->bytes_from_device = m4h_json_get_u64(object, "bytes_from_device");
    slave->bytes_to_device = m4h_json_get_u64(object, "bytes_to_device");
    slave->cpu_permille = m4h_json_get_u32(object, "cpu_permille");
    slave->last_seen_wall_ms = m4h_json_get_time(object, "last_seen_at");
    slave->synced = m4h_json_get_bool(object, "synced");
    slave->drain_deadline_wall_ms = m4h_json_get_time(object, "drain_deadline");
}

static void read_ports(const json_t *object, struct m4h_tunnel *tunnel)
{
    const json_t *ports = m4h_json_get_array(object, "ports");

    tunnel->ports[0] = m4h_json_get_port(object, "port");
    tunnel->port_count = 1;
    for (size_t i = 1; i < json_array_size(ports) && i < M4H_TUNNEL_PORTS_MAX; i++) {
        json_int_t port = json_integer_value(json_array_get(ports, i));

        if (port > 0 && port <= UINT16_MAX)
            tunnel->ports[tunnel->port_count++] = (uint16_t)port;
    }
}

static void read_tunnel(const json_t *object, struct m4h_tunnel_status *status)
{
    struct m4h_tunnel *tunnel = &status->tunnel;

    m4h_json_get_text(object, "client_key", tunnel->client_key, sizeof(tunnel->client_key));
    tunnel->tunnel_id = m4h_json_get_tunnel_id(object, "tunnel_id");
    m4h_json_get_text(object, "slave_id", status->slave_id, sizeof(status->slave_id));
    m4h_json_get_text(object, "region", status->region, sizeof(status->region));
    m4h_json_get_text(object, "host", status->host, sizeof(status->host));
    read_ports(object, tunnel);
    m4h_json_get_text(object, "remote_address", tunnel->remote_address,
                      sizeof(tunnel->remote_address));
    tunnel->connected_wall_ms = m4h_json_get_time(object, "connected_at");
    m4h_json_get_text(object, "key_fingerprint", tunnel->key_fingerprint,
                      sizeof(tunnel->key_fingerprint));
    m4h_json_get_text(object, "client_version", tunnel->client_version,
                      sizeof(tunnel->client_version));
    status->flapping = m4h_json_get_bool(object, "flapping");
    m4h_json_get_labels(object, "labels", tunnel->labels);
}

/* ---- one thing ---------------------------------------------------------------------- */

int m4h_json_slave_read(const uint8_t *data, size_t len, struct m4h_slave_status *slave)
{
    json_t *document;
    int error = m4h_json_load_object(data, len, &document);

    memset(slave, 0, sizeof(*slave));
    if (error == 0)
        read_slave(document, slave);
    json_decref(document);
    return error;
}

int m4h_json_tunnel_read(const uint8_t *data, size_t len, struct m4h_tunnel_status *tunnel)
{
    json_t *document;
    int error = m4h_json_load_object(data, len, &document);

    memset(tunnel, 0, sizeof(*tunnel));
    if (error == 0)
        read_tunnel(document, tunnel);
    json_decref(document);
    return error;
}

/* ---- lists ------------------------------------------------------------------------------- */

static void read_masters(const json_t *document, struct m4h_cluster_status *cluster)
{
    const json_t *masters = m4h_json_get_array(document, "masters");
    size_t count = json_array_size(masters);

    cluster->master_count = (uint32_t)(count < M4H_MASTERS_MAX ? count : M4H_MASTERS_MAX);
    for (size_t i = 0; i < cluster->master_count; i++)
        read_master(json_array_get(masters, i), &cluster->masters[i]);
}

static void read_totals(const json_t *document, struct m4h_cluster_status *cluster)
{
    m4h_json_get_text(document, "master_id", cluster->master_id, sizeof(cluster->master_id));
    m4h_json_get_text(document, "version", cluster->version, sizeof(cluster->version));
    cluster->started_wall_ms = m4h_json_get_time(document, "started_at");
    cluster->slaves = m4h_json_get_u32(document, "slaves");
    cluster->slaves_ready = m4h_json_get_u32(document, "slaves_ready");
    cluster->tunnels = m4h_json_get_u64(document, "tunnels");
    cluster->capacity = m4h_json_get_u64(document, "capacity");
    cluster->channels = m4h_json_get_u64(document, "channels");
    cluster->flapping = m4h_json_get_u32(document, "flapping");
    cluster->synced = m4h_json_get_bool(document, "synced");
}

int m4h_json_cluster_read(const uint8_t *data, size_t len, struct m4h_cluster_status *cluster,
                          struct m4h_region_status **regions, size_t *region_count)
{
    const json_t *list;
    json_t *document;
    int error = m4h_json_load_object(data, len, &document);

    memset(cluster, 0, sizeof(*cluster));
    *regions = NULL;
    *region_count = 0;
    if (error != 0)
        return error;
    read_totals(document, cluster);
    read_masters(document, cluster);
    list = m4h_json_get_array(document, "regions");
    *regions = m4h_json_room_for(list, sizeof(**regions));
    if (*regions == NULL)
        error = M4H_ENOMEM;
    for (size_t i = 0; error == 0 && i < json_array_size(list); i++)
        read_region(json_array_get(list, i), &(*regions)[(*region_count)++]);
    json_decref(document);
    return error;
}

int m4h_json_slaves_read(const uint8_t *data, size_t len, struct m4h_slave_status **slaves,
                         size_t *count, char next_page_token[M4H_JSON_TOKEN_MAX])
{
    json_t *list, *document;
    int error = m4h_json_load_page(data, len, "slaves", &document, &list, next_page_token);

    *slaves = NULL;
    *count = 0;
    if (error == 0) {
        *slaves = m4h_json_room_for(list, sizeof(**slaves));
        if (*slaves == NULL)
            error = M4H_ENOMEM;
    }
    for (size_t i = 0; error == 0 && i < json_array_size(list); i++)
        read_slave(json_array_get(list, i), &(*slaves)[(*count)++]);
    json_decref(document);
    return error;
}

int m4h_json_tunnels_read(const uint8_t *data, size_t len, struct m4h_tunnel_status **tunnels,
                          size_t *count, char next_page_token[M4H_JSON_TOKEN_MAX])
{
    json_t *list, *document;
    int error = m4h_json_load_page(data, len, "tunnels", &document, &list, next_page_token);

    *tunnels = NULL;
    *count = 0;
    if (error == 0) {
        *tunnels = m4h_json_room_for(list, sizeof(**tunnels));
        if (*tunnels == NULL)
            error = M4H_ENOMEM;
    }
    for (size_t i = 0; error == 0 && i < json_array_size(list); i++)
        read_tunnel(json_array_get(list, i), &(*tunnels)[(*count)++]);
    json_decref(document);
    return error;
}

static int add_line(struct m4h_buffer *out, const json_t *element)
{
    char *text = json_dumps(element, JSON_COMPACT | JSON_ENCODE_ANY);
    int error = text != NULL ? m4h_buffer_printf(out, "%s\n", text) : M4H_ENOMEM;

    free(text);
    return error;
}

int m4h_json_lines(const uint8_t *data, size_t len, const char *list_name, size_t max,
                   struct m4h_buffer *out, size_t *count, char next_page_token[M4H_JSON_TOKEN_MAX])
{
    json_t *list, *document;
    int error = m4h_json_load_page(data, len, list_name, &document, &list, next_page_token);

    for (*count = 0; error == 0 && *count < json_array_size(list) && *count < max; (*count)++)
        error = add_line(out, json_array_get(list, *count));
    json_decref(document);
    return error;
}
