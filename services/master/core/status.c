/* What the cluster answers when it is asked: dispatch and status. Tunnels are in
 * tunnel_pages.c. */
#include "services/master/core/cluster_state.h"

#include "lib/base/error.h"

#include <string.h>

/* ---- dispatch ------------------------------------------------------------- */

/* The seat where the device was last, or NULL; also where nobody wants to know. */
static struct m4h_seat *last_seat(const struct m4h_cluster *cluster, const char *client_key)
{
    struct m4h_last_place place;
    struct m4h_slave *slave;

    if (!m4h_dispatch_is_sticky(cluster->dispatch))
        return NULL;
    place = m4h_last_places_find(&cluster->last_places, client_key);
    slave = place.port != 0 ? cluster->slaves.by_number[place.slave] : NULL;
    return slave != NULL ? &slave->seat : NULL;
}

/* Field by field: a slot has room for far more text than most have. */
static void describe_slot(const struct m4h_slave *slave, uint64_t expires_wall_ms,
                          struct m4h_slot *slot)
{
    m4h_text_copy(slot->slave_id, sizeof(slot->slave_id), slave->id);
    m4h_text_copy(slot->region, sizeof(slot->region), slave->region);
    m4h_text_copy(slot->host, sizeof(slot->host), slave->info.host);
    slot->port = slave->info.port;
    slot->host_key_count = slave->info.host_key_count;
    for (size_t i = 0; i < slave->info.host_key_count; i++)
        m4h_text_copy(slot->host_keys[i], sizeof(slot->host_keys[i]), slave->info.host_keys[i]);
    slot->expires_wall_ms = expires_wall_ms;
}

int m4h_cluster_dispatch(struct m4h_cluster *cluster, const struct m4h_dispatch_request *request,
                         struct m4h_moment moment, uint64_t random, struct m4h_slot *slot,
                         struct m4h_problem *problem)
{
    struct m4h_seat *seat;

    if (cluster->online) /* the tick may be late: who is silent now gets nobody */
        m4h_liveness_tick(cluster, moment.now_ms);
    seat = m4h_dispatch_pick(cluster->dispatch, request, last_seat(cluster, request->client_key),
                             moment.now_ms, random, problem);
    if (seat == NULL)
        return M4H_EUNAVAILABLE;
    describe_slot(M4H_CONTAINER_OF(seat, struct m4h_slave, seat),
                  moment.wall_ms + cluster->config.dispatch.reservation_ms, slot);
    return 0;
}

bool m4h_cluster_keeps_slot(const struct m4h_cluster *cluster, const char *client_key)
{
    return m4h_dispatch_has_reserved(cluster->dispatch, client_key);
}

void m4h_cluster_shared(struct m4h_cluster *cluster,
                        const struct m4h_shared_reservation *reservation, uint64_t now_ms)
{
    struct m4h_slave *slave = m4h_slaves_find(&cluster->slaves, reservation->slave_id);

    if (slave == NULL || slave->lost)
        m4h_dispatch_taken_back(cluster->dispatch, reservation->client_key);
    else if (m4h_seat_given(cluster->dispatch, &slave->seat, reservation->client_key,
                            reservation->remaining_ms, now_ms) != 0)
        cluster->stats.not_taken++;
}

uint64_t m4h_cluster_owner_stamp(const struct m4h_cluster *cluster, const char *client_key)
{
    const struct m4h_entry *owner = m4h_tunnel_index_owner(&cluster->tunnels, client_key);

    return owner != NULL ? owner->stamp : 0;
}

void m4h_cluster_introduce(const struct m4h_cluster *cluster, const char *client_key,
                           uint64_t now_ms, struct m4h_authorize_reply *reply)
{
    struct m4h_evictions_of evictions = m4h_evictions_find(&cluster->evictions, client_key, now_ms);

    reply->owner_stamp = m4h_cluster_owner_stamp(cluster, client_key);
    reply->last_port = m4h_last_places_find(&cluster->last_places, client_key).port;
    reply->evictions = evictions.count;
    reply->evicted_ago_ms = evictions.ago_ms;
}

const char *m4h_cluster_find_host_key(const struct m4h_cluster *cluster, const uint8_t *key,
                                      size_t len)
{
    const struct m4h_slave *slave = m4h_slaves_find_host_key(&cluster->slaves, key, len);

    return slave != NULL ? slave->id : NULL;
}

bool m4h_cluster_is_loser(const struct m4h_cluster *cluster, const char *slave_id,
                          const char *client_key, uint64_t tunnel_id)
{
    const struct m4h_slave *slave = m4h_slaves_find(&cluster->slaves, slave_id);
    const struct m4h_entry *entry =
        slave == NULL
            ? NULL
            : m4h_tunnel_index_find(&cluster->tunnels, &slave->held, client_key, tunnel_id);

    return entry != NULL && entry != m4h_tunnel_index_owner(&cluster->tunnels, client_key);
}

/* ---- the whole ------------------------------------------------------------ */

bool m4h_cluster_is_synced(const struct m4h_cluster *cluster)
{
    return cluster->unsynced_count == 0;
}

/* The place of a region among those that are there already, which are in order;
 * makes it where it is new. NULL: too many. */
static struct m4h_region_status *region_of(struct m4h_region_status *regions, size_t *count,
                                           const char *name)
{
    size_t place = 0;

    while (place < *count && strcmp(regions[place].region, name) < 0)
        place++;
    if (place < *count && strcmp(regions[place].region, name) == 0)
        return &regions[place];
    if (*count == M4H_REGIONS_MAX)
        return NULL;
    memmove(regions + place + 1, regions + place, (*count - place) * sizeof(regions[0]));
    regions[place] = (struct m4h_region_status){0};
    m4h_text_copy(regions[place].region, sizeof(regions[place].region), name);
    (*count)++;
    return &regions[place];
}

static void add_to_region(struct m4h_region_status *region, const struct m4h_slave *slave,
                          bool ready)
{
    region->slaves++;
    region->slaves_ready += ready;
    region->tunnels += slave->held.count;
    region->capacity += ready ? slave->seat.capacity : 0;
}

void m4h_cluster_status(const struct m4h_cluster *cluster, struct m4h_cluster_status *status,
                        struct m4h_region_status regions[M4H_REGIONS_MAX], size_t *region_count)
{
    *status = (struct m4h_cluster_status){
        .tunnels = cluster->tunnels.owners.names.count,
        .synced = m4h_cluster_is_synced(cluster),
        .flapping = (uint32_t)cluster->evictions.flapping,
    };
    *region_count = 0;
    for (size_t i = 0; i < cluster->slaves.count; i++) {
        const struct m4h_slave *slave = cluster->slaves.sorted[i];
        bool ready = m4h_slave_state_of(slave) == M4H_SLAVE_READY;
        struct m4h_region_status *region;

        if (!m4h_slave_is_listed(slave))
            continue;
        status->slaves++;
        status->slaves_ready += ready;
        status->channels += slave->lost ? 0 : slave->load.channels;
        status->capacity += ready ? slave->seat.capacity : 0;
        region = region_of(regions, region_count, slave->region);
        if (region != NULL)
            add_to_region(region, slave, ready);
    }
}

/* ---- slaves --------------------------------------------------------------- */

bool m4h_slave_is_wanted(const struct m4h_slave *slave, const struct m4h_page_request *request)
{
    return m4h_slave_is_listed(slave) &&
           (request->region[0] == '\0' || strcmp(request->region, slave->region) == 0) &&
           (request->slave_id[0] == '\0' || strcmp(request->slave_id, slave->id) == 0);
}

static void describe_slave(const struct m4h_slave *slave, struct m4h_slave_status *status)
{
    *status = (struct m4h_slave_status){
        .state = m4h_slave_state_of(slave),
        .info = slave->info,
        .epoch = slave->epoch,
        .tunnels = slave->held.count,
        .reservations = slave->seat.reserved.count,
        .channels = slave->load.channels,
        .bytes_from_device = slave->load.bytes_from_device,
        .bytes_to_device = slave->load.bytes_to_device,
        .cpu_permille = slave->load.cpu_permille,
        .last_seen_wall_ms = slave->last_seen_wall_ms,
        .synced = slave->synced,
    };
    if (status->state == M4H_SLAVE_DRAINING)
        status->drain_deadline_wall_ms = slave->load.drain_deadline_wall_ms;
    memcpy(status->slave_id, slave->id, sizeof(status->slave_id));
    memcpy(status->region, slave->region, sizeof(status->region));
    status->info.capacity = slave->seat.capacity;
}

void m4h_cluster_slaves(const struct m4h_cluster *cluster, const struct m4h_page_request *request,
                        struct m4h_slave_status *slaves, size_t *count,
                        char next_page_token[M4H_PAGE_TOKEN_MAX + 1])
{
    *count = 0;
    next_page_token[0] = '\0';
    for (size_t i = m4h_slaves_after(&cluster->slaves, request->page_token);
         i < cluster->slaves.count; i++) {
        if (!m4h_slave_is_wanted(cluster->slaves.sorted[i], request))
            continue;
        if (*count == request->page_size) {
            m4h_text_copy(next_page_token, M4H_PAGE_TOKEN_MAX + 1, slaves[*count - 1].slave_id);
            return;
        }
        describe_slave(cluster->slaves.sorted[i], &slaves[(*count)++]);
    }
}

/* ---- counters ------------------------------------------------------------- */

void m4h_cluster_stats(const struct m4h_cluster *cluster, struct m4h_cluster_stats *stats)
{
    *stats = cluster->stats;
    stats->effects_refused = cluster->effects.refused;
    stats->entries = cluster->tunnels.entries;
    stats->tunnels = cluster->tunnels.owners.names.count;
    stats->evictions = cluster->evictions.total;
    stats->flapping = cluster->evictions.flapping;
    stats->slaves_unsynced = cluster->unsynced_count;
    for (size_t i = 0; i < cluster->slaves.count; i++)
        stats->slaves[m4h_slave_state_of(cluster->slaves.sorted[i])]++;
}

void m4h_cluster_dispatch_stats(const struct m4h_cluster *cluster, struct m4h_dispatch_stats *stats)
{
    m4h_dispatch_stats(cluster->dispatch, stats);
}
