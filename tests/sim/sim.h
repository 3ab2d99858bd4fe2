/* A whole cluster in one process, on a clock that only the simulation moves: the cores of
 * masters and slaves as they are, and around them what stands for io/, NATS and the
 * devices. All that happens follows from the seed. */
#ifndef M4H_SIM_SIM_H
#define M4H_SIM_SIM_H

#include "lib/base/attributes.h"
#include "tests/sim/agenda.h"
#include "tests/sim/crowd.h"
#include "tests/sim/master.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"
#include "tests/sim/slave.h"
#include "tests/sim/stream.h"
#include "tests/sim/truth.h"

#define SIM_MASTERS_MAX 6u
#define SIM_SLAVES_MAX  6u
#define SIM_NODES_MAX   (SIM_MASTERS_MAX + SIM_SLAVES_MAX + 2)
/* The true wall time when a simulation begins. */
#define SIM_WALL_MS 1800000000000u
/* After the last fault all views agree within so long. */
#define SIM_HEAL_MS 5000u
/* Where a slave claimed a false region, or an epoch of the future: a master that believed it
 * takes the slave for lost 10 s after the last of those events, which its journal may tell for
 * the first time 10 s late (the longest rest between two tries), and then waits for a load event.
 */
#define SIM_FORGIVEN_MS 23000u
/* And so long after it no event is left that is not in the stream: 10 s are the longest rest
 * between two tries. */
#define SIM_STORED_MS 15000u
/* What is on its way at that moment may still arrive. */
#define SIM_UNDER_WAY_MS 20u

#define SIM_LINES        60u
#define SIM_LINE_MAX     200u

struct sim_options {
    uint64_t seed;
    uint64_t steps_max; /* 0: as many as it takes */
    bool verbose;
};

/* What has happened at all, over all seeds: a simulation that meets nothing shows nothing. */
struct sim_coverage {
    uint64_t steps, events, duplicates, old_epochs, wrong_regions, gaps, digest_mismatches;
    uint64_t snapshots, snapshots_failed, kicks, slots, refused_slots, tunnels, lost_slaves;
    uint64_t acknowledged, not_taken, stored_again;
    uint64_t shared, taken_back, throttled;
    uint64_t faults;
};

struct sim {
    struct sim_options options;
    uint64_t random;
    uint64_t now_ms;
    uint64_t step;
    uint64_t steps_now; /* at this very time */
    uint64_t last_id;   /* of sessions and tunnels */
    bool may_lie;       /* there are slaves that say what is not so */
    bool has_lied;      /* of their region or epoch */
    bool is_calm;       /* there are no more faults */
    bool has_agreed;    /* all masters, after that */
    uint64_t faults_until_ms;
    struct agenda agenda;
    struct network network;
    struct node *nodes[SIM_NODES_MAX]; /* borrowed from their owners */
    unsigned node_count;
    struct sim_master masters[SIM_MASTERS_MAX];
    unsigned master_count;
    struct sim_slave slaves[SIM_SLAVES_MAX];
    unsigned slave_count;
    struct stream stream;
    struct crowd crowd;
    struct truth truth;
    struct sim_coverage coverage;
    char lines[SIM_LINES][SIM_LINE_MAX]; /* the last ones, a ring */
    uint64_t line_count;
};

/* Runs one seed, and adds to `coverage`. A broken rule ends the program with status 1, after
 * the seed, the rule and the last steps. */
void sim_run(const struct sim_options *options, struct sim_coverage *coverage);

/* A number below `below`, which is not 0. */
unsigned sim_pick(struct sim *sim, unsigned below);
/* A number from `from` to `to`. */
unsigned sim_between(struct sim *sim, unsigned from, unsigned to);
/* True in `permille` of a thousand cases. */
bool sim_chance(struct sim *sim, unsigned permille);
uint64_t sim_random_id(struct sim *sim);

/* Registers a node, alive and linked. */
void sim_add_node(struct sim *sim, struct node *node, enum node_kind kind, unsigned index,
                  const struct node_role *role);
/* The node's own clocks. */
uint64_t sim_now_ms(const struct sim *sim, const struct node *node);
uint64_t sim_wall_ms(const struct sim *sim, const struct node *node);

/* Puts in that `run` happens in so long; nothing is put in where the node is dead. */
void sim_later(struct sim *sim, uint64_t delay_ms, struct node *node, agenda_run run,
               uint64_t argument, void *owned);

/* A line of what happens: printed when asked for, and when a rule breaks. */
void sim_say(struct sim *sim, const char *format, ...) M4H_PRINTF(2, 3);
/* A rule is broken. Does not return. */
void sim_fail(struct sim *sim, const char *format, ...) M4H_PRINTF(2, 3) __attribute__((noreturn));

#endif
