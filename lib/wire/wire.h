/* Bytes of mas4h.v1 messages <-> the plain structs of lib/base/model.h.
 *
 * Encoding adds to `out` and can fail only with M4H_ENOMEM or M4H_ETOOBIG (the
 * buffer is then as before). Decoding checks everything that the model promises
 * - sizes first, then the text of each string, then ranges - and returns
 * M4H_ETOOBIG, M4H_EPROTOCOL (not such a message, or a field breaks its rule) or
 * M4H_ENOMEM; `*out` is then undefined. Unknown fields are ignored, unknown
 * enum values become 0 where a reason is only told on, M4H_PROBLEM_INTERNAL in a
 * problem, M4H_DISCONNECT_KICKED in a kick, M4H_SLAVE_DRAINING as a state, M4H_DEVICE_DISABLED as
 * that of a device.
 * Any thread; no state. */
#ifndef M4H_WIRE_WIRE_H
#define M4H_WIRE_WIRE_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/model.h"

/* The largest message of all, as nats-server should be told (max_payload). */
#define M4H_WIRE_MESSAGE_MAX (256u * 1024u)

/* Events. One of a type that only a later version knows is decoded as M4H_EVENT_OTHER: its
 * envelope, and nothing of its payload. */
M4H_MUST_CHECK int m4h_wire_event_encode(const struct m4h_event *event, struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_event_decode(const uint8_t *data, size_t len, struct m4h_event *out);

/* Dispatch. */
M4H_MUST_CHECK int m4h_wire_dispatch_request_encode(const struct m4h_dispatch_request *request,
                                                    struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_dispatch_request_decode(const uint8_t *data, size_t len,
                                                    struct m4h_dispatch_request *out);
/* A reply holds a slot, or, where `problem->code` is not 0, the problem; the
 * other is then not looked at when encoding (and may be NULL, as `problem` may
 * be for none), and all zero when decoding. The same holds for every reply below. */
M4H_MUST_CHECK int m4h_wire_dispatch_reply_encode(const struct m4h_slot *slot,
                                                  const struct m4h_problem *problem,
                                                  struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_dispatch_reply_decode(const uint8_t *data, size_t len,
                                                  struct m4h_slot *slot,
                                                  struct m4h_problem *problem);

/* The WebSocket of slots: what a client says to a gateway, and hears. */
M4H_MUST_CHECK int m4h_wire_slot_request_encode(const struct m4h_dispatch_request *request,
                                                struct m4h_buffer *out);
/* On an error `problem` says what is wrong, for the client (unless it is M4H_ENOMEM), and
 * `out->request_id` is filled where it could be read, else empty. */
M4H_MUST_CHECK int m4h_wire_slot_request_decode(const uint8_t *data, size_t len,
                                                struct m4h_dispatch_request *out,
                                                struct m4h_problem *problem);
M4H_MUST_CHECK int m4h_wire_slot_answer_encode(const char *request_id, const struct m4h_slot *slot,
                                               const struct m4h_problem *problem,
                                               struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_slot_answer_decode(const uint8_t *data, size_t len,
                                               char request_id[M4H_REQUEST_ID_MAX + 1],
                                               struct m4h_slot *slot, struct m4h_problem *problem);
M4H_MUST_CHECK int m4h_wire_drain_notice_encode(const struct m4h_drain_notice *notice,
                                                struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_drain_notice_decode(const uint8_t *data, size_t len,
                                                struct m4h_drain_notice *out);

/* Authorize. */
M4H_MUST_CHECK int m4h_wire_authorize_request_encode(const struct m4h_authorize_request *request,
                                                     struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_authorize_request_decode(const uint8_t *data, size_t len,
                                                     struct m4h_authorize_request *out);
M4H_MUST_CHECK int m4h_wire_authorize_reply_encode(const struct m4h_authorize_reply *reply,
                                                   const struct m4h_problem *problem,
                                                   struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_authorize_reply_decode(const uint8_t *data, size_t len,
                                                   struct m4h_authorize_reply *reply,
                                                   struct m4h_problem *problem);

/* Status. A decoded array is allocated: free() it; NULL where count is 0 or a
 * problem came. Page requests: a page_size of 0 on the wire becomes the default,
 * a larger one than the most becomes the most.
 *
 * A page of slaves or tunnels (at most M4H_PAGE_SIZE_MAX are given, else
 * M4H_ETOOBIG) holds as many of them as fit into M4H_WIRE_MESSAGE_MAX and into
 * `out`: 500 slaves with three RSA host keys each do not. Where some are left
 * out, its next_page_token is not the one given but the slave_id or client_key
 * of the last one in it: see m4h_page_request. So neither side has to care. */
M4H_MUST_CHECK int m4h_wire_cluster_request_encode(const char *request_id, struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_cluster_request_decode(const uint8_t *data, size_t len,
                                                   char request_id[M4H_REQUEST_ID_MAX + 1]);
M4H_MUST_CHECK int m4h_wire_cluster_reply_encode(const struct m4h_cluster_status *cluster,
                                                 const struct m4h_region_status *regions,
                                                 size_t region_count,
                                                 const struct m4h_problem *problem,
                                                 struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_cluster_reply_decode(const uint8_t *data, size_t len,
                                                 struct m4h_cluster_status *cluster,
                                                 struct m4h_region_status **regions,
                                                 size_t *region_count, struct m4h_problem *problem);

M4H_MUST_CHECK int m4h_wire_slaves_request_encode(const struct m4h_page_request *request,
                                                  struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_slaves_request_decode(const uint8_t *data, size_t len,
                                                  struct m4h_page_request *out);
M4H_MUST_CHECK int m4h_wire_slaves_reply_encode(const struct m4h_slave_status *slaves, size_t count,
                                                const char *next_page_token,
                                                const struct m4h_problem *problem,
                                                struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_slaves_reply_decode(const uint8_t *data, size_t len,
                                                struct m4h_slave_status **slaves, size_t *count,
                                                char next_page_token[M4H_PAGE_TOKEN_MAX + 1],
                                                struct m4h_problem *problem);

M4H_MUST_CHECK int m4h_wire_tunnels_request_encode(const struct m4h_page_request *request,
                                                   struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_tunnels_request_decode(const uint8_t *data, size_t len,
                                                   struct m4h_page_request *out);
M4H_MUST_CHECK int m4h_wire_tunnels_reply_encode(const struct m4h_tunnel_status *tunnels,
                                                 size_t count, const char *next_page_token,
                                                 const struct m4h_problem *problem,
                                                 struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_tunnels_reply_decode(const uint8_t *data, size_t len,
                                                 struct m4h_tunnel_status **tunnels, size_t *count,
                                                 char next_page_token[M4H_PAGE_TOKEN_MAX + 1],
                                                 struct m4h_problem *problem);

M4H_MUST_CHECK int m4h_wire_tunnel_request_encode(const char *client_key, const char *request_id,
                                                  struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_tunnel_request_decode(const uint8_t *data, size_t len,
                                                  char client_key[M4H_CLIENT_KEY_MAX + 1],
                                                  char request_id[M4H_REQUEST_ID_MAX + 1]);
M4H_MUST_CHECK int m4h_wire_tunnel_reply_encode(const struct m4h_tunnel_status *tunnel,
                                                const struct m4h_problem *problem,
                                                struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_tunnel_reply_decode(const uint8_t *data, size_t len,
                                                struct m4h_tunnel_status *tunnel,
                                                struct m4h_problem *problem);

/* Commands to a slave. The good answer to a kick has nothing in it. */
M4H_MUST_CHECK int m4h_wire_kick_request_encode(const struct m4h_kick_request *request,
                                                struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_kick_request_decode(const uint8_t *data, size_t len,
                                                struct m4h_kick_request *out);
M4H_MUST_CHECK int m4h_wire_kick_reply_encode(const struct m4h_problem *problem,
                                              struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_kick_reply_decode(const uint8_t *data, size_t len,
                                              struct m4h_problem *problem);

M4H_MUST_CHECK int m4h_wire_drain_request_encode(const struct m4h_drain_request *request,
                                                 struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_drain_request_decode(const uint8_t *data, size_t len,
                                                 struct m4h_drain_request *out);
M4H_MUST_CHECK int m4h_wire_drain_reply_encode(uint32_t tunnels, const struct m4h_problem *problem,
                                               struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_drain_reply_decode(const uint8_t *data, size_t len, uint32_t *tunnels,
                                               struct m4h_problem *problem);

M4H_MUST_CHECK int m4h_wire_snapshot_request_encode(const struct m4h_snapshot_request *request,
                                                    struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_snapshot_request_decode(const uint8_t *data, size_t len,
                                                    struct m4h_snapshot_request *out);
/* A page has at most M4H_PAGE_SIZE_MAX tunnels, else M4H_ETOOBIG when encoding;
 * M4H_SNAPSHOT_PAGE_TUNNELS always fit, whatever is in them. */
M4H_MUST_CHECK int m4h_wire_snapshot_reply_encode(const struct m4h_snapshot_page *page,
                                                  const struct m4h_tunnel *tunnels, size_t count,
                                                  const struct m4h_problem *problem,
                                                  struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_snapshot_reply_decode(const uint8_t *data, size_t len,
                                                  struct m4h_snapshot_page *page,
                                                  struct m4h_tunnel **tunnels, size_t *count,
                                                  struct m4h_problem *problem);

/* Among masters. At most M4H_SHARED_RESERVATIONS_MAX, else M4H_ETOOBIG when encoding. A
 * decoded array is allocated: free() it; NULL where count is 0. */
M4H_MUST_CHECK int m4h_wire_hello_encode(const struct m4h_master_hello *hello,
                                         struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_hello_decode(const uint8_t *data, size_t len,
                                         struct m4h_master_hello *out);
M4H_MUST_CHECK int m4h_wire_reservations_encode(const char *master_id, uint64_t instance,
                                                const struct m4h_shared_reservation *reservations,
                                                size_t count, struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_reservations_decode(const uint8_t *data, size_t len,
                                                char master_id[M4H_ID_MAX + 1], uint64_t *instance,
                                                struct m4h_shared_reservation **reservations,
                                                size_t *count);

/* Revocations. A page has at most M4H_REVOCATIONS_PAGE_MAX of them, which always fit, else
 * M4H_ETOOBIG when encoding. A decoded array is allocated: free() it; NULL where count is 0 or a
 * problem came. A page_size of 0 on the wire, or one beyond the most, becomes the most. */
M4H_MUST_CHECK int m4h_wire_revoke_encode(const struct m4h_revoke *revoke, struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_revoke_decode(const uint8_t *data, size_t len, struct m4h_revoke *out);

M4H_MUST_CHECK int m4h_wire_revoke_request_encode(const struct m4h_revoke_request *request,
                                                  struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_revoke_request_decode(const uint8_t *data, size_t len,
                                                  struct m4h_revoke_request *out);
M4H_MUST_CHECK int m4h_wire_revoke_reply_encode(const struct m4h_revoke *revoked,
                                                const struct m4h_problem *problem,
                                                struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_revoke_reply_decode(const uint8_t *data, size_t len,
                                                struct m4h_revoke *revoked,
                                                struct m4h_problem *problem);

M4H_MUST_CHECK int
m4h_wire_revocations_request_encode(const struct m4h_revocations_request *request,
                                    struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_revocations_request_decode(const uint8_t *data, size_t len,
                                                       struct m4h_revocations_request *out);
M4H_MUST_CHECK int m4h_wire_revocations_reply_encode(const struct m4h_revoke *revocations,
                                                     size_t count, const char *next_page_token,
                                                     uint64_t digest,
                                                     const struct m4h_problem *problem,
                                                     struct m4h_buffer *out);
M4H_MUST_CHECK int
m4h_wire_revocations_reply_decode(const uint8_t *data, size_t len, struct m4h_revoke **revocations,
                                  size_t *count, char next_page_token[M4H_REVOCATION_NAME_MAX + 1],
                                  uint64_t *digest, struct m4h_problem *problem);

/* Where a device hangs. `master_id`, that answers, comes with a problem too. */
M4H_MUST_CHECK int m4h_wire_locate_request_encode(const struct m4h_locate_request *request,
                                                  struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_locate_request_decode(const uint8_t *data, size_t len,
                                                  struct m4h_locate_request *out);
M4H_MUST_CHECK int m4h_wire_locate_reply_encode(const struct m4h_located *located,
                                                const char *master_id,
                                                const struct m4h_problem *problem,
                                                struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_locate_reply_decode(const uint8_t *data, size_t len,
                                                struct m4h_located *located,
                                                char master_id[M4H_ID_MAX + 1],
                                                struct m4h_problem *problem);

/* Records of devices. What a record may hold together (a client key or an operator, a
 * public key of that fingerprint) is for the registry to judge: here each field is checked by
 * itself, and only its fingerprint must be there.
 *
 * Lists: at most M4H_DEVICES_PAGE_MAX are given, else M4H_ETOOBIG; as many of them as fit are in
 * the message, and at least one. A page that leaves some out has the fingerprint of its last one
 * as next_page_token; of those that changed the rest, from `*taken` on, go in another message.
 * Decoded arrays and page sizes: as of revocations. */
M4H_MUST_CHECK int m4h_wire_device_get_encode(const struct m4h_device_request *request,
                                              struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_device_get_decode(const uint8_t *data, size_t len,
                                              struct m4h_device_request *out);
M4H_MUST_CHECK int m4h_wire_device_remove_encode(const struct m4h_device_request *request,
                                                 struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_device_remove_decode(const uint8_t *data, size_t len,
                                                 struct m4h_device_request *out);
M4H_MUST_CHECK int m4h_wire_device_put_encode(const struct m4h_device_put *put,
                                              struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_device_put_decode(const uint8_t *data, size_t len,
                                              struct m4h_device_put *out);
/* One by itself, as a master keeps it. */
M4H_MUST_CHECK int m4h_wire_device_encode(const struct m4h_device_record *device,
                                          struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_device_decode(const uint8_t *data, size_t len,
                                          struct m4h_device_record *out);
/* To get, put and remove. */
M4H_MUST_CHECK int m4h_wire_device_reply_encode(const struct m4h_device_record *device,
                                                const struct m4h_problem *problem,
                                                struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_device_reply_decode(const uint8_t *data, size_t len,
                                                struct m4h_device_record *device,
                                                struct m4h_problem *problem);

M4H_MUST_CHECK int m4h_wire_devices_request_encode(const struct m4h_devices_request *request,
                                                   struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_devices_request_decode(const uint8_t *data, size_t len,
                                                   struct m4h_devices_request *out);
M4H_MUST_CHECK int m4h_wire_devices_reply_encode(const struct m4h_device_record *devices,
                                                 size_t count, const char *next_page_token,
                                                 const struct m4h_problem *problem,
                                                 struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_devices_reply_decode(const uint8_t *data, size_t len,
                                                 struct m4h_device_record **devices, size_t *count,
                                                 char next_page_token[M4H_PAGE_TOKEN_MAX + 1],
                                                 struct m4h_problem *problem);

M4H_MUST_CHECK int m4h_wire_devices_changed_encode(const char *master_id, uint64_t instance,
                                                   const struct m4h_device_record *devices,
                                                   size_t count, size_t *taken,
                                                   struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_devices_changed_decode(const uint8_t *data, size_t len,
                                                   char master_id[M4H_ID_MAX + 1],
                                                   uint64_t *instance,
                                                   struct m4h_device_record **devices,
                                                   size_t *count);

/* What people and masters have changed. */
M4H_MUST_CHECK int m4h_wire_audit_record_encode(const struct m4h_audit_record *record,
                                                struct m4h_buffer *out);
M4H_MUST_CHECK int m4h_wire_audit_record_decode(const uint8_t *data, size_t len,
                                                struct m4h_audit_record *out);

#endif
