/* JetStream, as far as events go. */
#include "tests/sim/stream.h"

#include "tests/sim/sim.h"

#include <stdio.h>

static void receive(struct sim *sim, struct node *node, const struct letter *letter)
{
    (void)sim;
    (void)node;
    (void)letter;
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
    snprintf(sim->stream.node.id, sizeof(sim->stream.node.id), "stream");
    sim_add_node(sim, &sim->stream.node, NODE_STREAM, 0, &role);
}
