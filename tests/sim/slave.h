/* A simulated slave: its cores as they are, and what stands for its io/: devices that come and
 * go, events, commands. */
#ifndef M4H_SIM_SLAVE_H
#define M4H_SIM_SLAVE_H

#include "lib/base/buffer.h"
#include "lib/base/stamp.h"
#include "services/slave/core/roster.h"
#include "tests/sim/node.h"

#define SIM_KEYS_MAX       32u

#define SIM_SNAPSHOTS_KEPT 4u

struct sim_snapshot {
    uint64_t id; /* 0: none */
    uint64_t seq;
    enum m4h_slave_state state;
    struct m4h_tunnel *tunnels; /* owned */
    size_t count;
};

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
    uint64_t snapshot_count;
    struct sim_snapshot snapshots[SIM_SNAPSHOTS_KEPT];
    struct sim_waiting *waiting; /* owned; events for the time when it is connected again */
    struct sim_waiting **waiting_end;
    uint32_t capacity;
    uint32_t page_tunnels;        /* in a page of a snapshot */
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
void sim_slave_linked(struct sim *sim, struct sim_slave *slave, bool up);
/* Answers a question for a page of a snapshot. */
void sim_slave_on_snapshot(struct sim *sim, struct sim_slave *slave, const struct letter *letter);

#endif
