/* The documents of what masters know. Knows neither HTTP nor the wire. */
#include "lib/json/json.h"
#include "lib/json/writer.h"

static void write_region(struct m4h_json_writer *writer, const struct m4h_region_status *region)
{
    m4h_json_open(writer, NULL, '{');
    m4h_json_text(writer, "region", region->region);
    m4h_json_number(writer, "slaves", region->slaves);
    m4h_json_number(writer, "slaves_ready", region->slaves_ready);
    m4h_json_number(writer, "tunnels", region->tunnels);
    m4h_json_number(writer, "capacity", region->capacity);
    m4h_json_close(writer, '}');
}

static void write_master(struct m4h_json_writer *writer, const struct m4h_master_status *master)
{
    m4h_json_open(writer, NULL, '{');
    m4h_json_text(writer, "master_id", master->master_id);
    m4h_json_text(writer, "version", master->version);
    m4h_json_time(writer, "started_at", master->started_wall_ms);
    m4h_json_time(writer, "last_seen_at", master->last_seen_wall_ms);
    m4h_json_close(writer, '}');
}

int m4h_json_cluster(struct m4h_buffer *out, const struct m4h_cluster_status *cluster,
                     const struct m4h_region_status *regions, size_t region_count)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "master_id", cluster->master_id);
    m4h_json_text(&writer, "version", cluster->version);
    m4h_json_time(&writer, "started_at", cluster->started_wall_ms);
    m4h_json_number(&writer, "slaves", cluster->slaves);
    m4h_json_number(&writer, "slaves_ready", cluster->slaves_ready);
    m4h_json_number(&writer, "tunnels", cluster->tunnels);
    m4h_json_number(&writer, "capacity", cluster->capacity);
    m4h_json_number(&writer, "channels", cluster->channels);
    m4h_json_number(&writer, "flapping", cluster->flapping);
    m4h_json_bool(&writer, "synced", cluster->synced);
    m4h_json_open(&writer, "regions", '[');
    for (size_t i = 0; i < region_count; i++)
        write_region(&writer, &regions[i]);
    m4h_json_close(&writer, ']');
    m4h_json_open(&writer, "masters", '[');
    for (size_t i = 0; i < cluster->master_count; i++)
        write_master(&writer, &cluster->masters[i]);
    m4h_json_close(&writer, ']');
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}

static void write_slave(struct m4h_json_writer *writer, const struct m4h_slave_status *slave)
{
    m4h_json_open(writer, NULL, '{');
    m4h_json_text(writer, "slave_id", slave->slave_id);
    m4h_json_text(writer, "region", slave->region);
    m4h_json_text(writer, "state", m4h_slave_state_name(slave->state));
    if (slave->drain_deadline_wall_ms != 0)
        m4h_json_time(writer, "drain_deadline", slave->drain_deadline_wall_ms);
    m4h_json_text(writer, "host", slave->info.host);
    m4h_json_number(writer, "port", slave->info.port);
    m4h_json_open(writer, "host_keys", '[');
    for (size_t i = 0; i < slave->info.host_key_count; i++)
        m4h_json_text(writer, NULL, slave->info.host_keys[i]);
    m4h_json_close(writer, ']');
    m4h_json_number(writer, "tunnels", slave->tunnels);
    m4h_json_number(writer, "capacity", slave->info.capacity);
    m4h_json_number(writer, "weight", m4h_slave_info_weight(&slave->info));
    m4h_json_number(writer, "handshakes_per_second", slave->info.handshakes_per_second);
    m4h_json_number(writer, "reservations", slave->reservations);
    m4h_json_number(writer, "channels", slave->channels);
    m4h_json_number(writer, "bytes_from_device", slave->bytes_from_device);
    m4h_json_number(writer, "bytes_to_device", slave->bytes_to_device);
    m4h_json_number(writer, "cpu_permille", slave->cpu_permille);
    m4h_json_text(writer, "version", slave->info.version);
    m4h_json_time(writer, "started_at", slave->info.started_wall_ms);
    m4h_json_time(writer, "last_seen_at", slave->last_seen_wall_ms);
    m4h_json_bool(writer, "synced", slave->synced);
    m4h_json_close(writer, '}');
}

int m4h_json_slave(struct m4h_buffer *out, const struct m4h_slave_status *slave)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    write_slave(&writer, slave);
    return m4h_json_finish(&writer);
}

static void begin_list(struct m4h_json_writer *writer, struct m4h_buffer *out, const char *name)
{
    m4h_json_begin(writer, out);
    m4h_json_open(writer, NULL, '{');
    m4h_json_open(writer, name, '[');
}

static int finish_list(struct m4h_json_writer *writer, const char *next_page_token)
{
    m4h_json_close(writer, ']');
    m4h_json_text(writer, "next_page_token", next_page_token);
    m4h_json_close(writer, '}');
    return m4h_json_finish(writer);
}

int m4h_json_slaves(struct m4h_buffer *out, const struct m4h_slave_status *slaves, size_t count,
                    const char *next_page_token)
{
    struct m4h_json_writer writer;

    begin_list(&writer, out, "slaves");
    for (size_t i = 0; i < count; i++)
        write_slave(&writer, &slaves[i]);
    return finish_list(&writer, next_page_token);
}

static void write_tunnel(struct m4h_json_writer *writer, const struct m4h_tunnel_status *status)
{
    const struct m4h_tunnel *tunnel = &status->tunnel;
    char id[M4H_TUNNEL_ID_TEXT_MAX];

    m4h_json_open(writer, NULL, '{');
    m4h_json_text(writer, "client_key", tunnel->client_key);
    m4h_json_text(writer, "tunnel_id", m4h_tunnel_id_format(tunnel->tunnel_id, id));
    m4h_json_text(writer, "slave_id", status->slave_id);
    m4h_json_text(writer, "region", status->region);
    m4h_json_text(writer, "host", status->host);
    m4h_json_number(writer, "port", tunnel->ports[0]);
    m4h_json_open(writer, "ports", '[');
    for (size_t i = 0; i < tunnel->port_count; i++)
        m4h_json_number(writer, NULL, tunnel->ports[i]);
    m4h_json_close(writer, ']');
    m4h_json_text(writer, "remote_address", tunnel->remote_address);
    m4h_json_time(writer, "connected_at", tunnel->connected_wall_ms);
    m4h_json_text(writer, "key_fingerprint", tunnel->key_fingerprint);
    m4h_json_text(writer, "client_version", tunnel->client_version);
    m4h_json_bool(writer, "flapping", status->flapping);
    m4h_json_labels(writer, "labels", tunnel->labels);
    m4h_json_close(writer, '}');
}

int m4h_json_tunnel(struct m4h_buffer *out, const struct m4h_tunnel_status *tunnel)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    write_tunnel(&writer, tunnel);
    return m4h_json_finish(&writer);
}

int m4h_json_tunnels(struct m4h_buffer *out, const struct m4h_tunnel_status *tunnels, size_t count,
                     const char *next_page_token)
{
    struct m4h_json_writer writer;

    begin_list(&writer, out, "tunnels");
    for (size_t i = 0; i < count; i++)
        write_tunnel(&writer, &tunnels[i]);
    return finish_list(&writer, next_page_token);
}

int m4h_json_draining(struct m4h_buffer *out, const char *slave_id, uint32_t tunnels)
{
    struct m4h_json_writer writer;

    m4h_json_begin(&writer, out);
    m4h_json_open(&writer, NULL, '{');
    m4h_json_text(&writer, "slave_id", slave_id);
    m4h_json_number(&writer, "tunnels", tunnels);
    m4h_json_close(&writer, '}');
    return m4h_json_finish(&writer);
}
