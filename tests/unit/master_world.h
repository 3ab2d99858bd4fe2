/* A cluster under test, on a clock that stands still until it is moved, and
 * slaves that are nothing but their tunnels: they make events and snapshots as
 * real ones do, and the test decides which of them arrive, when and how often. */
#ifndef M4H_TESTS_MASTER_WORLD_H
#define M4H_TESTS_MASTER_WORLD_H

#include "services/master/core/cluster.h"

#define WORLD_EPOCH       1000000u
#define WORLD_KICKS_MAX   4096
#define WORLD_TUNNELS_MAX 10240

struct fake_slave {
    char id[M4H_ID_MAX + 1];
    char region[M4H_ID_MAX + 1];
    uint64_t epoch;
    uint64_t seq;
    enum m4h_slave_state state;
    uint32_t capacity;
    uint32_t weight;
    uint32_t handshakes_per_second;
    struct m4h_tunnel *tunnels; /* owned */
    size_t count;
};

struct kick {
    char slave_id[M4H_ID_MAX + 1];
    char client_key[M4H_CLIENT_KEY_MAX + 1];
    uint64_t tunnel_id;
};

/* A question for a page that the cluster has asked. */
struct ticket {
    bool is_open;
    char slave_id[M4H_ID_MAX + 1];
    struct m4h_snapshot_ticket ticket;
};

struct world {
    struct m4h_cluster *cluster;
    struct m4h_moment moment;
    struct kick kicks[WORLD_KICKS_MAX];
    size_t kick_count;
    struct ticket tickets[64];
    size_t ticket_count; /* asked so far; the array holds the first 64 */
    unsigned notes[M4H_NOTE_NO_ROOM + 1];
    unsigned flapping_told;
    uint64_t note_epoch;    /* of the last note */
    struct m4h_effect told; /* the last of them */
};

/* The defaults of the service: silent 6 s, lost 10 s, forgotten 1 h, reservations 2.5 s. */
struct m4h_cluster_config world_config(void);
struct world *world_create(const struct m4h_cluster_config *config);
void world_destroy(struct world *world);

/* Moves the clock and lets the cluster do what is due. */
void world_pass(struct world *world, uint64_t ms);
/* An event arrives. */
void world_tell(struct world *world, const struct m4h_event *event);
/* The oldest open question for the slave, or NULL. */
struct ticket *world_ticket(struct world *world, const char *slave_id);
/* A page arrives that answers the ticket, and closes it. */
void world_answer(struct world *world, struct ticket *ticket, const struct m4h_snapshot_page *page,
                  const struct m4h_tunnel *tunnels, size_t count);
/* The slave answers all that it is asked, from what it has now, in one page. */
void world_sync(struct world *world, const struct fake_slave *slave);
/* The slave starts: its first event arrives. */
void world_start(struct world *world, struct fake_slave *slave);

/* The slave id that the client key's tunnel shows at; "" for none. */
const char *world_owner(const struct world *world, const char *client_key);
/* The status of a slave; its slave_id is "" where the cluster lists none such. */
struct m4h_slave_status world_slave(const struct world *world, const char *slave_id);
/* What the cluster holds of the slave is what the slave has. */
void world_assert_same(const struct world *world, const struct fake_slave *slave);
struct m4h_cluster_stats world_stats(const struct world *world);
/* Asks for a slot: the slave id, or "" and the problem in `*problem` (may be NULL). */
const char *world_dispatch(struct world *world, const char *region, const char *client_key,
                           struct m4h_problem *problem);

void fake_slave_init(struct fake_slave *slave, const char *id, const char *region);
void fake_slave_free(struct fake_slave *slave);
/* The process ends without a word and another one starts: empty, a later epoch. */
void fake_slave_restart(struct fake_slave *slave);

/* The slave does it, and this is the event that tells of it. */
struct m4h_event fake_start(struct fake_slave *slave);
struct m4h_event fake_connect(struct fake_slave *slave, const char *client_key, uint64_t tunnel_id,
                              uint64_t stamp);
struct m4h_event fake_disconnect(struct fake_slave *slave, const char *client_key,
                                 uint64_t tunnel_id);
/* The same, because another connection with its client key has come to the slave. */
struct m4h_event fake_replaced(struct fake_slave *slave, const char *client_key,
                               uint64_t tunnel_id);
struct m4h_event fake_drain(struct fake_slave *slave);
struct m4h_event fake_stop(struct fake_slave *slave);
struct m4h_event fake_refuse(struct fake_slave *slave);
struct m4h_event fake_flapping(struct fake_slave *slave, const char *client_key);
/* One that only a later version knows. */
struct m4h_event fake_other(struct fake_slave *slave);
struct m4h_event fake_load(struct fake_slave *slave);
/* The head of a page of what the slave has now. */
struct m4h_snapshot_page fake_page(const struct fake_slave *slave, uint64_t snapshot_id,
                                   uint32_t page, bool last);
/* A tunnel as the slaves make them. */
struct m4h_tunnel fake_tunnel(const char *client_key, uint64_t tunnel_id, uint64_t stamp);

#endif
