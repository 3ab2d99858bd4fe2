/* A gateway on a loop in a thread of its own, a real nats-server, and a master
 * and a slave that the test plays on a second connection.
 *
 * The master knows slave-1, which answers, slave-gone, which does not, and
 * slave-stopped, which has stopped. What
 * it says depends on names: a region "full" has no room, one "silent" gets no
 * answer, "once" only at the second try, where "learning" gets "not ready" first, "garbage" one
 * that is none, "later" when the next request has been answered. Of tunnels it knows all but
 * "nobody"; "held" is told when the cluster has been asked for, "on-gone" is on slave-gone, and
 * slave-1 has no more of "just-left". */
#ifndef M4H_TESTS_UNIT_GATEWAY_FIXTURE_H
#define M4H_TESTS_UNIT_GATEWAY_FIXTURE_H

#include "lib/bus/bus.h"
#include "services/gateway/gateway.h"
#include "tests/support/nats_server.h"
#include "tests/unit/http_fixture.h"

#include "lib/base/model.h"

/* What the master and the slave were last asked. */
struct gateway_asked {
    struct m4h_dispatch_request dispatch;
    struct m4h_page_request page;
    struct m4h_kick_request kick;
    struct m4h_drain_request drain;
    unsigned once_asked;
    char request_id[M4H_REQUEST_ID_MAX + 1]; /* of a cluster or tunnel question */
    unsigned count;                          /* of cluster, tunnels and tunnel questions */
};

struct gateway_fixture {
    struct http_fixture http; /* its port is the gateway's */
    struct m4h_nats_server *nats;
    struct m4h_gateway *gateway;
    struct m4h_gateway_config config;
    struct m4h_bus *bus; /* of the played master and slave */
    struct m4h_pump *bus_pump;
    bool is_drained;            /* on the loop */
    bool is_mute;               /* on the loop: nobody says how the cluster is */
    struct gateway_asked asked; /* on the loop */
    struct gateway_asked seen;  /* a copy for the test */
    char held[256];             /* the reply subject of the question for "held" */
    char later[256];            /* the reply subject of a request that waits */
};

/* Starts all, and waits until the gateway is ready. */
void gateway_fixture_start(struct gateway_fixture *fixture);
void gateway_fixture_stop(struct gateway_fixture *fixture);
/* Begins the gateway's clean end; `is_drained` tells when it is over. */
void gateway_fixture_drain(struct gateway_fixture *fixture);

/* What was asked so far; valid until the next call. */
const struct gateway_asked *gateway_fixture_asked(struct gateway_fixture *fixture);
/* Waits until a slot of that region was asked for. */
void gateway_fixture_await_region(struct gateway_fixture *fixture, const char *region);

/* The master says no more how the cluster is, which is how a gateway finds out that there is one;
 * the gateway has lost the bus meanwhile, so that all it knew is gone, and has found nobody. */
void gateway_fixture_mute(struct gateway_fixture *fixture);
/* It does again, and says hello. */
void gateway_fixture_greet(struct gateway_fixture *fixture);

/* Sends `line` as the head of a request with `body` (may be "") on a new
 * connection; returns the status, `text` gets the whole answer. */
int gateway_fixture_ask(struct gateway_fixture *fixture, const char *line, const char *body,
                        char *text, size_t size);
/* Asks for /readyz until the answer has that status; fails after the deadline. */
void gateway_fixture_await_readiness(struct gateway_fixture *fixture, int status);

#endif
