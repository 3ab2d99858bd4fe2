/* The JSON documents of REST and of the WebSocket <-> the structs of
 * lib/base/model.h. Member names are those of the public contract; times are
 * RFC 3339 in UTC, or null where there is none; a tunnel id is its text.
 *
 * Writing adds to `out`: M4H_ENOMEM or M4H_ETOOBIG, the buffer is then as before.
 * Any thread; no state. */
#ifndef M4H_JSON_JSON_H
#define M4H_JSON_JSON_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/event_stream.h"
#include "lib/base/model.h"

/* ---- status ---------------------------------------------------------------- */

M4H_MUST_CHECK int m4h_json_cluster(struct m4h_buffer *out,
                                    const struct m4h_cluster_status *cluster,
                                    const struct m4h_region_status *regions, size_t region_count);
M4H_MUST_CHECK int m4h_json_slave(struct m4h_buffer *out, const struct m4h_slave_status *slave);
M4H_MUST_CHECK int m4h_json_tunnel(struct m4h_buffer *out, const struct m4h_tunnel_status *tunnel);

/* {"slaves": [...], "next_page_token": ""}, and the same of tunnels. */
M4H_MUST_CHECK int m4h_json_slaves(struct m4h_buffer *out, const struct m4h_slave_status *slaves,
                                   size_t count, const char *next_page_token);
M4H_MUST_CHECK int m4h_json_tunnels(struct m4h_buffer *out, const struct m4h_tunnel_status *tunnels,
                                    size_t count, const char *next_page_token);

/* {"slave_id": "...", "tunnels": 17}: the slave drains, so many have to leave. */
M4H_MUST_CHECK int m4h_json_draining(struct m4h_buffer *out, const char *slave_id,
                                     uint32_t tunnels);

/* ---- events ------------------------------------------------------------------ */

/* {"event_id", "type", "slave_id", "region", "epoch", "seq", "time", "TYPE": {payload}}, the
 * payload's members as in proto/mas4h/v1/event.proto; reasons and states by their short names.
 * `stamp` and `digest`, which pass 2^53, are decimal texts. An event of a type that is not known
 * here has "type": "unknown" and no payload. */
M4H_MUST_CHECK int m4h_json_event(struct m4h_buffer *out, const struct m4h_event *event);

/* What a feed of events says between them.
 * {"gateway_id": "g1", "version": "5.0.0", "resumes": true}: whether its ids can be resumed from.
 */
M4H_MUST_CHECK int m4h_json_feed_hello(struct m4h_buffer *out, const char *gateway_id,
                                       bool resumes);
/* {"reason": "nats_away", "after_id": "7", "before_id": "9"}: events may be missing between the
 * two; NULL: left out, not known. */
M4H_MUST_CHECK int m4h_json_feed_gap(struct m4h_buffer *out, const char *reason,
                                     const char *after_id, const char *before_id);
/* {"reason": "slow"} */
M4H_MUST_CHECK int m4h_json_feed_end(struct m4h_buffer *out, const char *reason);

/* ---- problems (RFC 9457) ---------------------------------------------------- */

/* The document has a `type` "urn:mas4h:problem:CODE" and a `title` that belongs
 * to the code. */
struct m4h_json_problem {
    unsigned status;        /* of HTTP */
    const char *code;       /* "no_capacity" */
    const char *detail;     /* NULL or empty: left out; so are those below */
    const char *instance;   /* the path that was asked for */
    const char *request_id; /* of this request */
    uint32_t retry_after_ms;
};

M4H_MUST_CHECK int m4h_json_problem(struct m4h_buffer *out, const struct m4h_json_problem *problem);

/* ---- who asks --------------------------------------------------------------- */

/* {"name": "...", "scopes": ["read"], "open": false, "expires_at": null} */
struct m4h_json_session {
    const char *name; /* of the token; "" where none is needed */
    const char *scopes[4];
    size_t scope_count;
    bool is_open;             /* no token is needed */
    uint64_t expires_wall_ms; /* 0: never */
};

M4H_MUST_CHECK int m4h_json_session(struct m4h_buffer *out, const struct m4h_json_session *session);

/* ---- JetStream ------------------------------------------------------------- */

/* What JetStream's API answers to a call about a stream; `error_code` 0: done, and the rest is
 * what the stream is and has. */
struct m4h_json_stream_reply {
    uint32_t error_code;
    char description[128];
    struct m4h_event_stream stream;
    struct m4h_event_stream_state state;
};

/* A stream as STREAM.CREATE takes it. */
M4H_MUST_CHECK int m4h_json_stream(struct m4h_buffer *out, const struct m4h_event_stream *stream);
/* What STREAM.UPDATE takes to make the stream of which STREAM.INFO answered `info` the wished
 * one; what a wish does not name stays. M4H_EINVALID: `info` is none. */
M4H_MUST_CHECK int m4h_json_stream_change(struct m4h_buffer *out, const uint8_t *info,
                                          size_t info_len, const struct m4h_event_stream *wished);
/* M4H_EINVALID: no JSON object. */
M4H_MUST_CHECK int m4h_json_stream_reply_parse(const uint8_t *data, size_t len,
                                               struct m4h_json_stream_reply *reply);

/* Reading it: a push consumer without acknowledgements, as CONSUMER.CREATE takes it. */
struct m4h_json_consumer {
    const char *stream;
    const char *name;
    const char *deliver_subject;
    uint64_t start_seq;
    uint64_t heartbeat_ms; /* it says something so often */
    uint64_t inactive_ms;  /* it goes when nobody listens for so long */
};

M4H_MUST_CHECK int m4h_json_consumer(struct m4h_buffer *out,
                                     const struct m4h_json_consumer *consumer);
/* Of what STREAM.INFO answers. M4H_ENOTFOUND: there is no stream. */
M4H_MUST_CHECK int m4h_json_stream_state_parse(const uint8_t *data, size_t len, uint64_t *first_seq,
                                               uint64_t *last_seq);

/* One message of the stream, by STREAM.MSG.GET. */
struct m4h_json_stored {
    uint64_t seq;
    uint64_t wall_ms; /* when it was stored; 0: not said */
    char subject[256];
};

M4H_MUST_CHECK int m4h_json_stored_request(struct m4h_buffer *out, uint64_t seq);
/* Its bytes are added to `payload`. M4H_ENOTFOUND: there is none with that number;
 * M4H_EUNAVAILABLE: JetStream cannot say now; M4H_EPROTOCOL, M4H_EINVALID (base64), M4H_ETOOBIG
 * (for `payload`). */
M4H_MUST_CHECK int m4h_json_stored_parse(const uint8_t *data, size_t len,
                                         struct m4h_json_stored *stored,
                                         struct m4h_buffer *payload);

/* ---- the audit --------------------------------------------------------------- */

/* {"audit": [...], "next_page_token": "..."}: an entry's id is its record_id, its source the
 * service_id. */
M4H_MUST_CHECK int m4h_json_audit(struct m4h_buffer *out, const struct m4h_audit_record *entries,
                                  size_t count, const char *next_page_token);

/* ---- slots ------------------------------------------------------------------- */

/* What m4h_json_slot_request_parse reads: a request, its members NULL where they are not given. */
M4H_MUST_CHECK int m4h_json_slot_request(struct m4h_buffer *out, const char *region,
                                         const char *client_key);

/* {"slot": {...}} */
M4H_MUST_CHECK int m4h_json_slot(struct m4h_buffer *out, const struct m4h_slot *slot);
/* {"request_id": "1", "slot": {...}} */
M4H_MUST_CHECK int m4h_json_slot_answer(struct m4h_buffer *out, const char *request_id,
                                        const struct m4h_slot *slot);
/* {"request_id": "1", "error": {problem}} */
M4H_MUST_CHECK int m4h_json_slot_error(struct m4h_buffer *out, const char *request_id,
                                       const struct m4h_json_problem *problem);

/* {"notice": {"type": "drain", "slave_id": "s1", "slots": ["1", "2"]}}: the slave of these slots
 * begins to drain. */
M4H_MUST_CHECK int m4h_json_slot_notice(struct m4h_buffer *out,
                                        const struct m4h_drain_notice *notice);

/* Larger requests are refused unread. */
#define M4H_JSON_REQUEST_MAX 16384

/* Reads {"region": "eu", "client_key": "..."}; both may be missing, and so may
 * the whole document (`len` 0). Members that are not known are ignored, so that
 * older gateways serve newer clients. M4H_EPROTOCOL: it is not JSON;
 * M4H_EINVALID: a member of it is wrong; `problem` says what, for the client. Or
 * M4H_ENOMEM. `request->request_id` is left empty. */
M4H_MUST_CHECK int m4h_json_slot_request_parse(const uint8_t *data, size_t len,
                                               struct m4h_dispatch_request *request,
                                               struct m4h_problem *problem);
/* The same with "request_id", 1 to 64 bytes, which must be there; it is filled
 * also on an error where it could be read. */
M4H_MUST_CHECK int m4h_json_slot_message_parse(const uint8_t *data, size_t len,
                                               struct m4h_dispatch_request *request,
                                               struct m4h_problem *problem);

#endif
