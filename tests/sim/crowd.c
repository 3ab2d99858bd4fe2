/* Devices on their random walk: each asks for a slot, connects, stays a while, and goes:
 * politely, or without a word and at once elsewhere, as one whose network has changed. */
#include "tests/sim/crowd.h"

#include "lib/wire/wire.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_TIMEOUT_MS    2000u
#define CONNECT_TIMEOUT_MS 8000u

struct slot_question {
    unsigned device;
    uint32_t attempt;
};

static void act(struct sim *sim, struct node *node, uint64_t argument, void *owned);

const char *crowd_key(unsigned key)
{
    static char text[24];

    snprintf(text, sizeof(text), "device-%u", key);
    return text;
}

/* The device acts again after so long, unless it has come to another attempt meanwhile. */
static void act_later(struct sim *sim, unsigned device, unsigned delay_ms)
{
    uint64_t argument = (uint64_t)device << 32 | sim->crowd.devices[device].attempt;

    sim_later(sim, delay_ms, &sim->crowd.node, act, argument, NULL);
}

static void rest(struct sim *sim, unsigned device, unsigned from_ms, unsigned to_ms)
{
    struct device *one = &sim->crowd.devices[device];

    one->attempt++;
    one->state = sim->is_calm ? DEVICE_OFF : DEVICE_RESTING;
    if (!sim->is_calm)
        act_later(sim, device, sim_between(sim, from_ms, to_ms));
}

static void connect_to(struct sim *sim, unsigned device, unsigned slave)
{
    struct device *one = &sim->crowd.devices[device];

    one->state = DEVICE_CONNECTING;
    one->slave = slave;
    if (sim_slave_connect(sim, &sim->slaves[slave], device, one->attempt))
        act_later(sim, device, CONNECT_TIMEOUT_MS);
    else
        rest(sim, device, 100, 2000);
}

static void on_slot(struct sim *sim, struct node *node, void *context, int error,
                    const uint8_t *data, size_t len)
{
    const struct slot_question *question = context;
    struct device *one = &sim->crowd.devices[question->device];
    struct m4h_problem problem = {0};
    struct m4h_slot slot;

    (void)node;
    if (one->attempt != question->attempt || one->state != DEVICE_ASKING)
        return;
    if (error == 0 && m4h_wire_dispatch_reply_decode(data, len, &slot, &problem) != 0)
        sim_fail(sim, "the gateway cannot read a slot");
    if (error != 0 || problem.code != 0) {
        if (sim_chance(sim, 300)) /* it goes where it was told to go once */
            connect_to(sim, question->device, sim_pick(sim, sim->slave_count));
        else
            rest(sim, question->device, 200, 2000);
        return;
    }
    for (unsigned i = 0; i < sim->slave_count; i++)
        if (strcmp(sim->slaves[i].node.id, slot.slave_id) == 0)
            connect_to(sim, question->device, i);
}

static void ask(struct sim *sim, unsigned device)
{
    struct device *one = &sim->crowd.devices[device];
    struct m4h_dispatch_request request = {0};
    struct slot_question *question = malloc(sizeof(*question));

    if (question == NULL)
        abort();
    one->state = DEVICE_ASKING;
    *question = (struct slot_question){device, one->attempt};
    if (sim_chance(sim, 500))
        m4h_text_copy(request.region, sizeof(request.region), sim_chance(sim, 500) ? "eu" : "us");
    if (sim_chance(sim, 700))
        m4h_text_copy(request.client_key, sizeof(request.client_key), crowd_key(one->key));
    m4h_buffer_clear(&sim->crowd.out);
    if (m4h_wire_dispatch_request_encode(&request, &sim->crowd.out) != 0)
        abort();
    network_ask(sim, &sim->crowd.node, NULL, TOPIC_DISPATCH, &sim->crowd.out, SLOT_TIMEOUT_MS,
                on_slot, question);
}

static void go(struct sim *sim, unsigned device, bool silently, unsigned from_ms, unsigned to_ms)
{
    struct device *one = &sim->crowd.devices[device];

    sim_slave_hang_up(sim, &sim->slaves[one->slave], device, one->attempt, silently);
    rest(sim, device, from_ms, to_ms);
}

/* It has been up for a while. */
static void move(struct sim *sim, unsigned device)
{
    struct device *one = &sim->crowd.devices[device];

    if (sim_chance(sim, 200)) {
        sim_slave_change_ports(sim, &sim->slaves[one->slave], device, one->attempt);
        act_later(sim, device, sim_between(sim, 500, 10000));
    } else if (sim_chance(sim, 500)) {
        go(sim, device, true, 1, 500);
    } else {
        go(sim, device, false, 1, 5000);
    }
}

static void act(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    unsigned device = (unsigned)(argument >> 32);
    struct device *one = &sim->crowd.devices[device];

    (void)node;
    (void)owned;
    if (one->attempt != (uint32_t)argument || sim->is_calm)
        return;
    if (one->state == DEVICE_RESTING)
        ask(sim, device);
    else if (one->state == DEVICE_CONNECTING)
        go(sim, device, false, 200, 2000);
    else if (one->state == DEVICE_UP)
        move(sim, device);
}

/* ---- what slaves say ------------------------------------------------------ */

bool crowd_waits(const struct sim *sim, unsigned device, uint32_t attempt)
{
    const struct device *one = &sim->crowd.devices[device];

    return one->attempt == attempt && one->state == DEVICE_CONNECTING;
}

void crowd_up(struct sim *sim, unsigned device, uint32_t attempt)
{
    struct device *one = &sim->crowd.devices[device];

    if (!crowd_waits(sim, device, attempt))
        return;
    one->state = DEVICE_UP;
    sim_say(sim, "device %u (%s) is up at %s", device, crowd_key(one->key),
            sim->slaves[one->slave].node.id);
    act_later(sim, device, sim_between(sim, 500, 15000));
}

void crowd_closed(struct sim *sim, unsigned device, uint32_t attempt)
{
    struct device *one = &sim->crowd.devices[device];

    if (one->attempt == attempt && (one->state == DEVICE_CONNECTING || one->state == DEVICE_UP))
        rest(sim, device, 50, 3000);
}

/* ---- life ----------------------------------------------------------------- */

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

void crowd_create(struct sim *sim)
{
    struct crowd *crowd = &sim->crowd;
    unsigned twins = sim_chance(sim, 300) ? sim_between(sim, 1, 3) : 0;

    crowd->out.cap = M4H_WIRE_MESSAGE_MAX;
    snprintf(crowd->node.id, sizeof(crowd->node.id), "gateway");
    sim_add_node(sim, &crowd->node, NODE_CROWD, 0, &role);
    crowd->count = sim_between(sim, 4, SIM_DEVICES_MAX);
    for (unsigned i = 0; i < crowd->count; i++) {
        crowd->devices[i].key = i < 2 * twins ? i / 2 : i;
        rest(sim, i, 1, 5000);
    }
}

static bool is_second(const struct crowd *crowd, unsigned device)
{
    for (unsigned i = 0; i < device; i++)
        if (crowd->devices[i].key == crowd->devices[device].key &&
            crowd->devices[i].state == DEVICE_UP)
            return true;
    return false;
}

void crowd_calm(struct sim *sim)
{
    for (unsigned i = 0; i < sim->crowd.count; i++) {
        struct device *one = &sim->crowd.devices[i];

        if (one->state == DEVICE_CONNECTING ||
            (one->state == DEVICE_UP && is_second(&sim->crowd, i)))
            go(sim, i, false, 1, 1);
        else if (one->state != DEVICE_UP)
            one->state = DEVICE_OFF;
    }
}

void crowd_free(struct crowd *crowd)
{
    m4h_buffer_free(&crowd->out);
}
