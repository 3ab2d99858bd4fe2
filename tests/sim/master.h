/* A simulated master: its core as it is, and what stands for its io/: events in, questions
 * answered, effects carried out, the clock. */
#ifndef M4H_SIM_MASTER_H
#define M4H_SIM_MASTER_H

#include "lib/base/buffer.h"
#include "services/master/core/cluster.h"
#include "services/master/core/kicks.h"
#include "services/master/core/masters.h"
#include "services/master/core/readiness.h"
#include "tests/sim/node.h"

#define SIM_SILENT_AFTER_MS 6000u
#define SIM_LOST_AFTER_MS   10000u
#define SIM_RESERVATION_MS  2500u
#define SIM_MASTER_SLAVES   8u

/* What the simulation itself knows of what a master was told of a slave. */
struct sim_heard {
    uint64_t at_ms;   /* true time; the last event that counts; 0: none */
    uint64_t lost_ms; /* true time; since when its tunnels go; 0: none do */
    uint64_t epoch;
    bool is_closing; /* it drains, or has stopped */
    /* Slots given there and not yet due at its pace, in millionths; as of `paced_ms`. */
    uint64_t paced;
    uint64_t paced_ms;
};

struct sim_master {
    struct node node;
    struct m4h_cluster *cluster; /* NULL while it is dead */
    struct m4h_kicks *kicks;
    struct m4h_masters masters;
    struct m4h_master_readiness readiness;
    struct m4h_buffer out;
    uint64_t tick_due_ms; /* true time; of the earliest tick in the agenda */
    uint64_t ran_ms;      /* its own clock: when it last did something */
    uint64_t deaf_ms;     /* true time for which it counted as cut off */
    uint64_t deaf_since_ms;
    bool is_deaf;
    bool is_leaving;      /* it ends in good order, */
    bool has_left_queues; /* and nobody asks it any more */
    bool is_paced;
    struct sim_heard heard[SIM_MASTER_SLAVES];
    uint64_t given_ms[1024]; /* when it gave its last slots, or heard of others', a ring */
    uint64_t given;
};

void sim_master_create(struct sim *sim, unsigned index);
/* It is killed; it starts again, knowing nothing. */
void sim_master_kill(struct sim *sim, struct sim_master *master);
void sim_master_start(struct sim *sim, struct sim_master *master);
void sim_master_free(struct sim_master *master);

/* ---- master_masters.c ----------------------------------------------------- */

struct letter;

void sim_masters_begin(struct sim *sim, struct sim_master *master);
/* It is connected. */
void sim_masters_greet(struct sim *sim, struct sim_master *master);
/* It ends in good order. */
void sim_master_stop(struct sim *sim, struct sim_master *master);
void sim_masters_on_hello(struct sim *sim, struct sim_master *master, const struct letter *letter);
/* Tells the others of a slot, or ("") that the device has none any more. */
void sim_masters_share(struct sim *sim, struct sim_master *master, const char *slave_id,
                       const char *client_key);
void sim_masters_on_reservations(struct sim *sim, struct sim_master *master,
                                 const struct letter *letter);

#endif
