/* Every kind of message, so that a test can be run on all of them. */
#ifndef M4H_TESTS_UNIT_WIRE_KINDS_H
#define M4H_TESTS_UNIT_WIRE_KINDS_H

#include "lib/base/buffer.h"

#include <stddef.h>
#include <stdint.h>

struct wire_kind {
    const char *name;
    size_t max; /* the most bytes that its decoder takes */
    /* Encodes one with every field set. The error of the encoder. */
    int (*make)(struct m4h_buffer *out);
    /* Decodes, and encodes what came out. The first error. */
    int (*recode)(const uint8_t *data, size_t len, struct m4h_buffer *out);
};

enum {
    KIND_CONNECT,
    KIND_DISCONNECT,
    KIND_LOAD,
    KIND_START,
    KIND_DRAIN,
    KIND_STOP,
    KIND_REFUSE,
    KIND_FLAPPING,
    KIND_DISPATCH_REQUEST,
    KIND_DISPATCH_REPLY,
    KIND_DISPATCH_PROBLEM,
    KIND_AUTHORIZE_REQUEST,
    KIND_AUTHORIZE_ALLOW,
    KIND_AUTHORIZE_DENY,
    KIND_AUTHORIZE_PROBLEM,
    KIND_CLUSTER_REQUEST,
    KIND_CLUSTER_REPLY,
    KIND_CLUSTER_PROBLEM,
    KIND_SLAVES_REQUEST,
    KIND_SLAVES_REPLY,
    KIND_SLAVES_PROBLEM,
    KIND_TUNNELS_REQUEST,
    KIND_TUNNELS_REPLY,
    KIND_TUNNELS_PROBLEM,
    KIND_TUNNEL_REQUEST,
    KIND_TUNNEL_REPLY,
    KIND_TUNNEL_PROBLEM,
    KIND_KICK_REQUEST,
    KIND_KICK_REPLY,
    KIND_KICK_PROBLEM,
    KIND_DRAIN_REQUEST,
    KIND_DRAIN_REPLY,
    KIND_DRAIN_PROBLEM,
    KIND_SNAPSHOT_REQUEST,
    KIND_SNAPSHOT_REPLY,
    KIND_SNAPSHOT_PROBLEM,
    KIND_REVOKE,
    KIND_HELLO,
    KIND_RESERVATIONS,
    KIND_SLOT_REQUEST,
    KIND_SLOT_ANSWER,
    KIND_SLOT_PROBLEM,
    KIND_DRAIN_NOTICE,
    KIND_ACCESS,
    KIND_RELOAD,
    KIND_AUTHORIZE_OPERATOR,
    KIND_AUTHORIZE_SLAVE,
    KIND_LOCATE_REQUEST,
    KIND_LOCATE_REPLY,
    KIND_LOCATE_PROBLEM,
    KIND_REVOKE_REQUEST,
    KIND_REVOKE_REPLY,
    KIND_REVOKE_PROBLEM,
    KIND_REVOCATIONS_REQUEST,
    KIND_REVOCATIONS_REPLY,
    KIND_REVOCATIONS_PROBLEM,
    KIND_DEVICES_REQUEST,
    KIND_DEVICES_REPLY,
    KIND_DEVICES_PROBLEM,
    KIND_DEVICES_CHANGED,
    KIND_DEVICE_GET,
    KIND_DEVICE_REMOVE,
    KIND_DEVICE_PUT,
    KIND_DEVICE_REPLY,
    KIND_DEVICE_PROBLEM,
    KIND_AUDIT_RECORD,
    KIND_COUNT,
};

extern const struct wire_kind wire_kinds[KIND_COUNT];

#endif
