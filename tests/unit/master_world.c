/* The world of the master's tests. */
#include "tests/unit/master_world.h"

#include "lib/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- slaves --------------------------------------------------------------- */

void fake_slave_init(struct fake_slave *slave, const char *id, const char *region)
{
    *slave = (struct fake_slave){
        .epoch = WORLD_EPOCH, .state = M4H_SLAVE_READY, .capacity = WORLD_TUNNELS_MAX};
    m4h_text_copy(slave->id, sizeof(slave->id), id);
    m4h_text_copy(slave->region, sizeof(slave->region), region);
    slave->tunnels = calloc(WORLD_TUNNELS_MAX, sizeof(slave->tunnels[0]));
    assert_non_null(slave->tunnels);
}

void fake_slave_free(struct fake_slave *slave)
{
    free(slave->tunnels);
    slave->tunnels = NULL;
}

void fake_slave_restart(struct fake_slave *slave)
{
    slave->epoch += 5000;
    slave->seq = 0;
    slave->count = 0;
    slave->state = M4H_SLAVE_READY;
}

static struct m4h_event event_of(const struct fake_slave *slave, enum m4h_event_type type)
{
    struct m4h_event event = {.epoch = slave->epoch, .seq = slave->seq, .type = type};

    m4h_text_copy(event.slave_id, sizeof(event.slave_id), slave->id);
    m4h_text_copy(event.region, sizeof(event.region), slave->region);
    return event;
}

static struct m4h_event next_event_of(struct fake_slave *slave, enum m4h_event_type type)
{
    slave->seq++;
    return event_of(slave, type);
}

static struct m4h_slave_info info_of(const struct fake_slave *slave)
{
    struct m4h_slave_info info = {.port = 2222,
                                  .capacity = slave->capacity,
                                  .host_key_count = 1,
                                  .weight = slave->weight,
                                  .handshakes_per_second = slave->handshakes_per_second};

    snprintf(info.host, sizeof(info.host), "%.50s.example", slave->id);
    snprintf(info.host_keys[0], sizeof(info.host_keys[0]), "ssh-ed25519 AAAA%.50sQQ", slave->id);
    snprintf(info.version, sizeof(info.version), "5.0.0");
    return info;
}

struct m4h_event fake_start(struct fake_slave *slave)
{
    struct m4h_event event = next_event_of(slave, M4H_EVENT_START);

    event.as.start = info_of(slave);
    return event;
}

struct m4h_tunnel fake_tunnel(const char *client_key, uint64_t tunnel_id, uint64_t stamp)
{
    struct m4h_tunnel tunnel = {.tunnel_id = tunnel_id, .stamp = stamp, .port_count = 1};

    m4h_text_copy(tunnel.client_key, sizeof(tunnel.client_key), client_key);
    tunnel.ports[0] = (uint16_t)(10000 + tunnel_id % 50000);
    tunnel.connected_wall_ms = stamp;
    snprintf(tunnel.remote_address, sizeof(tunnel.remote_address), "203.0.113.7:50022");
    snprintf(tunnel.key_fingerprint, sizeof(tunnel.key_fingerprint),
             "SHA256:0123456789012345678901234567890123456789012");
    snprintf(tunnel.client_version, sizeof(tunnel.client_version),
             "OpenSSH_9.2p1 Debian-2+deb12u3");
    return tunnel;
}

static struct m4h_tunnel *tunnel_of(const struct fake_slave *slave, uint64_t tunnel_id)
{
    for (size_t i = 0; i < slave->count; i++)
        if (slave->tunnels[i].tunnel_id == tunnel_id)
            return &slave->tunnels[i];
    return NULL;
}

struct m4h_event fake_connect(struct fake_slave *slave, const char *client_key, uint64_t tunnel_id,
                              uint64_t stamp)
{
    struct m4h_event event = next_event_of(slave, M4H_EVENT_CONNECT);
    struct m4h_tunnel *tunnel = tunnel_of(slave, tunnel_id);

    if (tunnel == NULL) {
        assert_true(slave->count < WORLD_TUNNELS_MAX);
        tunnel = &slave->tunnels[slave->count++];
    }
    *tunnel = fake_tunnel(client_key, tunnel_id, stamp);
    event.as.connect = *tunnel;
    return event;
}

struct m4h_event fake_disconnect(struct fake_slave *slave, const char *client_key,
                                 uint64_t tunnel_id)
{
    struct m4h_event event = next_event_of(slave, M4H_EVENT_DISCONNECT);
    struct m4h_tunnel *tunnel = tunnel_of(slave, tunnel_id);

    assert_non_null(tunnel);
    *tunnel = slave->tunnels[--slave->count];
    m4h_text_copy(event.as.disconnect.client_key, sizeof(event.as.disconnect.client_key),
                  client_key);
    event.as.disconnect.tunnel_id = tunnel_id;
    event.as.disconnect.reason = M4H_DISCONNECT_CLIENT_CLOSED;
    return event;
}

struct m4h_event fake_replaced(struct fake_slave *slave, const char *client_key, uint64_t tunnel_id)
{
    struct m4h_event event = fake_disconnect(slave, client_key, tunnel_id);

    event.as.disconnect.reason = M4H_DISCONNECT_REPLACED;
    return event;
}

struct m4h_event fake_drain(struct fake_slave *slave)
{
    slave->state = M4H_SLAVE_DRAINING;
    return next_event_of(slave, M4H_EVENT_DRAIN);
}

struct m4h_event fake_stop(struct fake_slave *slave)
{
    slave->state = M4H_SLAVE_STOPPED;
    slave->count = 0;
    return next_event_of(slave, M4H_EVENT_STOP);
}

struct m4h_event fake_refuse(struct fake_slave *slave)
{
    return next_event_of(slave, M4H_EVENT_REFUSE);
}

struct m4h_event fake_flapping(struct fake_slave *slave, const char *client_key)
{
    struct m4h_event event = next_event_of(slave, M4H_EVENT_FLAPPING);

    event.as.flapping = (struct m4h_flapping){.evictions = 3, .window_ms = 60000, .hold_ms = 10000};
    m4h_text_copy(event.as.flapping.client_key, sizeof(event.as.flapping.client_key), client_key);
    return event;
}

struct m4h_event fake_other(struct fake_slave *slave)
{
    return next_event_of(slave, M4H_EVENT_OTHER);
}

static uint64_t digest_of(const struct fake_slave *slave)
{
    uint64_t digest = 0;

    for (size_t i = 0; i < slave->count; i++)
        digest ^= m4h_digest_of(slave->tunnels[i].tunnel_id);
    return digest;
}

struct m4h_event fake_load(struct fake_slave *slave)
{
    struct m4h_event event = event_of(slave, M4H_EVENT_LOAD);

    event.as.load = (struct m4h_load){
        .tunnels = (uint32_t)slave->count,
        .capacity = slave->capacity,
        .state = slave->state,
        .digest = digest_of(slave),
    };
    return event;
}

struct m4h_snapshot_page fake_page(const struct fake_slave *slave, uint64_t snapshot_id,
                                   uint32_t page, bool last)
{
    struct m4h_snapshot_page head = {
        .snapshot_id = snapshot_id,
        .page = page,
        .last = last,
        .epoch = slave->epoch,
        .seq = slave->seq,
        .info = info_of(slave),
        .state = slave->state,
    };

    m4h_text_copy(head.slave_id, sizeof(head.slave_id), slave->id);
    m4h_text_copy(head.region, sizeof(head.region), slave->region);
    return head;
}

/* ---- the world ------------------------------------------------------------ */

struct m4h_cluster_config world_config(void)
{
    return (struct m4h_cluster_config){
        .silent_after_ms = 6000,
        .lost_after_ms = 10000,
        .forget_after_ms = 3600000,
        .seed = 42,
        .dispatch = {.reservation_ms = 2500},
    };
}

struct world *world_create(const struct m4h_cluster_config *config)
{
    struct m4h_cluster_config usual = world_config();
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->moment = (struct m4h_moment){.now_ms = 50000, .wall_ms = 1790000000000};
    assert_int_equal(m4h_cluster_create(&world->cluster, config != NULL ? config : &usual), 0);
    return world;
}

void world_destroy(struct world *world)
{
    m4h_cluster_destroy(world->cluster);
    free(world);
}

static void record(struct world *world, const struct m4h_effect *effect)
{
    if (effect->type == M4H_EFFECT_NOTE) {
        world->notes[effect->as.note.note]++;
        world->note_epoch = effect->as.note.epoch;
    } else if (effect->type == M4H_EFFECT_FLAPPING) {
        world->flapping_told++;
        world->told = *effect;
    } else if (effect->type == M4H_EFFECT_KICK) {
        struct kick *kick = &world->kicks[world->kick_count++ % WORLD_KICKS_MAX];

        m4h_text_copy(kick->slave_id, sizeof(kick->slave_id), effect->slave_id);
        m4h_text_copy(kick->client_key, sizeof(kick->client_key), effect->as.kick.client_key);
        kick->tunnel_id = effect->as.kick.tunnel_id;
    } else if (world->ticket_count++ < M4H_COUNT(world->tickets)) {
        struct ticket *ticket = &world->tickets[world->ticket_count - 1];

        ticket->is_open = true;
        m4h_text_copy(ticket->slave_id, sizeof(ticket->slave_id), effect->slave_id);
        ticket->ticket = effect->as.snapshot;
    }
}

static void take_effects(struct world *world)
{
    struct m4h_effect effect;

    while (m4h_cluster_take_effect(world->cluster, &effect))
        record(world, &effect);
}

void world_pass(struct world *world, uint64_t ms)
{
    world->moment.now_ms += ms;
    world->moment.wall_ms += ms;
    m4h_cluster_tick(world->cluster, world->moment);
    take_effects(world);
}

void world_tell(struct world *world, const struct m4h_event *event)
{
    m4h_cluster_event(world->cluster, event, world->moment);
    take_effects(world);
}

struct ticket *world_ticket(struct world *world, const char *slave_id)
{
    for (size_t i = 0; i < world->ticket_count && i < M4H_COUNT(world->tickets); i++)
        if (world->tickets[i].is_open && strcmp(world->tickets[i].slave_id, slave_id) == 0)
            return &world->tickets[i];
    return NULL;
}

void world_answer(struct world *world, struct ticket *ticket, const struct m4h_snapshot_page *page,
                  const struct m4h_tunnel *tunnels, size_t count)
{
    ticket->is_open = false;
    m4h_cluster_snapshot(world->cluster, ticket->slave_id, &ticket->ticket, page, tunnels, count,
                         world->moment);
    take_effects(world);
}

void world_sync(struct world *world, const struct fake_slave *slave)
{
    struct ticket *ticket;

    while ((ticket = world_ticket(world, slave->id)) != NULL) {
        struct m4h_snapshot_page page = fake_page(slave, 77, 0, true);

        world_answer(world, ticket, &page, slave->tunnels, slave->count);
    }
}

void world_start(struct world *world, struct fake_slave *slave)
{
    struct m4h_event event = fake_start(slave);

    world_tell(world, &event);
}

/* ---- what the cluster says ------------------------------------------------ */

const char *world_owner(const struct world *world, const char *client_key)
{
    static struct m4h_tunnel_status status;

    return m4h_cluster_tunnel(world->cluster, client_key, &status) == 0 ? status.slave_id : "";
}

struct m4h_slave_status world_slave(const struct world *world, const char *slave_id)
{
    struct m4h_page_request request = {.page_size = 1};
    struct m4h_slave_status status = {0};
    char token[M4H_PAGE_TOKEN_MAX + 1];
    size_t count;

    m4h_text_copy(request.slave_id, sizeof(request.slave_id), slave_id);
    m4h_cluster_slaves(world->cluster, &request, &status, &count, token);
    return status;
}

void world_assert_same(const struct world *world, const struct fake_slave *slave)
{
    struct m4h_slave_status status = world_slave(world, slave->id);

    assert_true(status.synced);
    assert_int_equal(status.tunnels, slave->count);
    for (size_t i = 0; i < slave->count; i++)
        assert_string_equal(world_owner(world, slave->tunnels[i].client_key), slave->id);
}

struct m4h_cluster_stats world_stats(const struct world *world)
{
    struct m4h_cluster_stats stats;

    m4h_cluster_stats(world->cluster, &stats);
    return stats;
}

const char *world_dispatch(struct world *world, const char *region, const char *client_key,
                           struct m4h_problem *problem)
{
    struct m4h_dispatch_request request = {0};
    struct m4h_problem ignored;
    static struct m4h_slot slot;

    m4h_text_copy(request.region, sizeof(request.region), region);
    m4h_text_copy(request.client_key, sizeof(request.client_key), client_key);
    if (m4h_cluster_dispatch(world->cluster, &request, world->moment, 12345, &slot,
                             problem != NULL ? problem : &ignored) != 0)
        return "";
    return slot.slave_id;
}
