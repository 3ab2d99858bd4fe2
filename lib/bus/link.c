/* One connection to a server.
 *
 * The library calls back from three threads of its own (message delivery, and
 * one for errors and the end), and may do so for a while after
 * natsConnection_Destroy has returned. So its callbacks are not given a pointer
 * but a number, which they look up among the links that live: once
 * m4h_link_close has taken a link out, nothing of it is touched any more. */
#include "lib/bus/link.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/bus/monotonic.h"
#include "lib/bus/options.h"

#include <pthread.h>
#include <stdlib.h>

/* A closure is a link's number and, in the low bits, a topic. */
#define TOPIC_BITS 8

struct m4h_link {
    struct m4h_link *next_live;
    uintptr_t number;
    struct m4h_link_events events;
    natsConnection *connection;
    natsSubscription *subscriptions[M4H_LINK_TOPICS_MAX];
    size_t subscription_count;
};

static pthread_mutex_t live_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct m4h_link *live;
static uintptr_t last_number;

static void *closure_of(const struct m4h_link *link, size_t topic)
{
    return (void *)(link->number << TOPIC_BITS | topic);
}

static void come_alive(struct m4h_link *link)
{
    pthread_mutex_lock(&live_mutex);
    link->number = ++last_number;
    link->next_live = live;
    live = link;
    pthread_mutex_unlock(&live_mutex);
}

static void die(struct m4h_link *link)
{
    pthread_mutex_lock(&live_mutex);
    for (struct m4h_link **at = &live; *at != NULL; at = &(*at)->next_live) {
        if (*at == link) {
            *at = link->next_live;
            break;
        }
    }
    pthread_mutex_unlock(&live_mutex);
}

/* With the mutex held. NULL: it is closed. */
static struct m4h_link *find_live(void *closure)
{
    for (struct m4h_link *link = live; link != NULL; link = link->next_live)
        if (link->number << TOPIC_BITS >> TOPIC_BITS == (uintptr_t)closure >> TOPIC_BITS)
            return link;
    return NULL;
}

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *closure)
{
    uint32_t topic = (uint32_t)((uintptr_t)closure & ((1u << TOPIC_BITS) - 1));
    struct m4h_link *link;

    (void)connection;
    (void)subscription;
    pthread_mutex_lock(&live_mutex);
    link = find_live(closure);
    if (link != NULL)
        link->events.on_message(link->events.context, topic, message);
    pthread_mutex_unlock(&live_mutex);
    if (link == NULL)
        natsMsg_Destroy(message);
}

static void on_closed(natsConnection *connection, void *closure)
{
    struct m4h_link *link;

    (void)connection;
    pthread_mutex_lock(&live_mutex);
    link = find_live(closure);
    if (link != NULL)
        link->events.on_over(link->events.context);
    pthread_mutex_unlock(&live_mutex);
}

/* The subscription may be freed already: it is not looked at. */
static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *closure)
{
    static struct m4h_log_limit limit; /* the library has one thread for this */
    const char *text = NULL;
    struct m4h_link *link;
    uint32_t suppressed;
    char shown[256];

    (void)subscription;
    pthread_mutex_lock(&live_mutex);
    link = find_live(closure);
    if (link != NULL && status == NATS_SLOW_CONSUMER)
        link->events.on_slow(link->events.context);
    pthread_mutex_unlock(&live_mutex);
    if (!m4h_log_limit_allows(&limit, m4h_monotonic_now_ms(), &suppressed))
        return;
    natsConnection_GetLastError(connection, &text);
    m4h_log(M4H_LOG_ERROR, "bus",
            "status=\"%s\" detail=%s suppressed=%u the server or the library "
            "reports an error",
            natsStatus_GetText(status),
            m4h_log_quote(shown, sizeof(shown), text != NULL ? text : ""), suppressed);
}

static natsStatus subscribe(struct m4h_link *link, const struct m4h_link_topic *topic)
{
    natsSubscription **slot = &link->subscriptions[link->subscription_count];
    void *closure = closure_of(link, link->subscription_count);
    natsStatus status;

    if (topic->queue != NULL)
        status = natsConnection_QueueSubscribe(slot, link->connection, topic->subject, topic->queue,
                                               on_message, closure);
    else
        status =
            natsConnection_Subscribe(slot, link->connection, topic->subject, on_message, closure);
    if (status == NATS_OK)
        link->subscription_count++;
    return status;
}

static natsStatus connect_and_subscribe(struct m4h_link *link, natsOptions *options,
                                        const struct m4h_link_topic *topics, size_t topic_count)
{
    natsStatus status = natsOptions_SetClosedCB(options, on_closed, closure_of(link, 0));

    if (status == NATS_OK)
        status = natsOptions_SetErrorHandler(options, on_error, closure_of(link, 0));
    if (status == NATS_OK)
        status = natsConnection_Connect(&link->connection, options);
    for (size_t i = 0; status == NATS_OK && i < topic_count; i++)
        status = subscribe(link, &topics[i]);
    if (status == NATS_OK)
        status = natsConnection_FlushTimeout(link->connection, M4H_BUS_CONNECT_MS);
    return status;
}

int m4h_link_open(struct m4h_link **link, natsOptions *options, const struct m4h_link_topic *topics,
                  size_t topic_count, const struct m4h_link_events *events, const char **reason)
{
    struct m4h_link *made = calloc(1, sizeof(*made));
    natsStatus status;

    *link = NULL;
    if (made == NULL) {
        *reason = m4h_error_text(M4H_ENOMEM);
        return M4H_EUNAVAILABLE;
    }
    made->events = *events;
    come_alive(made);
    status = connect_and_subscribe(made, options, topics, topic_count);
    if (status != NATS_OK) {
        *reason = natsStatus_GetText(status);
        m4h_link_close(made);
        return M4H_EUNAVAILABLE;
    }
    *link = made;
    return 0;
}

/* The connection ends first: then the library's reader, which uses the
 * subscriptions without holding them, is gone. */
void m4h_link_close(struct m4h_link *link)
{
    if (link == NULL)
        return;
    die(link);
    natsConnection_Close(link->connection);
    for (size_t i = 0; i < link->subscription_count; i++)
        natsSubscription_Destroy(link->subscriptions[i]);
    natsConnection_Destroy(link->connection);
    free(link);
}

int m4h_link_send(struct m4h_link *link, natsMsg *message)
{
    switch (natsConnection_PublishMsg(link->connection, message)) {
    case NATS_OK:
        return 0;
    case NATS_MAX_PAYLOAD:
    case NATS_INVALID_SUBJECT:
    case NATS_INVALID_ARG:
    case NATS_NO_SERVER_SUPPORT:
        return M4H_EINVALID;
    default:
        /* Part of the message may be on the wire: nothing can follow it. */
        return M4H_ECLOSED;
    }
}

int m4h_link_flush(struct m4h_link *link, uint64_t timeout_ms)
{
    if (timeout_ms == 0)
        return M4H_ETIMEOUT;
    return natsConnection_FlushTimeout(link->connection, (int64_t)timeout_ms) == NATS_OK
               ? 0
               : M4H_ETIMEOUT;
}

uint64_t m4h_link_max_payload(struct m4h_link *link)
{
    int64_t bytes = natsConnection_GetMaxPayload(link->connection);

    return bytes > 0 ? (uint64_t)bytes : 0;
}
