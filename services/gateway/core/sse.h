/* Server-sent events as text: the event stream of the HTML standard, section 9.2. Pure. */
#ifndef M4H_GATEWAY_SSE_H
#define M4H_GATEWAY_SSE_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/* How long a client waits before it comes back, milliseconds. */
#define M4H_GATEWAY_SSE_RETRY "retry: 2000\n\n"

/* A comment that keeps the connection alive. */
#define M4H_GATEWAY_SSE_HEARTBEAT ":\n\n"

/* Adds one event to `out`: its name, its id (NULL: none, so the client keeps the one before), its
 * data (one line). M4H_ENOMEM, M4H_ETOOBIG; `out` is then as before. */
M4H_MUST_CHECK int m4h_gateway_sse_event(struct m4h_buffer *out, const char *name, const char *id,
                                         const struct m4h_buffer *data);

/* Room for the id of an event that has a number in the stream. */
#define M4H_GATEWAY_SSE_ID_MAX 24
/* A number that no event has: it stands for an id that is no number. */
#define M4H_GATEWAY_SSE_UNKNOWN (UINT64_MAX - 1)

/* The id of an event of the stream, and its number back; false where it is none. Format returns
 * `id`. */
const char *m4h_gateway_sse_id_format(uint64_t seq, char id[M4H_GATEWAY_SSE_ID_MAX]);
bool m4h_gateway_sse_id_parse(const char *id, uint64_t *seq);

#endif
