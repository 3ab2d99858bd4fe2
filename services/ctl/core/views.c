/* Tables of slaves and tunnels, and one thing in full. Events are in view_event.c. */
#include "services/ctl/core/views.h"

#include "lib/base/attributes.h"
#include "lib/base/walltime.h"
#include "services/ctl/core/words.h"

#include <inttypes.h>
#include <string.h>

#define LABEL_WIDTH 14

/* From this share on a slave counts as nearly full. */
#define NEARLY_FULL_PERCENT 90

enum m4h_ctl_style m4h_ctl_style_of_state(enum m4h_slave_state state)
{
    switch (state) {
    case M4H_SLAVE_READY:
        return M4H_CTL_GOOD;
    case M4H_SLAVE_DRAINING:
        return M4H_CTL_WARNING;
    case M4H_SLAVE_SILENT:
        return M4H_CTL_BAD;
    case M4H_SLAVE_STOPPED:
        break;
    }
    return M4H_CTL_FAINT;
}

enum m4h_ctl_style m4h_ctl_style_of_load(uint64_t part, uint64_t whole)
{
    if (part >= whole)
        return whole != 0 ? M4H_CTL_BAD : M4H_CTL_PLAIN;
    return part * 100 >= whole * NEARLY_FULL_PERCENT ? M4H_CTL_WARNING : M4H_CTL_PLAIN;
}

static const char *or_dash(const char *text)
{
    return *text != '\0' ? text : "-";
}

/* ---- labels and values ------------------------------------------------------------------- */

static void label(struct m4h_ctl_page *page, const char *name)
{
    m4h_ctl_page_add(page, M4H_CTL_FAINT, "%-*s", LABEL_WIDTH, name);
}

#define LINE(page, name, style, ...)                                                               \
    do {                                                                                           \
        label(page, name);                                                                         \
        m4h_ctl_page_add(page, style, __VA_ARGS__);                                                \
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\n");                                               \
    } while (0)

static void line_of_time(struct m4h_ctl_page *page, const char *name, uint64_t then_ms,
                         uint64_t wall_ms)
{
    char text[M4H_WALLTIME_TEXT_MAX], age[M4H_CTL_WORD_MAX];

    if (then_ms == 0)
        LINE(page, name, M4H_CTL_PLAIN, "-");
    else if (then_ms > wall_ms)
        LINE(page, name, M4H_CTL_PLAIN, "%s (in %s)", m4h_walltime_format(then_ms, text),
             m4h_ctl_age(wall_ms, then_ms, age));
    else
        LINE(page, name, M4H_CTL_PLAIN, "%s (%s ago)", m4h_walltime_format(then_ms, text),
             m4h_ctl_age(then_ms, wall_ms, age));
}

/* An address as a program takes it: IPv6 in brackets. */
static const char *bracket(const char *host, const char **close)
{
    bool is_v6 = strchr(host, ':') != NULL;

    *close = is_v6 ? "]" : "";
    return is_v6 ? "[" : "";
}

/* ---- the cluster ------------------------------------------------------------------------- */

static void view_regions(struct m4h_ctl_page *page, const struct m4h_region_status *regions,
                         size_t count)
{
    static const struct m4h_ctl_column columns[] = {
        {"REGION", false}, {"SLAVES", true}, {"TUNNELS", true}, {"CAPACITY", true}, {"LOAD", true},
    };
    char load[M4H_CTL_WORD_MAX];
    struct m4h_ctl_table table;

    m4h_ctl_table_begin(&table, columns, M4H_COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        const struct m4h_region_status *region = &regions[i];

        m4h_ctl_table_cell(&table, M4H_CTL_PLAIN, "%s", region->region);
        m4h_ctl_table_cell(&table,
                           region->slaves_ready < region->slaves ? M4H_CTL_WARNING : M4H_CTL_PLAIN,
                           "%" PRIu32 "/%" PRIu32, region->slaves_ready, region->slaves);
        m4h_ctl_table_cell(&table, M4H_CTL_PLAIN, "%" PRIu32, region->tunnels);
        m4h_ctl_table_cell(&table, M4H_CTL_PLAIN, "%" PRIu32, region->capacity);
        m4h_ctl_table_cell(&table, m4h_ctl_style_of_load(region->tunnels, region->capacity), "%s",
                           m4h_ctl_percent(region->tunnels, region->capacity, load));
    }
    m4h_ctl_table_write(&table, page);
    m4h_ctl_table_end(&table);
}

static void view_masters(struct m4h_ctl_page *page, const struct m4h_cluster_status *cluster,
                         uint64_t wall_ms)
{
    static const struct m4h_ctl_column columns[] = {
        {"MASTER", false}, {"VERSION", false}, {"UP", true}, {"SEEN", true}};
    char word[M4H_CTL_WORD_MAX];
    struct m4h_ctl_table table;

    m4h_ctl_table_begin(&table, columns, M4H_COUNT(columns));
    for (size_t i = 0; i < cluster->master_count; i++) {
        const struct m4h_master_status *master = &cluster->masters[i];

        m4h_ctl_table_cell(&table, M4H_CTL_PLAIN, "%s", master->master_id);
        m4h_ctl_table_cell(&table, M4H_CTL_PLAIN, "%s", or_dash(master->version));
        m4h_ctl_table_cell(&table, M4H_CTL_PLAIN, "%s",
                           m4h_ctl_age(master->started_wall_ms, wall_ms, word));
        m4h_ctl_table_cell(&table, M4H_CTL_PLAIN, "%s",
                           m4h_ctl_age(master->last_seen_wall_ms, wall_ms, word));
    }
    m4h_ctl_table_write(&table, page);
    m4h_ctl_table_end(&table);
}

void m4h_ctl_view_status(struct m4h_ctl_page *page, const struct m4h_cluster_status *cluster,
                         const struct m4h_region_status *regions, size_t region_count,
                         uint64_t wall_ms)
{
    char tunnels[M4H_CTL_WORD_MAX], capacity[M4H_CTL_WORD_MAX], load[M4H_CTL_WORD_MAX];

    LINE(page, "slaves", cluster->slaves_ready < cluster->slaves ? M4H_CTL_WARNING : M4H_CTL_PLAIN,
         "%" PRIu32 " ready of %" PRIu32, cluster->slaves_ready, cluster->slaves);
    LINE(page, "tunnels", m4h_ctl_style_of_load(cluster->tunnels, cluster->capacity),
         "%s of %s (%s)", m4h_ctl_count(cluster->tunnels, tunnels),
         m4h_ctl_count(cluster->capacity, capacity),
         m4h_ctl_percent(cluster->tunnels, cluster->capacity, load));
    LINE(page, "connections", M4H_CTL_PLAIN, "%s of operators",
         m4h_ctl_count(cluster->channels, tunnels));
    LINE(page, "flapping", cluster->flapping != 0 ? M4H_CTL_WARNING : M4H_CTL_PLAIN,
         "%" PRIu32 " devices", cluster->flapping);
    LINE(page, "answered by", M4H_CTL_PLAIN, "%s, version %s%s", cluster->master_id,
         or_dash(cluster->version), cluster->synced ? "" : ", which still learns");
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\n");
    view_regions(page, regions, region_count);
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\n");
    view_masters(page, cluster, wall_ms);
}

/* ---- slaves -----------------------------------------------------------------------------------
 */

void m4h_ctl_view_slaves(struct m4h_ctl_table *table)
{
    static const struct m4h_ctl_column columns[] = {
        {"SLAVE", false}, {"REGION", false},  {"STATE", false},   {"TUNNELS", true},
        {"LOAD", true},   {"CONN", true},     {"CPU", true},      {"UP", true},
        {"SEEN", true},   {"VERSION", false}, {"ADDRESS", false},
    };

    m4h_ctl_table_begin(table, columns, M4H_COUNT(columns));
}

void m4h_ctl_view_slaves_row(struct m4h_ctl_table *table, const struct m4h_slave_status *slave,
                             uint64_t wall_ms)
{
    const char *close, *open = bracket(slave->info.host, &close);
    char word[M4H_CTL_WORD_MAX];

    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", slave->slave_id);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", slave->region);
    m4h_ctl_table_cell(table, m4h_ctl_style_of_state(slave->state), "%s",
                       m4h_slave_state_name(slave->state));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%" PRIu32 "/%" PRIu32, slave->tunnels,
                       slave->info.capacity);
    m4h_ctl_table_cell(table, m4h_ctl_style_of_load(slave->tunnels, slave->info.capacity), "%s",
                       m4h_ctl_percent(slave->tunnels, slave->info.capacity, word));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%" PRIu32, slave->channels);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%" PRIu32 "%%", slave->cpu_permille / 10);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s",
                       m4h_ctl_age(slave->info.started_wall_ms, wall_ms, word));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s",
                       m4h_ctl_age(slave->last_seen_wall_ms, wall_ms, word));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", or_dash(slave->info.version));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s%s%s:%u", open, slave->info.host, close,
                       slave->info.port);
}

void m4h_ctl_view_slave(struct m4h_ctl_page *page, const struct m4h_slave_status *slave,
                        uint64_t wall_ms)
{
    const char *close, *open = bracket(slave->info.host, &close);
    char word[M4H_CTL_WORD_MAX];

    LINE(page, "slave", M4H_CTL_STRONG, "%s", slave->slave_id);
    LINE(page, "region", M4H_CTL_PLAIN, "%s", slave->region);
    LINE(page, "state", m4h_ctl_style_of_state(slave->state), "%s%s",
         m4h_slave_state_name(slave->state),
         slave->synced ? "" : ", not all of its tunnels are known yet");
    if (slave->drain_deadline_wall_ms != 0)
        line_of_time(page, "drained by", slave->drain_deadline_wall_ms, wall_ms);
    LINE(page, "address", M4H_CTL_PLAIN, "%s%s%s:%u", open, slave->info.host, close,
         slave->info.port);
    LINE(page, "tunnels", m4h_ctl_style_of_load(slave->tunnels, slave->info.capacity),
         "%" PRIu32 " of %" PRIu32 " (%s)", slave->tunnels, slave->info.capacity,
         m4h_ctl_percent(slave->tunnels, slave->info.capacity, word));
    LINE(page, "reserved", M4H_CTL_PLAIN, "%" PRIu32, slave->reservations);
    LINE(page, "weight", M4H_CTL_PLAIN, "%" PRIu32 "%%", slave->info.weight);
    LINE(page, "connections", M4H_CTL_PLAIN, "%" PRIu32 " of operators", slave->channels);
    LINE(page, "from devices", M4H_CTL_PLAIN, "%s", m4h_ctl_bytes(slave->bytes_from_device, word));
    LINE(page, "to devices", M4H_CTL_PLAIN, "%s", m4h_ctl_bytes(slave->bytes_to_device, word));
    LINE(page, "cpu", M4H_CTL_PLAIN, "%" PRIu32 ".%" PRIu32 "%% of a core",
         slave->cpu_permille / 10, slave->cpu_permille % 10);
    LINE(page, "version", M4H_CTL_PLAIN, "%s", or_dash(slave->info.version));
    line_of_time(page, "started", slave->info.started_wall_ms, wall_ms);
    line_of_time(page, "last seen", slave->last_seen_wall_ms, wall_ms);
}

/* ---- tunnels ----------------------------------------------------------------------------------
 */

void m4h_ctl_view_tunnels(struct m4h_ctl_table *table)
{
    static const struct m4h_ctl_column columns[] = {
        {"CLIENT KEY", false}, {"SLAVE", false}, {"REGION", false}, {"REACHED AT", false},
        {"FROM", false},       {"UP", true},     {"CLIENT", false},
    };

    m4h_ctl_table_begin(table, columns, M4H_COUNT(columns));
}

void m4h_ctl_view_tunnels_row(struct m4h_ctl_table *table, const struct m4h_tunnel_status *status,
                              uint64_t wall_ms)
{
    const struct m4h_tunnel *tunnel = &status->tunnel;
    const char *close, *open = bracket(status->host, &close);
    char word[M4H_CTL_WORD_MAX];

    m4h_ctl_table_cell(table, status->flapping ? M4H_CTL_WARNING : M4H_CTL_PLAIN, "%s",
                       tunnel->client_key);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", status->slave_id);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", status->region);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s%s%s:%u", open, status->host, close,
                       tunnel->ports[0]);
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s", or_dash(tunnel->remote_address));
    m4h_ctl_table_cell(table, M4H_CTL_PLAIN, "%s",
                       m4h_ctl_age(tunnel->connected_wall_ms, wall_ms, word));
    m4h_ctl_table_cell(table, M4H_CTL_FAINT, "%s", or_dash(tunnel->client_version));
}

void m4h_ctl_view_tunnel(struct m4h_ctl_page *page, const struct m4h_tunnel_status *status,
                         uint64_t wall_ms)
{
    const struct m4h_tunnel *tunnel = &status->tunnel;
    const char *close, *open = bracket(status->host, &close);
    char id[M4H_TUNNEL_ID_TEXT_MAX];

    LINE(page, "client key", M4H_CTL_STRONG, "%s", tunnel->client_key);
    for (size_t i = 0; i < tunnel->port_count; i++)
        LINE(page, i == 0 ? "reached at" : "and at", M4H_CTL_PLAIN, "%s%s%s:%u", open, status->host,
             close, tunnel->ports[i]);
    LINE(page, "by ssh", M4H_CTL_PLAIN, "ssh -p %u %s", tunnel->ports[0], status->host);
    LINE(page, "slave", M4H_CTL_PLAIN, "%s, region %s", status->slave_id, status->region);
    LINE(page, "from", M4H_CTL_PLAIN, "%s", or_dash(tunnel->remote_address));
    line_of_time(page, "connected", tunnel->connected_wall_ms, wall_ms);
    LINE(page, "key", M4H_CTL_PLAIN, "%s", or_dash(tunnel->key_fingerprint));
    LINE(page, "client", M4H_CTL_PLAIN, "%s", or_dash(tunnel->client_version));
    LINE(page, "labels", M4H_CTL_PLAIN, "%s", or_dash(tunnel->labels));
    LINE(page, "tunnel id", M4H_CTL_PLAIN, "%s", m4h_tunnel_id_format(tunnel->tunnel_id, id));
    if (status->flapping)
        LINE(page, "flapping", M4H_CTL_WARNING, "yes: several devices use this key");
}

/* ---- slots -------------------------------------------------------------------------------------
 */

void m4h_ctl_view_slot(struct m4h_ctl_page *page, const struct m4h_slot *slot, uint64_t wall_ms)
{
    const char *close, *open = bracket(slot->host, &close);

    LINE(page, "connect to", M4H_CTL_STRONG, "%s%s%s:%u", open, slot->host, close, slot->port);
    LINE(page, "slave", M4H_CTL_PLAIN, "%s, region %s", slot->slave_id, slot->region);
    line_of_time(page, "kept until", slot->expires_wall_ms, wall_ms);
    for (size_t i = 0; i < slot->host_key_count; i++)
        LINE(page, i == 0 ? "host key" : "", M4H_CTL_PLAIN, "%s", slot->host_keys[i]);
}
