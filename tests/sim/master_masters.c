/* What simulated masters tell one another. It mirrors services/master/io/masters.c. */
#include "tests/sim/master.h"

#include "lib/wire/wire.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

#define HEARD_WITHIN_MS 150u
#define LAST_ANSWERS_MS 250u

static struct sim_master *master_of(struct node *node)
{
    return M4H_CONTAINER_OF(node, struct sim_master, node);
}

/* ---- hello ---------------------------------------------------------------- */

static void say_hello(struct sim *sim, struct sim_master *master, bool stopping)
{
    struct m4h_master_hello hello = master->masters.self;

    hello.stopping = stopping;
    hello.learning = !master->readiness.is_ready;
    m4h_buffer_clear(&master->out);
    if (m4h_wire_hello_encode(&hello, &master->out) != 0)
        abort();
    if (network_is_up(sim, &master->node))
        network_tell_masters(sim, &master->node, TOPIC_HELLO, &master->out);
}

void sim_masters_on_hello(struct sim *sim, struct sim_master *master, const struct letter *letter)
{
    struct m4h_master_hello hello;

    if (m4h_wire_hello_decode(letter->data, letter->len, &hello) != 0)
        sim_fail(sim, "%s cannot read a hello", master->node.id);
    if (m4h_masters_heard(&master->masters, &hello, sim_now_ms(sim, &master->node),
                          sim_wall_ms(sim, &master->node)) == M4H_MASTERS_FULL)
        sim_fail(sim, "%s has no room for a master", master->node.id);
}

static void on_hello_due(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    struct sim_master *master = master_of(node);
    struct m4h_master_hello gone;

    (void)argument;
    (void)owned;
    sim_later(sim, M4H_MASTERS_HELLO_MS, node, on_hello_due, 0, NULL);
    if (!network_is_up(sim, node) || master->is_leaving)
        return;
    while (m4h_masters_expire(&master->masters, sim_now_ms(sim, node), &gone))
        sim_say(sim, "%s: %s is silent", node->id, gone.master_id);
    say_hello(sim, master, false);
}

/* ---- reservations --------------------------------------------------------- */

void sim_masters_share(struct sim *sim, struct sim_master *master, const char *slave_id,
                       const char *client_key)
{
    struct m4h_shared_reservation reservation = {.remaining_ms =
                                                     slave_id[0] != '\0' ? SIM_RESERVATION_MS : 0};

    if (master->masters.count == 0)
        return;
    m4h_text_copy(reservation.slave_id, sizeof(reservation.slave_id), slave_id);
    m4h_text_copy(reservation.client_key, sizeof(reservation.client_key), client_key);
    m4h_buffer_clear(&master->out);
    if (m4h_wire_reservations_encode(master->node.id, master->masters.self.instance, &reservation,
                                     1, &master->out) != 0)
        abort();
    if (network_is_up(sim, &master->node))
        network_tell_masters(sim, &master->node, TOPIC_RESERVATIONS, &master->out);
}

void sim_masters_on_reservations(struct sim *sim, struct sim_master *master,
                                 const struct letter *letter)
{
    struct m4h_shared_reservation *reservations;
    char master_id[M4H_ID_MAX + 1];
    uint64_t instance;
    size_t count;

    if (m4h_wire_reservations_decode(letter->data, letter->len, master_id, &instance, &reservations,
                                     &count) != 0)
        sim_fail(sim, "%s cannot read reservations", master->node.id);
    for (size_t i = 0; i < count; i++) {
        m4h_cluster_shared(master->cluster, &reservations[i], sim_now_ms(sim, &master->node));
        truth_shared(sim, master, &reservations[i]);
    }
    sim->coverage.shared += count;
    free(reservations);
}

/* ---- life ----------------------------------------------------------------- */

void sim_masters_begin(struct sim *sim, struct sim_master *master)
{
    struct m4h_master_hello self = {.started_wall_ms = sim_wall_ms(sim, &master->node),
                                    .instance = sim_random_id(sim)};

    m4h_text_copy(self.master_id, sizeof(self.master_id), master->node.id);
    m4h_masters_init(&master->masters, &self);
    master->is_leaving = master->has_left_queues = false;
    sim_later(sim, M4H_MASTERS_HELLO_MS, &master->node, on_hello_due, 0, NULL);
}

void sim_masters_greet(struct sim *sim, struct sim_master *master)
{
    if (!master->is_leaving)
        say_hello(sim, master, false);
}

static void on_left(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)argument;
    (void)owned;
    sim_master_kill(sim, master_of(node));
}

static void on_leaving(struct sim *sim, struct node *node, uint64_t argument, void *owned)
{
    (void)argument;
    (void)owned;
    master_of(node)->has_left_queues = true;
    sim_later(sim, LAST_ANSWERS_MS, node, on_left, 0, NULL);
}

void sim_master_stop(struct sim *sim, struct sim_master *master)
{
    if (master->is_leaving)
        return;
    sim_say(sim, "%s leaves", master->node.id);
    say_hello(sim, master, true);
    master->is_leaving = true;
    sim_later(sim, HEARD_WITHIN_MS, &master->node, on_leaving, 0, NULL);
}
