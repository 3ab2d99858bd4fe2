/* One connection to a server, from its opening to its end: it does not come
 * back, another one takes its place. Opened, used and closed by the bus's own
 * thread. Private to lib/bus. */
#ifndef M4H_BUS_LINK_H
#define M4H_BUS_LINK_H

#include "lib/base/attributes.h"

#include <nats/nats.h>
#include <stddef.h>
#include <stdint.h>

/* More subscriptions than this are refused. */
#define M4H_LINK_TOPICS_MAX 64

struct m4h_link_topic {
    char *subject;
    char *queue; /* NULL: none */
};

/* What happens, told from threads of the library, never after m4h_link_close.
 * They must not call a function of the link. */
struct m4h_link_events {
    void *context;
    /* The message is the receiver's. */
    void (*on_message)(void *context, uint32_t topic, natsMsg *message);
    /* The library dropped messages because they came too fast. */
    void (*on_slow)(void *context);
    /* The connection is lost. */
    void (*on_over)(void *context);
};

struct m4h_link;

/* Connects, which blocks for at most M4H_BUS_CONNECT_MS for each server (and
 * for as long as their names take to resolve), and subscribes; on return the
 * server knows the subscriptions. `options` is changed. `*link` is NULL on
 * error: M4H_EUNAVAILABLE, said in `reason` (static). */
M4H_MUST_CHECK int m4h_link_open(struct m4h_link **link, natsOptions *options,
                                 const struct m4h_link_topic *topics, size_t topic_count,
                                 const struct m4h_link_events *events, const char **reason);
/* Accepts NULL. Blocks for what one write may take, M4H_BUS_WRITE_MS. */
void m4h_link_close(struct m4h_link *link);

/* Sends; blocks for at most M4H_BUS_WRITE_MS. The message stays the caller's.
 * M4H_EINVALID: this message cannot be sent, ever. M4H_ECLOSED: it was not sent
 * and the link is of no use any more. */
M4H_MUST_CHECK int m4h_link_send(struct m4h_link *link, natsMsg *message);
/* Waits until the server has taken all that was sent. M4H_ETIMEOUT. */
M4H_MUST_CHECK int m4h_link_flush(struct m4h_link *link, uint64_t timeout_ms);
/* The largest payload that the server takes, bytes. */
uint64_t m4h_link_max_payload(struct m4h_link *link);

#endif
