/* Faults: each begins at a time of its own and lasts for a while; several go on at once. */
#include "tests/sim/faults.h"

#include "tests/sim/sim.h"

#include <string.h>

#define NEXT_MIN_MS 100u
#define NEXT_MAX_MS 5000u

/* ---- weather: what befalls letters ---------------------------------------- */

static void clear_weather(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    struct network_faults *faults = &sim->network.faults;

    (void)node;
    (void)argument;
    (void)owned;
    memset(faults->loss, 0, sizeof(faults->loss));
    faults->loss_of_replies = 0;
    faults->duplicate = 0;
    faults->reorder = 0;
    faults->delay_max_ms = 0;
}

static void bad_weather(struct sim *sim)
{
    struct network_faults *faults = &sim->network.faults;

    for (unsigned i = 0; i < TOPIC_COUNT; i++)
        faults->loss[i] = sim_chance(sim, 500) ? sim_pick(sim, 500) : 0;
    faults->loss[TOPIC_KICK] *= 2;
    faults->loss_of_replies = sim_chance(sim, 500) ? sim_pick(sim, 500) : 0;
    faults->duplicate = sim_chance(sim, 500) ? sim_pick(sim, 300) : 0;
    faults->reorder = sim_chance(sim, 500) ? sim_pick(sim, 300) : 0;
    faults->delay_max_ms = sim_chance(sim, 500) ? sim_pick(sim, 1500) : 0;
    sim_say(sim, "weather: events lost %u, twice %u, late %u, delay %u ms", faults->loss[0],
            faults->duplicate, faults->reorder, faults->delay_max_ms);
    sim_later(sim, sim_between(sim, 500, 8000), NULL, clear_weather, 0, NULL);
}

/* ---- links ---------------------------------------------------------------- */

static void heal_link(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)argument;
    (void)owned;
    sim_say(sim, "the link of %s is whole", node->id);
    network_heal(sim, node);
}

static void break_link(struct sim *sim, struct node *node)
{
    enum node_link link = sim_chance(sim, 500) ? LINK_BLACK : LINK_DOWN;

    if (!node->lives || node->link != LINK_UP)
        return;
    sim_say(sim, "the link of %s is %s", node->id, link == LINK_BLACK ? "black" : "down");
    network_cut(sim, node, link);
    sim_later(sim, sim_between(sim, 100, 20000), node, heal_link, 0, NULL);
}

static void heal_cut(struct sim *sim, struct node *node, uint64_t pair, void *owned)
{
    (void)node;
    (void)owned;
    sim->network.faults.cut[pair >> 8][pair & 255] = false;
    sim->network.faults.cut[pair & 255][pair >> 8] = false;
}

static void cut_pair(struct sim *sim)
{
    const struct node *a = &sim->masters[sim_pick(sim, sim->master_count)].node;
    const struct node *b = &sim->slaves[sim_pick(sim, sim->slave_count)].node;

    sim_say(sim, "%s and %s are cut off from each other", a->id, b->id);
    sim->network.faults.cut[a->number][b->number] = true;
    sim->network.faults.cut[b->number][a->number] = true;
    sim_later(sim, sim_between(sim, 100, 20000), NULL, heal_cut,
              (uint64_t)a->number << 8 | b->number, NULL);
}

static void nats_back(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)node;
    (void)argument;
    (void)owned;
    sim_say(sim, "nats-server is back");
    sim->network.faults.out = false;
    for (unsigned i = 0; i < sim->node_count; i++)
        if (sim->nodes[i]->lives)
            network_heal(sim, sim->nodes[i]);
}

static void nats_away(struct sim *sim)
{
    if (sim->network.faults.out)
        return;
    sim_say(sim, "nats-server is killed");
    sim->network.faults.out = true;
    for (unsigned i = 0; i < sim->node_count; i++)
        if (sim->nodes[i]->lives)
            network_cut(sim, sim->nodes[i], LINK_DOWN);
    sim_later(sim, sim_between(sim, 100, 12000), NULL, nats_back, 0, NULL);
}

/* ---- processes ------------------------------------------------------------ */

static void start_slave(struct sim *sim, struct node *node, uint64_t index, void *owned)
{
    (void)node;
    (void)owned;
    if (!sim->slaves[index].node.lives)
        sim_slave_start(sim, &sim->slaves[index]);
}

static void start_master(struct sim *sim, struct node *node, uint64_t index, void *owned)
{
    (void)node;
    (void)owned;
    if (!sim->masters[index].node.lives)
        sim_master_start(sim, &sim->masters[index]);
}

static void crash_slave(struct sim *sim, struct sim_slave *slave)
{
    if (!slave->node.lives)
        return;
    sim_slave_kill(sim, slave);
    sim_later(sim, sim_between(sim, 50, 15000), NULL, start_slave, slave->node.index, NULL);
}

static void stop_slave(struct sim *sim, struct sim_slave *slave)
{
    if (!slave->node.lives)
        return;
    sim_slave_stop(sim, slave);
    sim_later(sim, sim_between(sim, 4000, 15000), NULL, start_slave, slave->node.index, NULL);
}

static void crash_master(struct sim *sim, struct sim_master *master)
{
    if (!master->node.lives)
        return;
    sim_master_kill(sim, master);
    sim_later(sim, sim_between(sim, 50, 6000), NULL, start_master, master->node.index, NULL);
}

static void stop_master(struct sim *sim, struct sim_master *master)
{
    if (!master->node.lives || master->is_leaving)
        return;
    sim_master_stop(sim, master);
    sim_later(sim, sim_between(sim, 500, 6000), NULL, start_master, master->node.index, NULL);
}

static void resume(struct sim *sim, struct node *node)
{
    if (!node->lives || node->paused_until_ms == 0)
        return;
    node->paused_until_ms = 0;
    sim_say(sim, "%s goes on", node->id);
    node->role->resumed(sim, node);
}

static void on_resume_due(struct sim *sim, struct node *none, uint64_t number, void *owned)
{
    (void)none;
    (void)owned;
    if (sim->nodes[number]->paused_until_ms <= sim->now_ms)
        resume(sim, sim->nodes[number]);
}

static void pause(struct sim *sim, struct node *node)
{
    uint64_t delay_ms = sim_between(sim, 200, 15000);

    if (!node->lives || node->paused_until_ms != 0)
        return;
    sim_say(sim, "%s is stopped for %llu ms", node->id, (unsigned long long)delay_ms);
    sim_later(sim, delay_ms, NULL, on_resume_due, node->number, NULL);
    node->paused_until_ms = sim->now_ms + delay_ms;
}

/* ---- clocks and lies ------------------------------------------------------ */

static void step_clock(struct sim *sim, struct node *node)
{
    node->skew_ms = (int64_t)sim_pick(sim, 1200000) - 600000;
    sim_say(sim, "the wall clock of %s is off by %lld ms", node->id, (long long)node->skew_ms);
}

/* The slave starts with its clock in the future, and then without the memory of it. */
static void lose_epoch(struct sim *sim, struct sim_slave *slave)
{
    if (!slave->node.lives)
        return;
    sim->has_lied = true;
    sim_slave_kill(sim, slave);
    slave->node.skew_ms = 3600000;
    sim_slave_start(sim, slave);
    sim_slave_kill(sim, slave);
    slave->node.skew_ms = 0;
    slave->epoch_kept = 0;
    sim_say(sim, "%s has forgotten its epoch", slave->node.id);
    sim_slave_start(sim, slave);
}

static void stop_lying(struct sim *sim, struct node *node, uint64_t index, void *owned)
{
    (void)node;
    (void)owned;
    sim->slaves[index].lies_of_region = false;
    sim->slaves[index].lies_of_digest = false;
}

static void lie(struct sim *sim, struct sim_slave *slave)
{
    if (sim_chance(sim, 500))
        slave->lies_of_region = sim->has_lied = true;
    else
        slave->lies_of_digest = true;
    sim_say(sim, "%s lies of its %s", slave->node.id, slave->lies_of_region ? "region" : "digest");
    sim_later(sim, sim_between(sim, 100, 40000), NULL, stop_lying, slave->node.index, NULL);
}

/* ---- the choice ----------------------------------------------------------- */

static struct sim_slave *some_slave(struct sim *sim)
{
    return &sim->slaves[sim_pick(sim, sim->slave_count)];
}

static struct sim_master *some_master(struct sim *sim)
{
    return &sim->masters[sim_pick(sim, sim->master_count)];
}

/* A master or a slave. */
static struct node *some_node(struct sim *sim)
{
    return sim_chance(sim, 500) ? &some_master(sim)->node : &some_slave(sim)->node;
}

static void make_fault(struct sim *sim)
{
    sim->coverage.faults++;
    switch (sim_pick(sim, sim->may_lie ? 17 : 15)) {
    case 0:
    case 1:
    case 2:
        bad_weather(sim);
        break;
    case 3:
    case 4:
        break_link(sim, some_node(sim));
        break;
    case 5:
        cut_pair(sim);
        break;
    case 6:
        nats_away(sim);
        break;
    case 7:
    case 8:
        crash_slave(sim, some_slave(sim));
        break;
    case 9:
        stop_slave(sim, some_slave(sim));
        break;
    case 10:
        if (sim_chance(sim, 500))
            crash_master(sim, some_master(sim));
        else
            stop_master(sim, some_master(sim));
        break;
    case 11:
    case 12:
        pause(sim, some_node(sim));
        break;
    case 13:
        step_clock(sim, some_node(sim));
        break;
    case 14:
        stream_trouble(sim);
        break;
    case 15:
        lie(sim, some_slave(sim));
        break;
    default:
        lose_epoch(sim, some_slave(sim));
        break;
    }
}

static void on_fault_due(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)node;
    (void)argument;
    (void)owned;
    if (sim->is_calm)
        return;
    make_fault(sim);
    faults_begin(sim);
}

void faults_begin(struct sim *sim)
{
    sim_later(sim, sim_between(sim, NEXT_MIN_MS, NEXT_MAX_MS), NULL, on_fault_due, 0, NULL);
}

void faults_end(struct sim *sim)
{
    clear_weather(sim, NULL, 0, NULL);
    memset(sim->network.faults.cut, 0, sizeof(sim->network.faults.cut));
    sim->network.faults.out = false;
    stream_calm(sim);
    for (unsigned i = 0; i < sim->slave_count; i++)
        stop_lying(sim, NULL, i, NULL);
    for (unsigned i = 0; i < sim->node_count; i++) {
        struct node *node = sim->nodes[i];

        resume(sim, node);
        network_heal(sim, node);
    }
    for (unsigned i = 0; i < sim->slave_count; i++) {
        if (sim->slaves[i].node.lives && sim->slaves[i].state != M4H_SLAVE_READY)
            sim_slave_kill(sim, &sim->slaves[i]);
        start_slave(sim, NULL, i, NULL);
    }
    for (unsigned i = 0; i < sim->master_count; i++) {
        if (sim->masters[i].node.lives && sim->masters[i].is_leaving)
            sim_master_kill(sim, &sim->masters[i]);
        start_master(sim, NULL, i, NULL);
    }
}
