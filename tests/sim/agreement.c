/* Whether all masters have what the slaves have, when the faults are over. */
#include "tests/sim/truth.h"

#include "services/master/core/cluster_state.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

struct comparison {
    const struct m4h_cluster *cluster;
    const struct m4h_slave *slave;
    const struct m4h_tunnel *missing;
    uint32_t seen;
};

static void compare_one(void *context, struct m4h_resident *resident)
{
    struct comparison *comparison = context;
    const struct m4h_entry *entry;
    struct m4h_tunnel tunnel;

    if (!resident->was_up)
        return;
    comparison->seen++;
    entry = m4h_tunnel_index_find(&comparison->cluster->tunnels, &comparison->slave->held,
                                  resident->tunnel.client_key, resident->tunnel.tunnel_id);
    if (entry != NULL)
        m4h_entry_read(entry, &tunnel);
    if (entry == NULL || tunnel.stamp != resident->tunnel.stamp ||
        strcmp(tunnel.labels, resident->tunnel.labels) != 0 ||
        tunnel.port_count != resident->tunnel.port_count ||
        memcmp(tunnel.ports, resident->tunnel.ports, tunnel.port_count * sizeof(uint16_t)) != 0)
        comparison->missing = &resident->tunnel;
}

static const char *compare_slave(const struct sim_master *master, const struct sim_slave *real)
{
    static char text[240];
    const struct m4h_slave *slave = m4h_slaves_find(&master->cluster->slaves, real->node.id);
    struct comparison comparison = {.cluster = master->cluster, .slave = slave};

    if (slave == NULL || slave->epoch != real->epoch) {
        snprintf(text, sizeof(text), "%s does not know the epoch %llu of %s", master->node.id,
                 (unsigned long long)real->epoch, real->node.id);
        return text;
    }
    if (!slave->synced || m4h_slave_state_of(slave) != real->state) {
        snprintf(text, sizeof(text), "%s has %s as %s and %s", master->node.id, real->node.id,
                 m4h_slave_state_name(m4h_slave_state_of(slave)),
                 slave->synced ? "synced" : "unsynced");
        return text;
    }
    m4h_roster_each(real->roster, compare_one, &comparison);
    if (comparison.missing == NULL && comparison.seen == slave->held.count)
        return NULL;
    snprintf(text, sizeof(text), "%s holds %u tunnels of %s, which has %u; %s differs",
             master->node.id, slave->held.count, real->node.id, comparison.seen,
             comparison.missing != NULL ? comparison.missing->client_key : "none");
    return text;
}

static const char *compare_master(const struct sim *sim, const struct sim_master *master)
{
    static char text[240];
    struct m4h_dispatch_stats dispatch;

    for (unsigned i = 0; i < sim->slave_count; i++) {
        const char *difference = compare_slave(master, &sim->slaves[i]);

        if (difference != NULL)
            return difference;
    }
    m4h_cluster_dispatch_stats(master->cluster, &dispatch);
    if (dispatch.reservations > 0) {
        snprintf(text, sizeof(text), "%s keeps %zu slots for devices that are off", master->node.id,
                 dispatch.reservations);
        return text;
    }
    if (m4h_kicks_count(master->kicks) > 0) {
        snprintf(text, sizeof(text), "%s has %zu kicks outstanding", master->node.id,
                 m4h_kicks_count(master->kicks));
        return text;
    }
    if (master->cluster->tunnels.entries != master->cluster->tunnels.owners.names.count) {
        snprintf(text, sizeof(text), "%s: %zu tunnels of %zu client keys", master->node.id,
                 master->cluster->tunnels.entries, master->cluster->tunnels.owners.names.count);
        return text;
    }
    return NULL;
}

const char *truth_disagreement(struct sim *sim)
{
    for (unsigned i = 0; i < sim->master_count; i++) {
        const char *difference = compare_master(sim, &sim->masters[i]);

        if (difference != NULL)
            return difference;
    }
    return NULL;
}
