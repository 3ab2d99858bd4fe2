/* The slots that one WebSocket was given lately. */
#include "services/gateway/core/given.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct m4h_gateway_given_slot {
    const char *request_id; /* in names, behind the slave's id */
    char names[];
};

static void drop(struct m4h_gateway_given *given, size_t at)
{
    free(given->slots[at]);
    given->count--;
    memmove(&given->slots[at], &given->slots[at + 1],
            (given->count - at) * sizeof(given->slots[0]));
}

void m4h_gateway_given_free(struct m4h_gateway_given *given)
{
    while (given->count > 0)
        drop(given, given->count - 1);
}

void m4h_gateway_given_add(struct m4h_gateway_given *given, const char *slave_id,
                           const char *request_id)
{
    size_t slave_size = strlen(slave_id) + 1, request_size = strlen(request_id) + 1;
    struct m4h_gateway_given_slot *slot = malloc(sizeof(*slot) + slave_size + request_size);

    if (slot == NULL)
        return;
    memcpy(slot->names, slave_id, slave_size);
    memcpy(slot->names + slave_size, request_id, request_size);
    slot->request_id = slot->names + slave_size;
    if (given->count == M4H_GATEWAY_GIVEN_MAX)
        drop(given, 0);
    given->slots[given->count++] = slot;
}

size_t m4h_gateway_given_take(struct m4h_gateway_given *given, const char *slave_id,
                              char ids[M4H_GATEWAY_GIVEN_MAX][M4H_REQUEST_ID_MAX + 1])
{
    size_t count = 0, at = 0;

    while (at < given->count) {
        const struct m4h_gateway_given_slot *slot = given->slots[at];

        if (strcmp(slot->names, slave_id) != 0) {
            at++;
            continue;
        }
        snprintf(ids[count++], M4H_REQUEST_ID_MAX + 1, "%s", slot->request_id);
        drop(given, at);
    }
    return count;
}
