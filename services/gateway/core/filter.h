/* Which events a reader wants. Pure. */
#ifndef M4H_GATEWAY_FILTER_H
#define M4H_GATEWAY_FILTER_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stdbool.h>
#include <stdint.h>

#define M4H_GATEWAY_FILTER_VALUES_MAX 16

/* Zeroed, it lets all events pass but load. What is named by one of the lists is any of its
 * values; the lists all have to agree. An event that names no device does not pass a list of
 * client keys. */
struct m4h_gateway_filter {
    char regions[M4H_GATEWAY_FILTER_VALUES_MAX][M4H_ID_MAX + 1];
    char slaves[M4H_GATEWAY_FILTER_VALUES_MAX][M4H_ID_MAX + 1];
    char client_keys[M4H_GATEWAY_FILTER_VALUES_MAX][M4H_CLIENT_KEY_MAX + 1];
    uint8_t region_count, slave_count, client_key_count;
    uint32_t types; /* a bit for each m4h_event_type; 0: all but load */
};

/* Adds a value of the query: of "region", "slave" or "type" one or several with commas between
 * them, of "client_key" a single one. Other names are ignored. M4H_EINVALID: `problem` says what is
 * wrong with it; the filter is then of no use. */
M4H_MUST_CHECK int m4h_gateway_filter_add(struct m4h_gateway_filter *filter, const char *name,
                                          const char *value, struct m4h_problem *problem);

bool m4h_gateway_filter_passes(const struct m4h_gateway_filter *filter,
                               const struct m4h_event *event);

#endif
