/* A process of the simulated cluster: its life, its clocks and its link to NATS. */
#ifndef M4H_SIM_NODE_H
#define M4H_SIM_NODE_H

#include <stdbool.h>
#include <stdint.h>

struct sim;
struct letter;
struct node;

enum node_kind {
    NODE_MASTER,
    NODE_SLAVE,
    NODE_STREAM,
    NODE_CROWD, /* the devices, and the gateway that they ask */
};

enum node_link {
    LINK_UP,
    LINK_BLACK, /* what is sent vanishes, and nobody knows */
    LINK_DOWN,  /* and the process knows */
};

/* What a kind of node does. */
struct node_role {
    void (*receive)(struct sim *sim, struct node *node, const struct letter *letter);
    /* The link has been found lost, or is there again. */
    void (*linked)(struct sim *sim, struct node *node, bool up);
    /* It was stopped, and goes on. */
    void (*resumed)(struct sim *sim, struct node *node);
};

struct node {
    enum node_kind kind;
    unsigned number; /* of all nodes */
    unsigned index;  /* of its kind */
    char id[16];
    const struct node_role *role;
    bool lives;
    uint32_t life;            /* grows with each death */
    uint64_t paused_until_ms; /* SIGSTOP; 0: it runs */
    enum node_link link;
    uint64_t cut_until_ms; /* of a link that is not up */
    uint64_t monotonic_ms; /* its monotonic clock when the simulation began */
    int64_t skew_ms;       /* its wall clock, ahead of the true time */
};

#endif
