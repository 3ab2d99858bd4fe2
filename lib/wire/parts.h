/* Private to lib/wire: the messages that sit inside others. A `parts` struct
 * holds one of them and what it points to beside the model; it must not move
 * after its write, and lives as long as the model's struct. Pure. */
#ifndef M4H_WIRE_PARTS_H
#define M4H_WIRE_PARTS_H

#include "google/protobuf/timestamp.pb-c.h"
#include "lib/base/model.h"
#include "lib/wire/label_parts.h"
#include "mas4h/v1/problem.pb-c.h"
#include "mas4h/v1/slave.pb-c.h"
#include "mas4h/v1/tunnel.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_wire_tunnel_parts {
    Mas4h__V1__Tunnel message;
    Google__Protobuf__Timestamp connected_at;
    char tunnel_id[M4H_TUNNEL_ID_TEXT_MAX];
    uint32_t other_ports[M4H_TUNNEL_PORTS_MAX];
    struct m4h_wire_label_parts labels;
};

void m4h_wire_write_tunnel(struct m4h_wire_tunnel_parts *parts, const struct m4h_tunnel *tunnel);
bool m4h_wire_read_tunnel(const Mas4h__V1__Tunnel *message, struct m4h_tunnel *out);

struct m4h_wire_info_parts {
    Mas4h__V1__SlaveInfo message;
    Google__Protobuf__Timestamp started_at;
    char *host_keys[M4H_HOST_KEYS_MAX];
};

void m4h_wire_write_info(struct m4h_wire_info_parts *parts, const struct m4h_slave_info *info);
bool m4h_wire_read_info(const Mas4h__V1__SlaveInfo *message, struct m4h_slave_info *out);

bool m4h_wire_read_host_keys(size_t count, char **keys,
                             char out[M4H_HOST_KEYS_MAX][M4H_HOST_KEY_MAX + 1], uint8_t *out_count);

/* The states that a slave gives itself; `silent` is for masters to add. One of a
 * later version reads as draining: it keeps its tunnels and gets no device. */
bool m4h_wire_read_state(Mas4h__V1__SlaveState state, bool may_be_silent,
                         enum m4h_slave_state *out);

/* True where `problem` is one: the reply then holds nothing else. NULL is none. */
bool m4h_wire_is_problem(const struct m4h_problem *problem);
void m4h_wire_write_problem(Mas4h__V1__Problem *message, const struct m4h_problem *problem);
/* A code that this version does not know reads as M4H_PROBLEM_INTERNAL. */
bool m4h_wire_read_problem(const Mas4h__V1__Problem *message, struct m4h_problem *out);

#endif
