/* JetStream, as far as events go: an event that comes is kept, once, and then acknowledged. */
#include "tests/sim/stream.h"

#include "lib/wire/wire.h"
#include "tests/sim/sim.h"

#include <stdio.h>

static void receive(struct sim *sim, struct node *node, const struct letter *letter)
{
    struct m4h_event event;

    if (letter->number == 0 || !sim->stream.exists)
        return;
    if (m4h_wire_event_decode(letter->data, letter->len, &event) != 0)
        sim_fail(sim, "%s cannot read an event", node->id);
    if (truth_stored(sim, &event))
        sim->coverage.stored++;
    else
        sim->coverage.resent++;
    network_reply(sim, letter, NULL, 0);
}

static void linked(struct sim *sim, struct node *node, bool up)
{
    (void)sim;
    (void)node;
    (void)up;
}

static void resumed(struct sim *sim, struct node *node)
{
    (void)sim;
    (void)node;
}

static const struct node_role role = {receive, linked, resumed};

void stream_create(struct sim *sim)
{
    sim->stream.exists = sim_chance(sim, 800);
    snprintf(sim->stream.node.id, sizeof(sim->stream.node.id), "stream");
    sim_add_node(sim, &sim->stream.node, NODE_STREAM, 0, &role);
}
