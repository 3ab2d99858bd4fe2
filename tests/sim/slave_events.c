/* What a simulated slave says: numbered events, load, snapshots, by the cores as they are. It
 * mirrors services/slave/io/publisher.c and commands.c. */
#include "tests/sim/slave.h"

#include "lib/wire/wire.h"
#include "tests/sim/sim.h"
#include "tests/sim/truth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_slave_begin_events(struct sim *sim, struct sim_slave *slave)
{
    slave->seq = 0;
    slave->load_count = 0;
    truth_begin_epoch(sim, slave);
    m4h_snapshots_init(&slave->snapshots, slave->snapshots.page_tunnels);
    sim_outbox_begin(sim, slave);
}

void sim_slave_end_events(struct sim_slave *slave)
{
    m4h_snapshots_free(&slave->snapshots);
    sim_outbox_end(slave);
}

void sim_slave_fill_info(const struct sim_slave *slave, struct m4h_slave_info *info)
{
    *info = (struct m4h_slave_info){
        .port = 2222,
        .capacity = slave->capacity,
        .host_key_count = 1,
        .started_wall_ms = 1,
        .handshakes_per_second = slave->slots_per_second,
    };
    snprintf(info->host, sizeof(info->host), "%s.example", slave->node.id);
    snprintf(info->host_keys[0], sizeof(info->host_keys[0]), "ssh-ed25519 AAAA");
    snprintf(info->version, sizeof(info->version), "5.0.0");
}

/* The region that it claims. */
static const char *region_of(const struct sim_slave *slave)
{
    return slave->lies_of_region ? "mars" : slave->region;
}

static void fill_envelope(struct sim *sim, struct sim_slave *slave, struct m4h_event *event)
{
    bool load = event->type == M4H_EVENT_LOAD;
    int len;

    m4h_text_copy(event->slave_id, sizeof(event->slave_id), slave->node.id);
    m4h_text_copy(event->region, sizeof(event->region), region_of(slave));
    event->epoch = slave->epoch;
    event->seq = load ? slave->seq : ++slave->seq;
    event->wall_ms = sim_wall_ms(sim, &slave->node);
    len = snprintf(event->event_id, sizeof(event->event_id), "%s:%" PRIu64 ":%" PRIu64,
                   event->slave_id, event->epoch, event->seq);
    if (load)
        snprintf(event->event_id + len, sizeof(event->event_id) - (size_t)len, ":load:%" PRIu64,
                 ++slave->load_count);
}

void sim_slave_publish(struct sim *sim, struct sim_slave *slave, struct m4h_event *event)
{
    fill_envelope(sim, slave, event);
    truth_published(sim, slave, event);
    m4h_buffer_clear(&slave->out);
    if (m4h_wire_event_encode(event, &slave->out) != 0)
        abort();
    if (event->type != M4H_EVENT_LOAD)
        sim_outbox_push(sim, slave, event);
    else if (network_is_up(sim, &slave->node))
        network_publish(sim, &slave->node, slave->out.data, slave->out.len, 0);
}

void sim_slave_publish_load(struct sim *sim, struct sim_slave *slave)
{
    struct m4h_event event = {.type = M4H_EVENT_LOAD};

    slave->load_waits = !slave->load_waits && m4h_journal_is_behind(slave->journal);
    if (slave->load_waits)
        return;
    event.as.load = (struct m4h_load){
        .tunnels = m4h_roster_tunnel_count(slave->roster),
        .digest = m4h_roster_digest(slave->roster) ^ slave->lies_of_digest,
        .capacity = slave->capacity,
        .state = slave->state,
    };
    sim_slave_publish(sim, slave, &event);
}

static int encode_page(struct sim_slave *slave, struct m4h_snapshot_page *page,
                       const struct m4h_tunnel *tunnels, size_t count)
{
    const struct m4h_problem no_problem = {0};

    page->epoch = slave->epoch;
    sim_slave_fill_info(slave, &page->info);
    m4h_text_copy(page->slave_id, sizeof(page->slave_id), slave->node.id);
    m4h_text_copy(page->region, sizeof(page->region), region_of(slave));
    return m4h_wire_snapshot_reply_encode(page, tunnels, count, &no_problem, &slave->out);
}

void sim_slave_on_snapshot(struct sim *sim, struct sim_slave *slave, const struct letter *letter)
{
    const struct m4h_snapshot_source source = {slave->roster, slave->seq, slave->state};
    struct m4h_snapshot_request request;
    struct m4h_snapshot_page page = {0};
    struct m4h_problem problem = {0};
    const struct m4h_tunnel *tunnels;
    size_t count;
    int error;

    if (m4h_wire_snapshot_request_decode(letter->data, letter->len, &request) != 0)
        sim_fail(sim, "%s cannot read a question for a page", slave->node.id);
    m4h_buffer_clear(&slave->out);
    error = m4h_snapshots_page(&slave->snapshots, &request, &source, sim_now_ms(sim, &slave->node),
                               &page, &tunnels, &count);
    if (error == 0) {
        error = encode_page(slave, &page, tunnels, count);
    } else {
        m4h_problem_set(&problem, M4H_PROBLEM_NOT_FOUND, "no such snapshot");
        error = m4h_wire_snapshot_reply_encode(NULL, NULL, 0, &problem, &slave->out);
    }
    if (error != 0)
        abort();
    network_reply(sim, letter, slave->out.data, slave->out.len);
}
