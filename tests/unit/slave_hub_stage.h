/* The hub with the workers and the bus played by the test: orders to workers are
 * kept, reports of them are made by hand, events and refusals are counted. Ports
 * are real ones, leases are kept in a folder of their own. The program takes the
 * place of m4h_slave_order, m4h_publisher_send and m4h_publisher_refuse (--wrap),
 * and counts calls of m4h_ports_shun. */
#ifndef M4H_TESTS_SLAVE_HUB_STAGE_H
#define M4H_TESTS_SLAVE_HUB_STAGE_H

#include "services/slave/io/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ORDERS_MAX 64
#define PORT_MIN   30500 /* above the ports of local clusters, below the ephemeral ones */
#define PORT_MAX   31499

struct hub {
    struct m4h_slave slave;
    struct m4h_slave_config config;
    char dir[64];
    struct m4h_order orders[ORDERS_MAX];
    size_t order_count;
    unsigned events[M4H_EVENT_TYPE_COUNT]; /* sent, by type */
    struct m4h_event last_event;
    struct m4h_refuse last_refusal;
    unsigned refusals;
    unsigned shunned; /* ports that turned out to be in use by somebody else */
    uint64_t sessions;
};

extern struct hub *hub; /* of the running test */

int hub_begin(void **state);
int hub_end(void **state);

/* A device whose key was allowed. */
struct m4h_resident *admit(const char *client_key);
/* The first order of that kind to that session, taken out; NULL: there is none. */
const struct m4h_order *take_order(uint64_t session_id, enum m4h_order_kind kind);
/* It asks for a port and hears of one at once: that one; 0: refused. */
uint16_t forward(struct m4h_resident *resident, uint16_t asked);
/* It is gone; `listeners`: those that its worker had got for it. */
void gone(uint64_t session_id, enum m4h_disconnect_reason reason, uint32_t listeners);

#endif
