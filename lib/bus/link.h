/* One connection to a server, from its opening to its end: it does not come
 * back, another one takes its place. Opened, run, used and closed by the bus's
 * own thread. Private to lib/bus. */
#ifndef M4H_BUS_LINK_H
#define M4H_BUS_LINK_H

#include "lib/base/attributes.h"

#include <nats/nats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More subscriptions than this are refused. */
#define M4H_LINK_TOPICS_MAX 64

struct m4h_link_topic {
    char *subject;
    char *queue; /* NULL: none */
};

struct m4h_link_config {
    natsOptions *options;                /* changed */
    const struct m4h_link_topic *topics; /* the last is that of the replies */
    size_t topic_count;
    uint32_t silence_ms; /* see bus.h */
    int wake_fd;         /* an eventfd that ends m4h_link_run; cleared there */
    /* The message is the receiver's; in order within a topic. Inside m4h_link_open,
     * _run and _flush; for replies on a thread of the library, never after
     * m4h_link_close. It must not call a function of the link. */
    void (*on_message)(void *context, uint32_t topic, natsMsg *message);
    /* The server says that the user may not do something, in its words (borrowed). On a thread
     * of the library, never after m4h_link_close, under the same rule. */
    void (*on_violation)(void *context, const char *text);
    void *context;
};

struct m4h_link;

/* Connects, which blocks for at most M4H_BUS_CONNECT_MS for each server (and
 * for as long as their names take to resolve), and subscribes; on return the
 * server knows the subscriptions. `config` is borrowed until the close. `*link`
 * is NULL on error: M4H_EUNAVAILABLE, said in `reason` (the
 * thread's, until it opens another). */
M4H_MUST_CHECK int m4h_link_open(struct m4h_link **link, const struct m4h_link_config *config,
                                 const char **reason);
/* Accepts NULL. */
void m4h_link_close(struct m4h_link *link);

/* Writes what was sent and reads what has come, then waits for more until
 * `until_ms` or until it is woken. */
void m4h_link_run(struct m4h_link *link, uint64_t until_ms);
/* True: the connection is lost, and `reason` (static) says why. */
bool m4h_link_is_over(const struct m4h_link *link, const char **reason);

/* Ends the subscriptions with a queue: what the server sent before it heard of that still
 * comes. The second time it does nothing. */
void m4h_link_leave_queues(struct m4h_link *link);

/* Takes a message, to be written by the next run; it stays the caller's.
 * M4H_EAGAIN: the socket is full, run first. M4H_EINVALID: this message cannot
 * be sent, ever. M4H_ECLOSED: the link is over. */
M4H_MUST_CHECK int m4h_link_send(struct m4h_link *link, natsMsg *message);
/* Runs until the server has taken all that was sent. M4H_ETIMEOUT, M4H_ECLOSED. */
M4H_MUST_CHECK int m4h_link_flush(struct m4h_link *link, uint64_t until_ms);
/* The largest payload that the server takes, bytes. */
uint64_t m4h_link_max_payload(struct m4h_link *link);

#endif
