/* The life of a simulated slave, and the commands that it gets. It mirrors services/slave/io:
 * commands.c, rivals.c and drain.c, and decides nothing that a core decides. */
#include "tests/sim/slave.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD_EVERY_MS       2000u
#define SIGN_OF_LIFE_MAX_MS 1000u
#define DRAIN_MAX_MS        2000u

static struct sim_slave *slave_of(struct node *node)
{
    return M4H_CONTAINER_OF(node, struct sim_slave, node);
}

/* ---- commands ------------------------------------------------------------- */

static void on_sign(struct sim *sim, struct node *node, uint64_t session_id, void *owned)
{
    struct sim_slave *slave = slave_of(node);
    struct m4h_resident *resident = m4h_roster_find(slave->roster, session_id);
    const struct sim_session *session = sim_device_session(slave, session_id);

    (void)owned;
    if (resident == NULL || resident->state == M4H_RESIDENT_LEAVING)
        return;
    sim_device_close(sim, slave, resident,
                     session != NULL && session->is_dead ? M4H_DISCONNECT_KEEPALIVE_TIMEOUT
                                                         : M4H_DISCONNECT_REPLACED);
}

static void on_kick(struct sim *sim, struct sim_slave *slave, const struct letter *letter)
{
    struct m4h_kick_request request;
    struct m4h_problem problem = {0};
    struct m4h_resident *resident;

    if (m4h_wire_kick_request_decode(letter->data, letter->len, &request) != 0)
        sim_fail(sim, "%s cannot read a kick", slave->node.id);
    resident = m4h_roster_owner(slave->roster, request.client_key);
    if (resident == NULL || request.tunnel_id != resident->tunnel.tunnel_id)
        m4h_problem_set(&problem, M4H_PROBLEM_NOT_FOUND, "no such tunnel here");
    else
        sim_later(sim, sim_between(sim, 1, SIGN_OF_LIFE_MAX_MS), &slave->node, on_sign,
                  resident->session_id, NULL);
    m4h_buffer_clear(&slave->out);
    if (m4h_wire_kick_reply_encode(&problem, &slave->out) != 0)
        abort();
    network_reply(sim, letter, slave->out.data, slave->out.len);
}

static void receive(struct sim *sim, struct node *node, const struct letter *letter)
{
    struct sim_slave *slave = slave_of(node);

    if (letter->topic == TOPIC_KICK)
        on_kick(sim, slave, letter);
    else if (letter->topic == TOPIC_SNAPSHOT)
        sim_slave_on_snapshot(sim, slave, letter);
    else if (letter->topic == TOPIC_ACK)
        sim_outbox_on_ack(sim, slave, letter);
}

/* ---- life ----------------------------------------------------------------- */

static void on_load_due(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)argument;
    (void)owned;
    sim_slave_publish_load(sim, slave_of(node));
    sim_later(sim, LOAD_EVERY_MS, node, on_load_due, 0, NULL);
}

static void linked(struct sim *sim, struct node *node, bool up)
{
    sim_outbox_linked(sim, slave_of(node), up);
}

static void resumed(struct sim *sim, struct node *node)
{
    (void)sim;
    (void)node;
}

static const struct node_role role = {receive, linked, resumed};

/* Tunnels of devices that never move. */
static void add_bulk(struct sim *sim, struct sim_slave *slave)
{
    for (unsigned i = 0; i < slave->bulk; i++) {
        struct m4h_tunnel tunnel = {0};
        struct m4h_resident *resident, *loser;

        snprintf(tunnel.client_key, sizeof(tunnel.client_key), "bulk-%s-%u", slave->node.id, i);
        m4h_text_copy(tunnel.remote_address, sizeof(tunnel.remote_address), "203.0.113.8:50022");
        if (m4h_roster_add(slave->roster, ++sim->last_id, 0, &tunnel, &resident) != 0 ||
            !m4h_roster_claim(slave->roster, resident, &loser))
            abort();
        sim_device_open(sim, slave, resident);
    }
}

void sim_slave_start(struct sim *sim, struct sim_slave *slave)
{
    struct node *node = &slave->node;
    struct m4h_event event = {.type = M4H_EVENT_START};
    uint64_t wall_ms = sim_wall_ms(sim, node);

    node->lives = true;
    node->paused_until_ms = 0;
    node->link = sim->network.faults.out ? LINK_DOWN : LINK_UP;
    if (m4h_roster_create(&slave->roster) != 0)
        abort();
    slave->clock = (struct m4h_stamp_clock){0};
    slave->state = M4H_SLAVE_READY;
    slave->epoch = wall_ms > slave->epoch_kept ? wall_ms : slave->epoch_kept + 1;
    slave->epoch_kept = slave->epoch;
    memset(slave->knows, 0, sizeof(slave->knows));
    sim_say(sim, "%s starts epoch %llu", node->id, (unsigned long long)slave->epoch);
    sim_slave_begin_events(sim, slave);
    sim_slave_fill_info(slave, &event.as.start);
    sim_slave_publish(sim, slave, &event);
    add_bulk(sim, slave);
    sim_later(sim, sim_between(sim, 1, LOAD_EVERY_MS), node, on_load_due, 0, NULL);
}

void sim_slave_create(struct sim *sim, unsigned index)
{
    struct sim_slave *slave = &sim->slaves[index];

    slave->out.cap = M4H_WIRE_MESSAGE_MAX;
    m4h_snapshots_init(&slave->snapshots,
                       slave->bulk > 0 ? M4H_SNAPSHOT_PAGE_TUNNELS : sim_between(sim, 1, 10));
    slave->slots_per_second = sim_chance(sim, 700) ? sim_between(sim, 1, 5) : 0;
    sim_outbox_create(sim, slave);
    slave->capacity = sim_between(sim, 8, 64) + slave->bulk;
    snprintf(slave->node.id, sizeof(slave->node.id), "slave-%u", index + 1);
    snprintf(slave->region, sizeof(slave->region), "%s", index % 2 == 0 ? "eu" : "us");
    sim_add_node(sim, &slave->node, NODE_SLAVE, index, &role);
    sim_slave_start(sim, slave);
}

static void free_core(struct sim_slave *slave)
{
    m4h_roster_destroy(slave->roster);
    slave->roster = NULL;
    sim_slave_end_events(slave);
}

void sim_slave_kill(struct sim *sim, struct sim_slave *slave)
{
    sim_say(sim, "%s is killed", slave->node.id);
    slave->node.lives = false;
    slave->node.life++;
    network_forget(sim, &slave->node);
    while (slave->sessions != NULL)
        sim_device_end(sim, slave, slave->sessions->id);
    free_core(slave);
}

void sim_slave_ended(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)argument;
    (void)owned;
    sim_slave_kill(sim, slave_of(node));
}

static void on_stopped(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    struct sim_slave *slave = slave_of(node);
    struct m4h_event event = {.type = M4H_EVENT_STOP};
    struct m4h_resident *resident;

    (void)argument;
    (void)owned;
    while ((resident = m4h_roster_any(slave->roster)) != NULL)
        sim_device_remove(sim, slave, resident->session_id, M4H_DISCONNECT_DRAINED);
    slave->state = M4H_SLAVE_STOPPED;
    sim_slave_publish(sim, slave, &event);
    sim_outbox_finish(sim, slave);
}

void sim_slave_stop(struct sim *sim, struct sim_slave *slave)
{
    struct m4h_event event = {.type = M4H_EVENT_DRAIN};

    if (slave->state != M4H_SLAVE_READY)
        return;
    sim_say(sim, "%s drains", slave->node.id);
    slave->state = M4H_SLAVE_DRAINING;
    event.as.drain.tunnels = m4h_roster_tunnel_count(slave->roster);
    event.as.drain.deadline_wall_ms = sim_wall_ms(sim, &slave->node) + DRAIN_MAX_MS;
    sim_slave_publish(sim, slave, &event);
    sim_later(sim, sim_between(sim, 100, DRAIN_MAX_MS), &slave->node, on_stopped, 0, NULL);
}

void sim_slave_free(struct sim_slave *slave)
{
    while (slave->sessions != NULL) {
        struct sim_session *session = slave->sessions;

        slave->sessions = session->next;
        free(session);
    }
    free_core(slave);
    m4h_buffer_free(&slave->out);
}
