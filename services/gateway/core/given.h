/* The slots that one WebSocket was given lately, so that it can be told when a slave of them begins
 * to drain. Pure; memory for what is in it only. */
#ifndef M4H_GATEWAY_GIVEN_H
#define M4H_GATEWAY_GIVEN_H

#include "lib/base/model.h"

#include <stddef.h>

/* More than these push the oldest out. */
#define M4H_GATEWAY_GIVEN_MAX M4H_DRAIN_NOTICE_MAX

struct m4h_gateway_given_slot;

/* Zeroed at first. */
struct m4h_gateway_given {
    struct m4h_gateway_given_slot *slots[M4H_GATEWAY_GIVEN_MAX]; /* oldest first */
    size_t count;
};

void m4h_gateway_given_free(struct m4h_gateway_given *given);

/* A slot of that slave was the answer to that request. Forgotten where memory is short. */
void m4h_gateway_given_add(struct m4h_gateway_given *given, const char *slave_id,
                           const char *request_id);
/* Takes out all of that slave; fills `ids` and returns how many there were. */
size_t m4h_gateway_given_take(struct m4h_gateway_given *given, const char *slave_id,
                              char ids[M4H_GATEWAY_GIVEN_MAX][M4H_REQUEST_ID_MAX + 1]);

#endif
