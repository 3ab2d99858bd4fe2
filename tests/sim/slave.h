/* A simulated slave: its cores as they are, and what stands for its io/: devices that come and
 * go, events, commands. */
#ifndef M4H_SIM_SLAVE_H
#define M4H_SIM_SLAVE_H

#include "lib/base/buffer.h"
#include "lib/base/stamp.h"
#include "services/slave/core/journal.h"
#include "services/slave/core/roster.h"
#include "services/slave/core/snapshots.h"
#include "tests/sim/node.h"
#include "tests/sim/truth.h"

#define SIM_KEYS_MAX 32u

struct letter;

/* A device's connection, as the slave has it. */
struct sim_session {
    struct sim_session *next;
    uint64_t id;
    unsigned device;
    uint32_t attempt; /* of the device */
    bool is_dead;     /* the device is away, and nobody here knows */
    bool is_parting;
};

struct sim_slave {
    struct node node;
    char region[16];
    struct m4h_roster *roster; /* NULL while it is dead */
    struct m4h_stamp_clock clock;
    enum m4h_slave_state state;
    uint64_t epoch;
    uint64_t epoch_kept; /* on its disk; 0: none */
    uint64_t seq;
    uint64_t load_count;
    bool load_waits; /* for the events that it would overtake */
    struct m4h_snapshots snapshots;
    struct m4h_journal *journal; /* NULL while it is dead */
    struct m4h_journal_limits outbox_limits;
    uint64_t outbox_due_ms; /* its clock; of the earliest timer; UINT64_MAX: none */
    uint64_t first_sent;    /* the latest number that was sent at all */
    unsigned full_bus;      /* permille of what is sent that finds no room */
    bool ends_when_settled;
    struct truth_outbox outbox_account;
    uint32_t capacity;
    uint32_t slots_per_second;    /* that it says it can take; 0: it does not say */
    struct sim_session *sessions; /* owned */
    bool knows[SIM_KEYS_MAX];     /* whom it may let in without a master */
    bool is_announcing;           /* a new tunnel; else a connect tells of other ports */
    bool lies_of_region;
    bool lies_of_digest;
    unsigned bulk; /* tunnels that it has from its start on, and keeps */
    struct m4h_buffer out;
};

void sim_slave_create(struct sim *sim, unsigned index);
/* The process ends without a word. */
void sim_slave_kill(struct sim *sim, struct sim_slave *slave);
/* It drains and ends in good order. */
void sim_slave_stop(struct sim *sim, struct sim_slave *slave);
void sim_slave_start(struct sim *sim, struct sim_slave *slave);
void sim_slave_free(struct sim_slave *slave);
/* It ends, as it has been told to. */
void sim_slave_ended(struct sim *sim, struct node *node, uint64_t argument, void *owned);

/* A device connects. False: nobody listens there. */
bool sim_slave_connect(struct sim *sim, struct sim_slave *slave, unsigned device, uint32_t attempt);
/* The device ends its connection; `silently`: the slave is not told. */
void sim_slave_hang_up(struct sim *sim, struct sim_slave *slave, unsigned device, uint32_t attempt,
                       bool silently);
/* The device asks for a second port, or gives it up. */
void sim_slave_change_ports(struct sim *sim, struct sim_slave *slave, unsigned device,
                            uint32_t attempt);

/* ---- slave_devices.c ------------------------------------------------------ */

/* NULL: there is none such, or it is one of the bulk. */
struct sim_session *sim_device_session(const struct sim_slave *slave, uint64_t id);
/* A resident that owns its client key gets a port, and is announced. */
void sim_device_open(struct sim *sim, struct sim_slave *slave, struct m4h_resident *resident);
/* A worker is told to close it, which takes a moment. */
void sim_device_close(struct sim *sim, struct sim_slave *slave, struct m4h_resident *resident,
                      enum m4h_disconnect_reason reason);
/* The connection is gone. */
void sim_device_remove(struct sim *sim, struct sim_slave *slave, uint64_t session,
                       enum m4h_disconnect_reason reason);
/* The same of one that was no resident, or when all goes. */
void sim_device_end(struct sim *sim, struct sim_slave *slave, uint64_t session);

/* ---- slave_events.c ------------------------------------------------------- */

/* A new epoch, of which nothing has been said; its end. */
void sim_slave_begin_events(struct sim *sim, struct sim_slave *slave);
void sim_slave_end_events(struct sim_slave *slave);
/* Numbers and sends it. */
void sim_slave_publish(struct sim *sim, struct sim_slave *slave, struct m4h_event *event);
void sim_slave_publish_load(struct sim *sim, struct sim_slave *slave);
void sim_slave_fill_info(const struct sim_slave *slave, struct m4h_slave_info *info);
/* Answers a question for a page of a snapshot. */
void sim_slave_on_snapshot(struct sim *sim, struct sim_slave *slave, const struct letter *letter);

/* ---- slave_outbox.c ------------------------------------------------------- */

/* What the slave's settings say; for all its epochs. */
void sim_outbox_create(struct sim *sim, struct sim_slave *slave);
void sim_outbox_begin(struct sim *sim, struct sim_slave *slave);
void sim_outbox_end(struct sim_slave *slave);
/* The event is in `out`, encoded. */
void sim_outbox_push(struct sim *sim, struct sim_slave *slave, const struct m4h_event *event);
void sim_outbox_on_ack(struct sim *sim, struct sim_slave *slave, const struct letter *letter);
void sim_outbox_linked(struct sim *sim, struct sim_slave *slave, bool up);
/* The slave ends when nothing is left to send, and before long. */
void sim_outbox_finish(struct sim *sim, struct sim_slave *slave);

#endif
