/* What a simulated slave says: numbered events, load, snapshots. It mirrors
 * services/slave/io/publisher.c and commands.c. */
#include "tests/sim/slave.h"

#include "lib/wire/wire.h"
#include "tests/sim/sim.h"
#include "tests/sim/truth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An event that is kept while there is no connection, as lib/bus keeps it. */
struct sim_waiting {
    struct sim_waiting *next;
    size_t len;
    uint8_t data[];
};

/* Keeps what is in `out`. */
static void wait_for_link(struct sim_slave *slave)
{
    struct sim_waiting *waiting = malloc(sizeof(*waiting) + slave->out.len);

    if (waiting == NULL)
        abort();
    *waiting = (struct sim_waiting){.len = slave->out.len};
    memcpy(waiting->data, slave->out.data, slave->out.len);
    if (slave->waiting == NULL)
        slave->waiting_end = &slave->waiting;
    *slave->waiting_end = waiting;
    slave->waiting_end = &waiting->next;
}

/* The first one that waits. */
static struct sim_waiting *take_waiting(struct sim_slave *slave)
{
    struct sim_waiting *waiting = slave->waiting;

    slave->waiting = waiting->next;
    return waiting;
}

void sim_slave_begin_events(struct sim *sim, struct sim_slave *slave)
{
    slave->seq = 0;
    slave->load_count = 0;
    truth_begin_epoch(sim, slave);
}

void sim_slave_end_events(struct sim_slave *slave)
{
    while (slave->waiting != NULL)
        free(take_waiting(slave));
    for (size_t i = 0; i < SIM_SNAPSHOTS_KEPT; i++) {
        free(slave->snapshots[i].tunnels);
        slave->snapshots[i] = (struct sim_snapshot){0};
    }
}

void sim_slave_linked(struct sim *sim, struct sim_slave *slave, bool up)
{
    while (up && slave->waiting != NULL) {
        struct sim_waiting *waiting = take_waiting(slave);

        network_publish(sim, &slave->node, waiting->data, waiting->len);
        free(waiting);
    }
}

void sim_slave_fill_info(const struct sim_slave *slave, struct m4h_slave_info *info)
{
    *info = (struct m4h_slave_info){
        .port = 2222, .capacity = slave->capacity, .host_key_count = 1, .started_wall_ms = 1};
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
    if (network_is_up(sim, &slave->node))
        network_publish(sim, &slave->node, slave->out.data, slave->out.len);
    else if (event->type != M4H_EVENT_LOAD)
        wait_for_link(slave);
}

void sim_slave_publish_load(struct sim *sim, struct sim_slave *slave)
{
    struct m4h_event event = {.type = M4H_EVENT_LOAD};

    event.as.load = (struct m4h_load){
        .tunnels = m4h_roster_tunnel_count(slave->roster),
        .digest = m4h_roster_digest(slave->roster) ^ slave->lies_of_digest,
        .capacity = slave->capacity,
        .state = slave->state,
    };
    sim_slave_publish(sim, slave, &event);
}

static void gather(void *context, struct m4h_resident *resident)
{
    struct sim_snapshot *kept = context;

    if (resident->was_up)
        kept->tunnels[kept->count++] = resident->tunnel;
}

static struct sim_snapshot *make_snapshot(struct sim_slave *slave)
{
    uint64_t id = ++slave->snapshot_count;
    struct sim_snapshot *kept = &slave->snapshots[id % SIM_SNAPSHOTS_KEPT];

    free(kept->tunnels);
    *kept = (struct sim_snapshot){.id = id, .seq = slave->seq, .state = slave->state};
    kept->tunnels = calloc(m4h_roster_tunnel_count(slave->roster) + 1, sizeof(*kept->tunnels));
    if (kept->tunnels == NULL)
        abort();
    m4h_roster_each(slave->roster, gather, kept);
    return kept;
}

static int encode_page(struct sim_slave *slave, const struct sim_snapshot *kept, uint32_t number)
{
    size_t first = (size_t)number * slave->page_tunnels, count = kept->count - first;
    const struct m4h_problem no_problem = {0};
    struct m4h_snapshot_page page = {
        .snapshot_id = kept->id,
        .page = number,
        .epoch = slave->epoch,
        .seq = kept->seq,
        .state = kept->state,
        .last = count <= slave->page_tunnels,
    };

    if (count > slave->page_tunnels)
        count = slave->page_tunnels;
    sim_slave_fill_info(slave, &page.info);
    m4h_text_copy(page.slave_id, sizeof(page.slave_id), slave->node.id);
    m4h_text_copy(page.region, sizeof(page.region), region_of(slave));
    return m4h_wire_snapshot_reply_encode(&page, kept->tunnels + first, count, &no_problem,
                                          &slave->out);
}

void sim_slave_on_snapshot(struct sim *sim, struct sim_slave *slave, const struct letter *letter)
{
    struct m4h_snapshot_request request;
    struct m4h_problem problem = {0};
    const struct sim_snapshot *kept;
    int error;

    if (m4h_wire_snapshot_request_decode(letter->data, letter->len, &request) != 0)
        sim_fail(sim, "%s cannot read a question for a page", slave->node.id);
    kept = request.snapshot_id == 0 ? make_snapshot(slave)
                                    : &slave->snapshots[request.snapshot_id % SIM_SNAPSHOTS_KEPT];
    m4h_buffer_clear(&slave->out);
    if (request.snapshot_id != 0 && kept->id != request.snapshot_id) {
        m4h_problem_set(&problem, M4H_PROBLEM_NOT_FOUND, "no such snapshot");
        error = m4h_wire_snapshot_reply_encode(NULL, NULL, 0, &problem, &slave->out);
    } else {
        error = encode_page(slave, kept, request.page);
    }
    if (error != 0)
        abort();
    network_reply(sim, letter, slave->out.data, slave->out.len);
}
