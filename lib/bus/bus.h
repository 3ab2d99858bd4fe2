/* The bus: NATS. Publish, request-reply and a fixed set of subscriptions.
 *
 * One owner thread (a loop) makes all calls here. A thread of ours inside talks
 * to the library, so that no call here ever blocks but m4h_bus_destroy: not
 * while a server is silent, not during a reconnect. What is given out waits in a
 * bounded queue until it is sent; what comes in waits in another until the owner
 * calls m4h_bus_run, which the `wake` callback asks for.
 *
 * Happy path: create -> (status connected) -> publish, request, on_message ->
 * destroy, which sends what is queued (for at most `flush_ms`) and ends.
 * While the server is away: `M4H_BUS_KEEP` messages wait, in order, and are sent
 * after the reconnect; others are refused with M4H_EUNAVAILABLE, and those that
 * are queued are dropped and counted. Open requests end with M4H_EUNAVAILABLE.
 * It reconnects for ever, to any of the servers of `url`; those that a server
 * tells of are not learnt. A file of the configuration that has changed is read again first.
 *
 * What was sent is not known to have arrived: what a server had not read when it
 * died is lost. A publish that met the end of the connection is sent again. */
#ifndef M4H_BUS_BUS_H
#define M4H_BUS_BUS_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_bus;

/* A message that came in. All is borrowed, valid during the callback only. */
struct m4h_bus_message {
    const char *subject;
    const char *reply; /* NULL: none; see m4h_bus_is_request before answering to it */
    const uint8_t *data;
    size_t len;
    uint64_t arrived_us; /* of m4h_latency_clock_us: since when it waited for the owner */
};

/* Somebody waits for the answer to it in an inbox. A reply subject is not checked by any server:
 * one of mas4h's own would make the answer a message to that subject, with the rights of who
 * answers, and one of the server's ("$JS.ACK...") comes with what a stream delivers. */
bool m4h_bus_is_request(const struct m4h_bus_message *message);

/* On the owner thread, inside m4h_bus_run. What a stream was made to deliver to a subject of
 * mas4h's does not come here: whoever may subscribe to a stream chooses that subject. */
typedef void (*m4h_bus_on_message)(void *context, const struct m4h_bus_message *message);

/* The end of a request, exactly once, inside m4h_bus_run: error 0 and the
 * answer (borrowed), or M4H_ETIMEOUT, or M4H_EUNAVAILABLE (nobody listens
 * there, or the connection is lost). */
typedef void (*m4h_bus_on_reply)(void *context, int error, const uint8_t *data, size_t len);

/* The answer to a message of m4h_bus_publish_acknowledged, inside m4h_bus_run: error 0
 * and the answer (borrowed), or M4H_EUNAVAILABLE: nobody listens there. */
typedef void (*m4h_bus_on_ack)(void *context, uint64_t token, int error, const uint8_t *data,
                               size_t len);

/* Connected or not, inside m4h_bus_run, at each change. */
typedef void (*m4h_bus_on_status)(void *context, bool connected);

struct m4h_bus_subscription {
    const char *subject; /* may hold wildcards */
    const char *queue;   /* queue group, or NULL */
    m4h_bus_on_message on_message;
};

struct m4h_bus_config {
    const char *url;  /* one or several, separated by commas */
    const char *name; /* of this connection, in the server's lists */
    /* What NULL or "" leaves out. */
    const char *credentials;   /* path of a .creds file */
    const char *nkey;          /* path of a file with the seed of a user's nkey */
    const char *user;          /* with password */
    const char *password;      /* or: */
    const char *password_file; /* path: its first line is the password */
    const char *inbox_prefix;  /* of the subjects that answers come to; "_INBOX" */
    const char *tls_ca;        /* path of a PEM file: TLS with that CA */
    const char *tls_cert;      /* path of a PEM file: this side's certificate, */
    const char *tls_key;       /* and its key */
    /* Bounds of both queues; beyond: M4H_EFULL when sending, a counted drop
     * when receiving. */
    uint32_t queue_messages;
    uint32_t queue_bytes;
    /* A server that takes nothing, or does not answer a probe, for so long is left; one is sent
     * each half of that. 0: 10 s. */
    uint32_t silence_ms;
    const struct m4h_bus_subscription *subscriptions; /* borrowed during create */
    size_t subscription_count;                        /* at most 63 */
    m4h_bus_on_status on_status;
    m4h_bus_on_ack on_ack; /* or NULL, then nothing is published acknowledged */
    /* Asks the owner to call m4h_bus_run soon. Any thread, also the owner's;
     * must not block, nor call a function of the bus. */
    void (*wake)(void *wake_context);
    void *wake_context;
    /* Asks the owner to call m4h_bus_run before it waits again, so that what it
     * publishes in one turn goes out together. On the owner's thread only, from
     * publish and request, with `wake_context`. NULL: each message goes out at once. */
    void (*run_soon)(void *wake_context);
    void *context; /* of on_message, on_status and on_ack */
};

struct m4h_bus_stats {
    uint64_t sent_messages;
    uint64_t received_messages;
    uint64_t dropped_out; /* refused: queue full or not connected */
    uint64_t dropped_in;  /* inbound queue full, or slow consumer in the library */
    uint64_t reconnects;
    uint64_t permission_violations; /* each kind is logged once for each connection */
    uint32_t queued_messages;
    uint32_t pending_requests;
};

/* Starts; connects in the background. All of `config` is copied. `*bus` is NULL on
 * error: M4H_EINVALID (a url, subject or file that is none; of url and files the
 * log says more), M4H_ENOMEM, M4H_ESYSTEM. */
M4H_MUST_CHECK int m4h_bus_create(struct m4h_bus **bus, const struct m4h_bus_config *config);
/* Sends what is queued and ends, in at most `flush_ms` + 2.5 s whatever the
 * server does (a thread that the library still holds then is left behind). Open
 * requests are dropped without their callback; no callback comes after it has
 * returned. Blocks; not from a callback of this bus. Accepts NULL. */
void m4h_bus_destroy(struct m4h_bus *bus, uint32_t flush_ms);

/* Sends what was published, delivers what has come in, at most a budget's worth (then
 * wakes again), and ends requests whose time is over. Returns when it must be called again at the
 * latest, on the caller's clock; UINT64_MAX: only when woken. */
uint64_t m4h_bus_run(struct m4h_bus *bus, uint64_t now_ms);

bool m4h_bus_is_connected(const struct m4h_bus *bus);

/* Leaves the queue groups of all subscriptions that have one, for good: as soon as the server
 * has heard of it (a moment later), the others of each group get its messages. What the
 * server had sent before still comes. The other subscriptions stay. */
void m4h_bus_leave_queues(struct m4h_bus *bus);

enum m4h_bus_class {
    M4H_BUS_FRESH, /* of use now only: answers, load */
    M4H_BUS_KEEP,  /* kept while the server is away */
};

/* Sends a copy of `data` to `subject`. `message_id` (or NULL) becomes the header
 * Nats-Msg-Id. M4H_EFULL, M4H_EUNAVAILABLE (fresh and not connected),
 * M4H_ETOOBIG (for the server, 1 MiB before the first connection), M4H_EINVALID
 * (no subject, or an id with spaces), M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_bus_publish(struct m4h_bus *bus, const char *subject,
                                   enum m4h_bus_class class, const char *message_id,
                                   const uint8_t *data, size_t len);

/* The same, fresh, and who gets it is asked to answer: each answer comes to `on_ack` with
 * the token. Nothing is kept for it here: whoever waits for an answer counts the time. */
M4H_MUST_CHECK int m4h_bus_publish_acknowledged(struct m4h_bus *bus, const char *subject,
                                                const char *message_id, const uint8_t *data,
                                                size_t len, uint64_t token);

/* Asks; `on_reply` ends it, unless cancelled. `*id` is never 0. At most
 * `queue_messages` (and 65,536) are open at once. Errors as m4h_bus_publish,
 * then `on_reply` is never called. */
M4H_MUST_CHECK int m4h_bus_request(struct m4h_bus *bus, const char *subject, const uint8_t *data,
                                   size_t len, uint64_t now_ms, uint32_t timeout_ms,
                                   m4h_bus_on_reply on_reply, void *context, uint64_t *id);
/* Forgets a request: no callback any more. Does nothing when it has ended. */
void m4h_bus_cancel(struct m4h_bus *bus, uint64_t id);

void m4h_bus_stats(const struct m4h_bus *bus, struct m4h_bus_stats *stats);

#endif
