/* The documents of REST as a client of a gateway reads them: json.h the other way
 * round. They come from a server that the user chose, of this version or a later
 * one. So members that are not known are skipped, and one that is missing, or not what it
 * should be, is as if it were empty, 0 or false. Texts become valid text that
 * fits: lib/base/ident.h.
 *
 * All return 0, M4H_EINVALID (not JSON, or not the document) or M4H_ENOMEM. Any
 * thread; no state. */
#ifndef M4H_JSON_READ_H
#define M4H_JSON_READ_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "lib/base/model.h"

/* The token of the next page, with its NUL; opaque to a client. */
#define M4H_JSON_TOKEN_MAX 512

/* `*regions` is allocated, the caller's to free; NULL on an error. */
M4H_MUST_CHECK int m4h_json_cluster_read(const uint8_t *data, size_t len,
                                         struct m4h_cluster_status *cluster,
                                         struct m4h_region_status **regions, size_t *region_count);
M4H_MUST_CHECK int m4h_json_slave_read(const uint8_t *data, size_t len,
                                       struct m4h_slave_status *slave);
M4H_MUST_CHECK int m4h_json_tunnel_read(const uint8_t *data, size_t len,
                                        struct m4h_tunnel_status *tunnel);

/* One page. The array is allocated, the caller's to free; NULL on an error. */
M4H_MUST_CHECK int m4h_json_slaves_read(const uint8_t *data, size_t len,
                                        struct m4h_slave_status **slaves, size_t *count,
                                        char next_page_token[M4H_JSON_TOKEN_MAX]);
M4H_MUST_CHECK int m4h_json_tunnels_read(const uint8_t *data, size_t len,
                                         struct m4h_tunnel_status **tunnels, size_t *count,
                                         char next_page_token[M4H_JSON_TOKEN_MAX]);

/* One page as lines: each element of its list, at most `max` of them, as one document with a line
 * feed behind it, is added to `out`, with all that the server said. M4H_ETOOBIG, too. `*count`:
 * how many. */
M4H_MUST_CHECK int m4h_json_lines(const uint8_t *data, size_t len, const char *list, size_t max,
                                  struct m4h_buffer *out, size_t *count,
                                  char next_page_token[M4H_JSON_TOKEN_MAX]);

/* A page of the audit, as m4h_json_audit writes it; the same for the array. */
M4H_MUST_CHECK int m4h_json_audit_read(const uint8_t *data, size_t len,
                                       struct m4h_audit_record **entries, size_t *count,
                                       char next_page_token[M4H_JSON_TOKEN_MAX]);

/* {"slot": {...}} */
M4H_MUST_CHECK int m4h_json_slot_read(const uint8_t *data, size_t len, struct m4h_slot *slot);

/* {"slave_id": "...", "tunnels": 17} */
M4H_MUST_CHECK int m4h_json_draining_read(const uint8_t *data, size_t len, uint32_t *tunnels);

/* An event, as m4h_json_event writes it. A type that is not known is M4H_EVENT_OTHER. */
M4H_MUST_CHECK int m4h_json_event_read(const uint8_t *data, size_t len, struct m4h_event *event);

/* A problem document. */
struct m4h_json_refusal {
    char code[64]; /* "no_capacity"; empty: it was not said */
    char title[M4H_DETAIL_MAX + 1];
    char detail[M4H_DETAIL_MAX + 1];
    char request_id[M4H_REQUEST_ID_MAX + 1];
    uint32_t retry_after_ms;
};

M4H_MUST_CHECK int m4h_json_refusal_read(const uint8_t *data, size_t len,
                                         struct m4h_json_refusal *refusal);

/* {"reason": "slow"}, and the like: one member that is a text. */
M4H_MUST_CHECK int m4h_json_text_read(const uint8_t *data, size_t len, const char *name, char *out,
                                      size_t out_size);

#endif
