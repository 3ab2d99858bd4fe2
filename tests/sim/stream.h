/* JetStream: keeps each event once, and acknowledges it. */
#ifndef M4H_SIM_STREAM_H
#define M4H_SIM_STREAM_H

#include "tests/sim/node.h"

struct stream {
    struct node node;
    bool exists;
};

void stream_create(struct sim *sim);

#endif
