/* The io/ of a simulated master. It mirrors services/master: master.c, events.c, requests.c,
 * snapshots.c and kicks.c, and decides nothing. */
#include "tests/sim/master.h"

#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "services/master/core/cluster_state.h"
#include "tests/sim/sim.h"
#include "tests/sim/truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_TIMEOUT_MS 2000u
#define KICK_TIMEOUT_MS 2000u
#define STANDSTILL_MS   2000u
#define FORGET_AFTER_MS 3600000u

struct page_question {
    struct sim_master *master;
    char slave_id[M4H_ID_MAX + 1];
    struct m4h_snapshot_ticket ticket;
};

struct kick_question {
    struct sim_master *master;
    struct m4h_kick kick;
};

static struct sim_master *master_of(struct node *node)
{
    return M4H_CONTAINER_OF(node, struct sim_master, node);
}

static struct m4h_moment moment_of(const struct sim *sim, const struct sim_master *master)
{
    return (struct m4h_moment){sim_now_ms(sim, &master->node), sim_wall_ms(sim, &master->node)};
}

static struct node *slave_node(struct sim *sim, const char *slave_id)
{
    for (unsigned i = 0; i < sim->slave_count; i++)
        if (strcmp(sim->slaves[i].node.id, slave_id) == 0)
            return &sim->slaves[i].node;
    sim_fail(sim, "a master knows the slave %s, which does not exist", slave_id);
}

static void settle(struct sim *sim, struct sim_master *master);

/* ---- snapshots ------------------------------------------------------------ */

static void take_page(struct sim *sim, const struct page_question *question, const uint8_t *data,
                      size_t len)
{
    struct sim_master *master = question->master;
    struct m4h_snapshot_page page;
    struct m4h_tunnel *tunnels;
    struct m4h_problem problem;
    size_t count;
    int error = m4h_wire_snapshot_reply_decode(data, len, &page, &tunnels, &count, &problem);

    if (error != 0)
        sim_fail(sim, "%s cannot read a page: %s", master->node.id, m4h_error_text(error));
    if (problem.code != 0) {
        m4h_cluster_snapshot_failed(master->cluster, question->slave_id, &question->ticket,
                                    "problem", moment_of(sim, master));
    } else {
        m4h_cluster_snapshot(master->cluster, question->slave_id, &question->ticket, &page, tunnels,
                             count, moment_of(sim, master));
        free(tunnels);
    }
}

static void on_page(struct sim *sim, struct node *node, void *context, int error,
                    const uint8_t *data, size_t len)
{
    const struct page_question *question = context;
    struct sim_master *master = master_of(node);

    if (error == 0)
        take_page(sim, question, data, len);
    else
        m4h_cluster_snapshot_failed(master->cluster, question->slave_id, &question->ticket,
                                    m4h_error_text(error), moment_of(sim, master));
    settle(sim, master);
}

static void ask_page(struct sim *sim, struct sim_master *master, const struct m4h_effect *effect)
{
    struct page_question *question = calloc(1, sizeof(*question));

    if (question == NULL)
        abort();
    question->master = master;
    question->ticket = effect->as.snapshot;
    m4h_text_copy(question->slave_id, sizeof(question->slave_id), effect->slave_id);
    m4h_buffer_clear(&master->out);
    if (m4h_wire_snapshot_request_encode(&question->ticket.request, &master->out) != 0)
        abort();
    network_ask(sim, &master->node, slave_node(sim, effect->slave_id), TOPIC_SNAPSHOT, &master->out,
                PAGE_TIMEOUT_MS, on_page, question);
}

/* ---- kicks ---------------------------------------------------------------- */

static void on_kicked(struct sim *sim, struct node *node, void *context, int error,
                      const uint8_t *data, size_t len)
{
    const struct kick_question *question = context;
    struct sim_master *master = master_of(node);
    struct m4h_problem problem = {0};

    if (error == 0 && m4h_wire_kick_reply_decode(data, len, &problem) != 0)
        sim_fail(sim, "%s cannot read the answer to a kick", node->id);
    m4h_kicks_answered(master->kicks, &question->kick,
                       error == 0 && (problem.code == 0 || problem.code == M4H_PROBLEM_NOT_FOUND),
                       sim_now_ms(sim, node));
    settle(sim, master);
}

static void send_kick(struct sim *sim, struct sim_master *master, const struct m4h_kick *kick)
{
    struct m4h_kick_request request = {.tunnel_id = kick->tunnel_id,
                                       .reason = M4H_DISCONNECT_REPLACED};
    struct kick_question *question = calloc(1, sizeof(*question));

    if (question == NULL)
        abort();
    question->master = master;
    question->kick = *kick;
    memcpy(request.client_key, kick->client_key, sizeof(request.client_key));
    m4h_text_copy(request.actor, sizeof(request.actor), master->node.id);
    m4h_buffer_clear(&master->out);
    if (m4h_wire_kick_request_encode(&request, &master->out) != 0)
        abort();
    sim->coverage.kicks++;
    network_ask(sim, &master->node, slave_node(sim, kick->slave_id), TOPIC_KICK, &master->out,
                KICK_TIMEOUT_MS, on_kicked, question);
}

/* ---- the turn's end ------------------------------------------------------- */

static void carry_out(struct sim *sim, struct sim_master *master, const struct m4h_effect *effect)
{
    switch (effect->type) {
    case M4H_EFFECT_SNAPSHOT:
        ask_page(sim, master, effect);
        break;
    case M4H_EFFECT_KICK:
        if (m4h_kicks_want(master->kicks, effect->slave_id, effect->as.kick.client_key,
                           effect->as.kick.tunnel_id, sim_now_ms(sim, &master->node)) != 0)
            sim_fail(sim, "%s has no room for a kick", master->node.id);
        break;
    case M4H_EFFECT_NOTE:
        sim_say(sim, "%s notes %d of %s %s", master->node.id, (int)effect->as.note.note,
                effect->slave_id, effect->as.note.why != NULL ? effect->as.note.why : "");
        sim->coverage.lost_slaves += effect->as.note.note == M4H_NOTE_LOST;
        break;
    case M4H_EFFECT_FLAPPING:
        break;
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void on_tick(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    struct sim_master *master = master_of(node);

    (void)argument;
    (void)owned;
    master->tick_due_ms = UINT64_MAX;
    settle(sim, master);
}

/* Sets the tick to `next_ms` of the master's clock, where there is no earlier one. */
static void set_tick(struct sim *sim, struct sim_master *master, uint64_t next_ms)
{
    uint64_t now_ms = sim_now_ms(sim, &master->node);
    uint64_t wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;

    if (next_ms == UINT64_MAX || sim->now_ms + wait_ms >= master->tick_due_ms)
        return;
    master->tick_due_ms = sim->now_ms + wait_ms;
    sim_later(sim, wait_ms, &master->node, on_tick, 0, NULL);
}

static void settle(struct sim *sim, struct sim_master *master)
{
    uint64_t now_ms = sim_now_ms(sim, &master->node), next_ms;
    struct m4h_effect effect;
    struct m4h_kick kick;

    m4h_cluster_tick(master->cluster, moment_of(sim, master));
    while (m4h_cluster_take_effect(master->cluster, &effect))
        carry_out(sim, master, &effect);
    while (m4h_kicks_take(master->kicks, master->cluster, now_ms, &kick))
        send_kick(sim, master, &kick);
    m4h_master_readiness_decide(&master->readiness, m4h_cluster_is_synced(master->cluster), now_ms);
    master->ran_ms = now_ms;
    next_ms = earlier(m4h_kicks_next_ms(master->kicks), m4h_cluster_next_tick_ms(master->cluster));
    set_tick(sim, master,
             earlier(next_ms, m4h_master_readiness_next_ms(&master->readiness, now_ms)));
}

/* ---- what comes in -------------------------------------------------------- */

static void on_event(struct sim *sim, struct sim_master *master, const struct letter *letter)
{
    struct m4h_event event;

    if (m4h_wire_event_decode(letter->data, letter->len, &event) != 0)
        sim_fail(sim, "%s cannot read an event", master->node.id);
    truth_before_event(sim, master, &event);
    m4h_cluster_event(master->cluster, &event, moment_of(sim, master));
    truth_after_event(sim, master, &event);
    sim->coverage.events++;
}

/* Chooses, and lets the other masters know. */
static void dispatch(struct sim *sim, struct sim_master *master,
                     const struct m4h_dispatch_request *request, struct m4h_slot *slot,
                     struct m4h_problem *problem)
{
    bool had_slot = m4h_cluster_keeps_slot(master->cluster, request->client_key);

    if (m4h_cluster_dispatch(master->cluster, request, moment_of(sim, master), sim_random_id(sim),
                             slot, problem) == 0) {
        truth_slot(sim, master, slot);
        sim_masters_share(sim, master, slot->slave_id, request->client_key);
    } else if (had_slot) {
        sim->coverage.taken_back++;
        sim_masters_share(sim, master, "", request->client_key);
    }
    sim->coverage.throttled += problem->code == M4H_PROBLEM_THROTTLED;
    truth_kept(sim, master, request->client_key, problem->code == 0);
}

static void on_dispatch(struct sim *sim, struct sim_master *master, const struct letter *letter)
{
    struct m4h_dispatch_request request;
    struct m4h_problem problem = {0};
    struct m4h_slot slot = {0};

    if (m4h_wire_dispatch_request_decode(letter->data, letter->len, &request) != 0)
        sim_fail(sim, "%s cannot read a dispatch request", master->node.id);
    if (m4h_master_readiness_lack(&master->readiness) != NULL)
        m4h_problem_set(&problem, M4H_PROBLEM_UNAVAILABLE, "not ready");
    else
        dispatch(sim, master, &request, &slot, &problem);
    sim->coverage.slots += problem.code == 0;
    sim->coverage.refused_slots += problem.code != 0;
    m4h_buffer_clear(&master->out);
    if (m4h_wire_dispatch_reply_encode(&slot, &problem, &master->out) != 0)
        abort();
    network_reply(sim, letter, master->out.data, master->out.len);
}

static void on_authorize(struct sim *sim, struct sim_master *master, const struct letter *letter)
{
    struct m4h_authorize_request request;
    struct m4h_authorize_reply reply = {.allowed = true, .valid_for_ms = 60000};
    const struct m4h_problem no_problem = {0};

    if (m4h_wire_authorize_request_decode(letter->data, letter->len, &request) != 0)
        sim_fail(sim, "%s cannot read an authorize request", master->node.id);
    m4h_text_copy(reply.client_key, sizeof(reply.client_key), request.username);
    m4h_cluster_introduce(master->cluster, reply.client_key, sim_now_ms(sim, &master->node),
                          &reply);
    m4h_buffer_clear(&master->out);
    if (m4h_wire_authorize_reply_encode(&reply, &no_problem, &master->out) != 0)
        abort();
    network_reply(sim, letter, master->out.data, master->out.len);
}

static void receive(struct sim *sim, struct node *node, const struct letter *letter)
{
    struct sim_master *master = master_of(node);

    switch (letter->topic) {
    case TOPIC_EVENT:
        on_event(sim, master, letter);
        break;
    case TOPIC_DISPATCH:
        on_dispatch(sim, master, letter);
        break;
    case TOPIC_AUTHORIZE:
        on_authorize(sim, master, letter);
        break;
    case TOPIC_HELLO:
        sim_masters_on_hello(sim, master, letter);
        break;
    case TOPIC_RESERVATIONS:
        sim_masters_on_reservations(sim, master, letter);
        break;
    case TOPIC_ACK:
    case TOPIC_KICK:
    case TOPIC_SNAPSHOT:
    case TOPIC_COUNT:
        break;
    }
    settle(sim, master);
}

static void set_deaf(struct sim *sim, struct sim_master *master, bool is_deaf)
{
    if (is_deaf && !master->is_deaf)
        master->deaf_since_ms = sim->now_ms;
    if (!is_deaf && master->is_deaf)
        master->deaf_ms += sim->now_ms - master->deaf_since_ms;
    master->is_deaf = is_deaf;
}

static void linked(struct sim *sim, struct node *node, bool up)
{
    struct sim_master *master = master_of(node);

    set_deaf(sim, master, !up);
    m4h_cluster_set_online(master->cluster, up, sim_now_ms(sim, node));
    m4h_master_readiness_connected(&master->readiness, up, sim_now_ms(sim, node));
    if (up)
        sim_masters_greet(sim, master);
    settle(sim, master);
}

static void resumed(struct sim *sim, struct node *node)
{
    struct sim_master *master = master_of(node);
    uint64_t now_ms = sim_now_ms(sim, node);

    if (now_ms - master->ran_ms <= STANDSTILL_MS || node->link == LINK_DOWN)
        return;
    master->deaf_ms += now_ms - master->ran_ms;
    m4h_cluster_set_online(master->cluster, false, master->ran_ms);
    m4h_cluster_set_online(master->cluster, true, now_ms);
    master->ran_ms = now_ms;
}

static const struct node_role role = {receive, linked, resumed};

/* ---- life ----------------------------------------------------------------- */

void sim_master_start(struct sim *sim, struct sim_master *master)
{
    struct m4h_cluster_config config = {
        .silent_after_ms = SIM_SILENT_AFTER_MS,
        .lost_after_ms = SIM_LOST_AFTER_MS,
        .forget_after_ms = FORGET_AFTER_MS,
        .seed = sim_random_id(sim),
        .dispatch = {.reservation_ms = SIM_RESERVATION_MS,
                     .slots_per_second = master->is_paced ? M4H_DISPATCH_AUTO : 0,
                     .sticky_band = master->is_paced ? 20 : 0},
    };
    struct node *node = &master->node;

    sim_say(sim, "%s starts", node->id);
    node->lives = true;
    node->paused_until_ms = 0;
    node->link = sim->network.faults.out ? LINK_DOWN : LINK_UP;
    if (m4h_cluster_create(&master->cluster, &config) != 0 || m4h_kicks_create(&master->kicks) != 0)
        abort();
    master->readiness = (struct m4h_master_readiness){0};
    sim_masters_begin(sim, master);
    memset(master->heard, 0, sizeof(master->heard));
    master->given = 0;
    master->tick_due_ms = UINT64_MAX;
    master->is_deaf = false;
    m4h_cluster_set_online(master->cluster, false, sim_now_ms(sim, node));
    linked(sim, node, node->link == LINK_UP);
}

void sim_master_create(struct sim *sim, unsigned index)
{
    struct sim_master *master = &sim->masters[index];

    master->out.cap = M4H_WIRE_MESSAGE_MAX;
    snprintf(master->node.id, sizeof(master->node.id), "master-%u", index + 1);
    sim_add_node(sim, &master->node, NODE_MASTER, index, &role);
    master->is_paced = sim_chance(sim, 500);
    sim_master_start(sim, master);
}

static void free_core(struct sim_master *master)
{
    m4h_cluster_destroy(master->cluster);
    m4h_kicks_destroy(master->kicks);
    master->cluster = NULL;
    master->kicks = NULL;
}

void sim_master_kill(struct sim *sim, struct sim_master *master)
{
    sim_say(sim, "%s is killed", master->node.id);
    truth_forget_master(sim, master);
    master->node.lives = false;
    master->node.life++;
    network_forget(sim, &master->node);
    free_core(master);
}

void sim_master_free(struct sim_master *master)
{
    free_core(master);
    m4h_buffer_free(&master->out);
}
