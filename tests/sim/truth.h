/* What must hold. The simulation keeps its own account of what each slave said and held at
 * each number, of what each master was told, and of what it gave, and compares the masters'
 * cores with it after every step; and, when the faults are over, with one another. A rule
 * that is broken ends the program: sim_fail. */
#ifndef M4H_SIM_TRUTH_H
#define M4H_SIM_TRUTH_H

#include "lib/base/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;
struct sim_master;
struct sim_slave;

/* What a slave holds after one of its events. */
struct truth_state {
    uint64_t digest;
    uint32_t tunnels;
};

/* One epoch of one slave. */
struct truth_epoch {
    struct truth_epoch *next;
    unsigned slave;
    uint64_t epoch;
    struct truth_state *states; /* owned; by seq, from 0 */
    size_t count;
    size_t allocated;
};

/* Of a slave's events in one epoch. */
struct truth_outbox {
    bool is_confirmed;       /* the stream has answered */
    uint64_t unacknowledged; /* let go until then */
};

struct truth {
    struct truth_epoch *epochs; /* owned; the latest first */
    uint64_t before;            /* what a master's state was like */
    uint64_t held_before;       /* the same, but for who was heard when */
    bool was_old;
    bool was_duplicate;
    bool was_new, was_repeat;
};

void truth_free(struct truth *truth);

/* ---- the account ---------------------------------------------------------- */

void truth_begin_epoch(struct sim *sim, const struct sim_slave *slave);
/* The slave said it: a connect or disconnect changes what it holds. */
void truth_published(struct sim *sim, const struct sim_slave *slave, const struct m4h_event *event);
void truth_before_event(struct sim *sim, struct sim_master *master, const struct m4h_event *event);
void truth_after_event(struct sim *sim, struct sim_master *master, const struct m4h_event *event);
/* The master gave the device a slot, or (`given` false) did not. */
void truth_kept(struct sim *sim, const struct sim_master *master, const char *client_key,
                bool given);
/* Another master told this one of a slot. */
void truth_shared(struct sim *sim, struct sim_master *master,
                  const struct m4h_shared_reservation *reservation);
/* The master gave a slot. */
void truth_slot(struct sim *sim, struct sim_master *master, const struct m4h_slot *slot);
/* The stream answered one of the slave's events. */
void truth_answered(struct sim_slave *slave, int error);
/* The slave says that it has nothing left to send. */
void truth_settled(struct sim *sim, const struct sim_slave *slave);
/* The master is about to die. */
void truth_forget_master(struct sim *sim, const struct sim_master *master);

/* For the rules. An epoch of the slave of that index; NULL: there was none such. */
struct truth_epoch *truth_epoch(const struct sim *sim, unsigned slave, uint64_t number);
/* NULL: there is none such. */
const struct sim_slave *truth_slave(const struct sim *sim, const char *slave_id);
/* True time, less that for which the master counts itself as cut off. */
uint64_t truth_hearing_ms(const struct sim *sim, const struct sim_master *master);

/* ---- the rules ------------------------------------------------------------ */

/* After a step. */
void truth_check(struct sim *sim);
/* For it: the rules on a slave's events on their way to the stream. */
void truth_check_outbox(struct sim *sim, const struct sim_slave *slave);
/* A slave that has events left to send though it could; NULL: there is none. */
const struct sim_slave *truth_unsettled(struct sim *sim);
/* NULL: all masters have what the slaves have, and nobody has anything left to do. Else what is
 * not so; static until the next call. */
const char *truth_disagreement(struct sim *sim);

#endif
