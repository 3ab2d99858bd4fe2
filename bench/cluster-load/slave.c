/* A simulated slave's numbers. */
#include "slave.h"

#include "lib/base/digest.h"
#include "lib/base/walltime.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

void slave_init(struct slave *slave, unsigned number, const char *region, uint32_t capacity)
{
    *slave = (struct slave){.number = number};
    snprintf(slave->id, sizeof(slave->id), "bench-%03u", number);
    m4h_text_copy(slave->region, sizeof(slave->region), region);
    slave->epoch = m4h_walltime_now_ms();
    slave->info = (struct m4h_slave_info){.host = "192.0.2.1",
                                          .port = (uint16_t)(20000 + number),
                                          .host_key_count = 1,
                                          .capacity = capacity,
                                          .version = "5.0.0",
                                          .started_wall_ms = slave->epoch};
    snprintf(slave->info.host_keys[0], sizeof(slave->info.host_keys[0]),
             "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%043u", number);
}

void slave_free(struct slave *slave)
{
    for (size_t i = 0; i < SLAVE_SNAPSHOTS; i++)
        free(slave->snapshots[i].tunnels);
    free(slave->tunnels);
}

void slave_client_key(uint32_t device, char client_key[M4H_CLIENT_KEY_MAX + 1])
{
    snprintf(client_key, M4H_CLIENT_KEY_MAX + 1, "device-%08x", device * 2654435761u);
}

static void fill_tunnel(const struct slave_tunnel *from, struct m4h_tunnel *tunnel)
{
    uint32_t d = from->device;

    *tunnel = (struct m4h_tunnel){.tunnel_id = from->tunnel_id,
                                  .stamp = from->stamp,
                                  .ports = {(uint16_t)(1024 + d % 60000)},
                                  .port_count = 1,
                                  .connected_wall_ms = from->stamp >> 16,
                                  .client_version = "OpenSSH_9.2p1 Debian-2+deb12u3"};
    slave_client_key(d, tunnel->client_key);
    snprintf(tunnel->remote_address, sizeof(tunnel->remote_address), "10.%u.%u.%u:%u",
             d >> 16 & 255, d >> 8 & 255, d & 255, 20000 + d % 40000);
    snprintf(tunnel->key_fingerprint, sizeof(tunnel->key_fingerprint), "SHA256:%043u", d);
}

static void fill_envelope(struct slave *slave, enum m4h_event_type type, struct m4h_event *event)
{
    *event = (struct m4h_event){.epoch = slave->epoch, .type = type};
    event->seq = type == M4H_EVENT_LOAD ? slave->seq : ++slave->seq;
    event->wall_ms = m4h_walltime_now_ms();
    m4h_text_copy(event->slave_id, sizeof(event->slave_id), slave->id);
    m4h_text_copy(event->region, sizeof(event->region), slave->region);
    if (type == M4H_EVENT_LOAD)
        snprintf(event->event_id, sizeof(event->event_id),
                 "%s:%" PRIu64 ":%" PRIu64 ":load:%" PRIu64, slave->id, slave->epoch, slave->seq,
                 ++slave->load_count);
    else
        snprintf(event->event_id, sizeof(event->event_id), "%s:%" PRIu64 ":%" PRIu64, slave->id,
                 slave->epoch, slave->seq);
}

void slave_start(struct slave *slave, struct m4h_event *event)
{
    fill_envelope(slave, M4H_EVENT_START, event);
    event->as.start = slave->info;
}

void slave_connect(struct slave *slave, uint32_t device, struct m4h_event *event)
{
    struct slave_tunnel *tunnel;

    if (slave->count == slave->allocated) {
        slave->allocated = slave->allocated > 0 ? 2 * slave->allocated : 1024;
        slave->tunnels = must(realloc(slave->tunnels, slave->allocated * sizeof(*slave->tunnels)));
    }
    tunnel = &slave->tunnels[slave->count++];
    tunnel->device = device;
    tunnel->tunnel_id = m4h_digest_of((uint64_t)slave->number << 40 | ++slave->tunnels_made);
    tunnel->stamp = m4h_stamp_next(&slave->clock, m4h_walltime_now_ms(), 0);
    slave->digest ^= m4h_digest_of(tunnel->tunnel_id);
    fill_envelope(slave, M4H_EVENT_CONNECT, event);
    fill_tunnel(tunnel, &event->as.connect);
}

uint32_t slave_disconnect(struct slave *slave, size_t index, struct m4h_event *event)
{
    struct slave_tunnel gone = slave->tunnels[index];

    slave->tunnels[index] = slave->tunnels[--slave->count];
    slave->digest ^= m4h_digest_of(gone.tunnel_id);
    fill_envelope(slave, M4H_EVENT_DISCONNECT, event);
    event->as.disconnect = (struct m4h_disconnect){.tunnel_id = gone.tunnel_id,
                                                   .reason = M4H_DISCONNECT_CLIENT_CLOSED,
                                                   .bytes_from_device = 4096,
                                                   .bytes_to_device = 1024,
                                                   .duration_ms = 60000};
    slave_client_key(gone.device, event->as.disconnect.client_key);
    return gone.device;
}

void slave_load(struct slave *slave, struct m4h_event *event)
{
    fill_envelope(slave, M4H_EVENT_LOAD, event);
    event->as.load = (struct m4h_load){.tunnels = (uint32_t)slave->count,
                                       .capacity = slave->info.capacity,
                                       .state = M4H_SLAVE_READY,
                                       .digest = slave->digest,
                                       .cpu_permille = 20,
                                       .open_files = (uint32_t)(2 * slave->count + 50),
                                       .open_files_limit = 1048576};
}

/* ---- snapshots ---------------------------------------------------------------- */

static struct slave_snapshot *make_snapshot(struct slave *slave)
{
    struct slave_snapshot *kept = &slave->snapshots[slave->snapshots_made++ % SLAVE_SNAPSHOTS];
    size_t bytes = slave->count * sizeof(*slave->tunnels);

    free(kept->tunnels);
    kept->snapshot_id = slave->snapshots_made;
    kept->seq = slave->seq;
    kept->count = slave->count;
    kept->tunnels = must(malloc(bytes > 0 ? bytes : 1));
    if (bytes > 0)
        memcpy(kept->tunnels, slave->tunnels, bytes);
    return kept;
}

static struct slave_snapshot *find_snapshot(struct slave *slave, uint64_t snapshot_id)
{
    if (snapshot_id == 0)
        return make_snapshot(slave);
    for (size_t i = 0; i < SLAVE_SNAPSHOTS; i++)
        if (slave->snapshots[i].snapshot_id == snapshot_id)
            return &slave->snapshots[i];
    return NULL;
}

bool slave_snapshot(struct slave *slave, const struct m4h_snapshot_request *request,
                    struct m4h_snapshot_page *page, struct m4h_tunnel *tunnels, size_t *count,
                    struct m4h_problem *problem)
{
    struct slave_snapshot *kept = find_snapshot(slave, request->snapshot_id);
    size_t first = (size_t)request->page * M4H_SNAPSHOT_PAGE_TUNNELS;

    if (kept == NULL || first > kept->count) {
        m4h_problem_set(problem, M4H_PROBLEM_NOT_FOUND, "no such snapshot page: begin anew");
        return false;
    }
    *count = kept->count - first;
    if (*count > M4H_SNAPSHOT_PAGE_TUNNELS)
        *count = M4H_SNAPSHOT_PAGE_TUNNELS;
    for (size_t i = 0; i < *count; i++)
        fill_tunnel(&kept->tunnels[first + i], &tunnels[i]);
    *page = (struct m4h_snapshot_page){.snapshot_id = kept->snapshot_id,
                                       .page = request->page,
                                       .last = first + *count == kept->count,
                                       .epoch = slave->epoch,
                                       .seq = kept->seq,
                                       .info = slave->info,
                                       .state = M4H_SLAVE_READY};
    m4h_text_copy(page->slave_id, sizeof(page->slave_id), slave->id);
    m4h_text_copy(page->region, sizeof(page->region), slave->region);
    return true;
}
