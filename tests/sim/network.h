/* The simulated NATS: letters between nodes, and what may befall them. As NATS does, it
 * delivers at most once and keeps the order between two nodes; faults take that away. */
#ifndef M4H_SIM_NETWORK_H
#define M4H_SIM_NETWORK_H

#include "lib/base/buffer.h"
#include "tests/sim/node.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum topic {
    TOPIC_EVENT, /* to every master, and to the stream */
    TOPIC_ACK,   /* of the stream, for an event */
    TOPIC_HELLO, /* of a master, to all others; as are */
    TOPIC_RESERVATIONS,
    TOPIC_DISPATCH,  /* to one of the masters */
    TOPIC_AUTHORIZE, /* to one of the masters */
    TOPIC_KICK,
    TOPIC_SNAPSHOT,
    TOPIC_COUNT,
};

struct letter {
    enum topic topic;
    bool is_reply;
    int error; /* of an acknowledgement: M4H_EUNAVAILABLE not now, M4H_EINVALID never */
    struct node *from;
    uint32_t life; /* of `from` */
    struct node *to;
    uint64_t request; /* 0: none; between a slave and the stream, the event's number */
    size_t len;
    uint8_t data[];
};

struct node;
struct question;

/* The end of a question: `error` is 0, M4H_ETIMEOUT or M4H_EUNAVAILABLE. `context` is freed
 * after it. */
typedef void (*network_on_reply)(struct sim *sim, struct node *node, void *context, int error,
                                 const uint8_t *data, size_t len);

/* What may befall a letter, in permille. */
struct network_faults {
    unsigned loss[TOPIC_COUNT];
    unsigned loss_of_replies;
    unsigned duplicate;
    unsigned reorder; /* it waits, and others overtake it */
    unsigned delay_max_ms;
    bool out; /* nats-server is away */
    bool cut[16][16];
};

struct network {
    struct network_faults faults;
    uint64_t last_arrival_ms[16][16]; /* for the order between two nodes */
    struct question *questions;       /* owned */
    uint64_t last_request;
};

void network_free(struct network *network);

/* Whether letters of the node reach the other now, as far as links go. */
bool network_reaches(const struct sim *sim, const struct node *from, const struct node *to);
/* The node thinks that it is connected. */
bool network_is_up(const struct sim *sim, const struct node *node);

/* An event to all masters; one with a number goes to the stream, too. */
void network_publish(struct sim *sim, struct node *from, const void *data, size_t len,
                     uint64_t number);
/* The stream answers an event; who sent it may have died. */
void network_acknowledge(struct sim *sim, const struct letter *event, int error);
/* From one master to all others. */
void network_tell_masters(struct sim *sim, struct node *from, enum topic topic,
                          const struct m4h_buffer *message);
/* Asks a node, or (NULL) one of the masters. Owns `context`. */
void network_ask(struct sim *sim, struct node *from, struct node *to, enum topic topic,
                 const struct m4h_buffer *question, unsigned timeout_ms, network_on_reply on_reply,
                 void *context);
/* Answers a letter that asks. */
void network_reply(struct sim *sim, const struct letter *asked, const void *data, size_t len);
/* Nothing that the node asked is answered any more. */
void network_forget(struct sim *sim, struct node *node);
/* The node's link is lost (black or down) or whole again. */
void network_cut(struct sim *sim, struct node *node, enum node_link link);
void network_heal(struct sim *sim, struct node *node);

#endif
