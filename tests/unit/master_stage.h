/* A real master on a real nats-server, in this process: and beside it, on the
 * same loop, slaves that are nothing but their tunnels (master_world.h) and a
 * client that asks. */
#ifndef M4H_TESTS_MASTER_STAGE_H
#define M4H_TESTS_MASTER_STAGE_H

#include "lib/base/buffer.h"
#include "lib/bus/bus.h"
#include "lib/net/loop.h"
#include "lib/net/pump.h"
#include "lib/net/timer.h"
#include "services/master/master.h"
#include "tests/support/nats_server.h"
#include "tests/unit/master_world.h"

#define STAGE_SLAVES  2
#define STAGE_WAIT_MS 15000

struct stage {
    struct m4h_nats_server *nats;
    struct m4h_loop *loop;
    struct m4h_timer *look; /* looks for what a test waits for */
    bool (*condition)(struct stage *stage);
    uint64_t limit_ms;

    char folder[64];
    char keys_path[128];
    char ready_path[128];
    struct m4h_master_config config;
    struct m4h_master *master;

    struct m4h_pump *pump;
    struct m4h_bus *bus;
    bool is_connected;
    struct fake_slave slaves[STAGE_SLAVES];
    uint32_t tunnels_per_page;
    unsigned snapshots; /* pages given */
    unsigned kicks;
    struct m4h_kick_request kicked;
    struct m4h_master_hello hello;        /* the master's latest */
    unsigned shared_count;                /* reservations that it told of */
    struct m4h_shared_reservation shared; /* the latest */
    struct m4h_timer *loads;              /* the slaves' load events */

    bool is_answered;
    int reply_error;
    struct m4h_buffer reply;
    struct m4h_buffer out;
};

/* The server, the slaves and their bus; not the master. */
struct stage *stage_create(void);
void stage_destroy(struct stage *stage);

void stage_start_master(struct stage *stage);
void stage_stop_master(struct stage *stage);
void stage_write_keys(const struct stage *stage, const char *text);

/* Runs the loop until the condition holds; fails the test when it does not come. */
void stage_wait(struct stage *stage, bool (*condition)(struct stage *stage));
/* Publishes an event of a slave, under its own subject. */
void stage_publish(struct stage *stage, struct m4h_event event);
void stage_publish_as(struct stage *stage, const char *subject, const struct m4h_event *event);
/* Asks with what is in `out`, and waits for the end: `reply_error` and `reply`. */
void stage_ask(struct stage *stage, const char *subject);
bool stage_master_is_ready(struct stage *stage);

#endif
