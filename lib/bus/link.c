/* One connection to a server, in the library's event loop mode: the library
 * starts no thread to read or to write, but tells this file when it wants to
 * write, and is told when it can read or write. So many small messages go out in
 * one system call, and what comes in needs no second thread.
 *
 * The replies are the exception, the last topic: a subscription that is asked for
 * its messages hides that a request found nobody (status 503), so this one calls
 * back, on the library's delivery thread. Such a call may come a while after the
 * connection was destroyed. It is not given a pointer but a number, which it
 * looks up among the links that live: once m4h_link_close has taken a link out,
 * nothing of it is touched any more.
 *
 * The library's ping timer is off: it would close the socket on a thread of its
 * own while this one reads it. The probe pings instead, and the link is over
 * when it is not answered. The library's reconnect is off too: it keeps what was
 * published meanwhile in a buffer of its own, loses that when the first attempt
 * to send it fails, and holds the connection's lock while it connects.
 *
 * Happy path: open (connect, subscribe, a probe that says that the server knows
 * the subscriptions) -> run, send, run ... -> flush -> close. At the first error
 * of the socket or of the protocol the library closes the connection and
 * detaches it from the loop, which is all that makes a link over, but for a
 * probe that fails. */
#include "lib/bus/link.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/bus/monotonic.h"
#include "lib/bus/options.h"
#include "lib/bus/probe.h"
#include "lib/bus/wake.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Unwritten bytes, beyond which nothing more is taken. */
#define UNWRITTEN_MAX (128 * 1024)

struct m4h_link {
    struct m4h_link *next_live;
    uintptr_t number;
    const struct m4h_link_config *config; /* borrowed */
    pthread_t thread;                     /* the bus's own */
    natsConnection *connection;
    int socket; /* the library's */
    natsSubscription *subscriptions[M4H_LINK_TOPICS_MAX];
    size_t subscription_count;
    struct m4h_probe *probe;
    uint64_t next_probe_ms;  /* UINT64_MAX while one is under way */
    atomic_bool wants_write; /* the probe's thread may set it */
    bool is_blocked;         /* the socket took less than there was */
    const char *over_reason; /* NULL: it is not over */
    bool has_left_queues;
};

/* ---- the links that live ------------------------------------------------------ */

static pthread_mutex_t live_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct m4h_link *live;
static uintptr_t last_number;

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
static struct m4h_link *find_live(const void *closure)
{
    struct m4h_link *link = live;

    while (link != NULL && link->number != (uintptr_t)closure)
        link = link->next_live;
    return link;
}

static void on_reply(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                     void *closure)
{
    struct m4h_link *link;

    (void)connection;
    (void)subscription;
    pthread_mutex_lock(&live_mutex);
    link = find_live(closure);
    if (link != NULL)
        link->config->on_message(link->config->context, (uint32_t)link->config->topic_count - 1,
                                 message);
    pthread_mutex_unlock(&live_mutex);
    if (link == NULL)
        natsMsg_Destroy(message);
}

/* ---- what the library tells ------------------------------------------------- */

/* With TLS the library writes whole records and waits inside for the rest of one:
 * only the kernel can end that when the server reads no more. */
static natsStatus on_attach(void **user_data, void *loop, natsConnection *connection, natsSock sock)
{
    struct m4h_link *link = loop;
    const unsigned timeout_ms = link->config->silence_ms;

    (void)connection;
    *user_data = link;
    link->socket = sock;
    if (setsockopt(sock, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms)) != 0)
        return NATS_SYS_ERROR;
    return NATS_OK;
}

static natsStatus on_want_read(void *user_data, bool wants)
{
    (void)user_data;
    (void)wants;
    return NATS_OK;
}

static natsStatus on_want_write(void *user_data, bool wants)
{
    struct m4h_link *link = user_data;

    atomic_store(&link->wants_write, wants);
    if (wants && !pthread_equal(pthread_self(), link->thread))
        m4h_wake(link->config->wake_fd);
    return NATS_OK;
}

static natsStatus on_detach(void *user_data)
{
    struct m4h_link *link = user_data;

    link->socket = -1;
    if (link->over_reason == NULL)
        link->over_reason = "the connection was closed";
    return NATS_OK;
}

static void tell_violation(const void *closure, const char *text)
{
    struct m4h_link *link;

    pthread_mutex_lock(&live_mutex);
    link = find_live(closure);
    if (link != NULL)
        link->config->on_violation(link->config->context, text);
    pthread_mutex_unlock(&live_mutex);
}

/* On a thread of the library, which has one for this; a link may be closed by
 * then. A subscription may be freed: it is not looked at. */
static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *closure)
{
    static struct m4h_log_limit limit;
    natsStatus of = NATS_OK;
    const char *text = nats_GetLastError(&of);
    uint32_t suppressed;
    char shown[256];

    (void)subscription;
    if (status == NATS_NOT_PERMITTED) {
        if (of != status || text == NULL)
            natsConnection_GetLastError(connection, &text);
        tell_violation(closure, text != NULL ? text : "");
        return;
    }
    if (!m4h_log_limit_allows(&limit, m4h_monotonic_now_ms(), &suppressed))
        return;
    natsConnection_GetLastError(connection, &text);
    m4h_log(M4H_LOG_ERROR, "bus",
            "status=\"%s\" detail=%s suppressed=%u the server reports an error",
            natsStatus_GetText(status),
            m4h_log_quote(shown, sizeof(shown), text != NULL ? text : ""), suppressed);
}

/* ---- reading and writing ---------------------------------------------------- */

static void write_out(struct m4h_link *link)
{
    if (!atomic_load(&link->wants_write))
        return;
    natsConnection_ProcessWriteEvent(link->connection);
    link->is_blocked = atomic_load(&link->wants_write);
}

/* A read fills the queues of the subscriptions, which are emptied after each. */
static void deliver(struct m4h_link *link)
{
    for (size_t i = 0; i + 1 < link->subscription_count; i++) {
        natsMsg *message;
        uint64_t count = 0;

        if (natsSubscription_QueuedMsgs(link->subscriptions[i], &count) != NATS_OK)
            continue;
        for (; count > 0; count--)
            if (natsSubscription_NextMsg(&message, link->subscriptions[i], 1) == NATS_OK)
                link->config->on_message(link->config->context, (uint32_t)i, message);
    }
}

static void ask(struct m4h_link *link, uint64_t timeout_ms)
{
    link->next_probe_ms = UINT64_MAX;
    m4h_probe_ask(link->probe, timeout_ms);
}

static void keep_probing(struct m4h_link *link)
{
    enum m4h_probe_state state = m4h_probe_state(link->probe);
    uint64_t now_ms = m4h_monotonic_now_ms();

    if (state == M4H_PROBE_FAILED && link->over_reason == NULL)
        link->over_reason = "the server does not answer";
    if (state != M4H_PROBE_ANSWERED)
        return;
    if (link->next_probe_ms == UINT64_MAX)
        link->next_probe_ms = now_ms + link->config->silence_ms / 2;
    if (now_ms >= link->next_probe_ms)
        ask(link, link->config->silence_ms);
}

/* What the library knows about the end, where it knows anything. */
static void explain_end(struct m4h_link *link)
{
    const char *text;
    natsStatus status = NATS_OK;

    if (link->over_reason != NULL)
        status = natsConnection_GetLastError(link->connection, &text);
    if (status != NATS_OK)
        link->over_reason = natsStatus_GetText(status);
}

/* For poll(): until `until_ms`, or until the next probe is due. */
static int timeout_of(const struct m4h_link *link, uint64_t until_ms)
{
    uint64_t now_ms = m4h_monotonic_now_ms();
    uint64_t next_ms = until_ms < link->next_probe_ms ? until_ms : link->next_probe_ms;

    if (next_ms <= now_ms)
        return 0;
    return next_ms - now_ms < INT_MAX ? (int)(next_ms - now_ms) : INT_MAX;
}

void m4h_link_run(struct m4h_link *link, uint64_t until_ms)
{
    struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};

    if (!link->is_blocked)
        write_out(link);
    fds[0].fd = link->socket;
    fds[1].fd = link->config->wake_fd;
    if (link->is_blocked)
        fds[0].events |= POLLOUT;
    if (link->over_reason != NULL || poll(fds, 2, timeout_of(link, until_ms)) < 0)
        return;
    if (fds[1].revents != 0)
        m4h_wake_clear(link->config->wake_fd);
    if ((fds[0].revents & ~POLLOUT) != 0) {
        natsConnection_ProcessReadEvent(link->connection);
        deliver(link);
    }
    if ((fds[0].revents & POLLOUT) != 0)
        write_out(link);
    keep_probing(link);
    explain_end(link);
}

bool m4h_link_is_over(const struct m4h_link *link, const char **reason)
{
    *reason = link->over_reason;
    return link->over_reason != NULL;
}

int m4h_link_flush(struct m4h_link *link, uint64_t until_ms)
{
    bool asked = false;
    const char *reason;

    while (!m4h_link_is_over(link, &reason)) {
        uint64_t now_ms = m4h_monotonic_now_ms();

        if (now_ms >= until_ms)
            return M4H_ETIMEOUT;
        if (m4h_probe_state(link->probe) == M4H_PROBE_ANSWERED) {
            if (asked)
                return 0;
            ask(link, until_ms - now_ms);
            asked = true;
        }
        m4h_link_run(link, until_ms);
    }
    return M4H_ECLOSED;
}

/* ---- open and close ----------------------------------------------------------- */

static natsStatus set_callbacks(struct m4h_link *link)
{
    natsOptions *options = link->config->options;
    natsStatus status =
        natsOptions_SetEventLoop(options, link, on_attach, on_want_read, on_want_write, on_detach);

    return status == NATS_OK ? natsOptions_SetErrorHandler(options, on_error, (void *)link->number)
                             : status;
}

static natsStatus subscribe(struct m4h_link *link, const struct m4h_link_topic *topic)
{
    natsSubscription **slot = &link->subscriptions[link->subscription_count];
    bool is_reply = link->subscription_count + 1 == link->config->topic_count;
    natsStatus status;

    if (is_reply)
        status = natsConnection_Subscribe(slot, link->connection, topic->subject, on_reply,
                                          (void *)link->number);
    else if (topic->queue != NULL)
        status =
            natsConnection_QueueSubscribeSync(slot, link->connection, topic->subject, topic->queue);
    else
        status = natsConnection_SubscribeSync(slot, link->connection, topic->subject);
    if (status == NATS_OK)
        link->subscription_count++;
    return status;
}

/* The library's words where it has any: which certificate, or what the server said.
 * Quotes would end those of the log. */
static const char *explain_failure(natsStatus status)
{
    static _Thread_local char text[256];
    natsStatus of = NATS_OK;
    const char *detail = nats_GetLastError(&of);

    if (of != status || detail == NULL || detail[0] == '\0')
        return natsStatus_GetText(status);
    snprintf(text, sizeof(text), "%s: %s", natsStatus_GetText(status), detail);
    for (char *at = text; *at != '\0'; at++)
        if (*at == '"' || (unsigned char)*at < ' ')
            *at = '\'';
    return text;
}

static int connect_and_subscribe(struct m4h_link *link, const char **reason)
{
    natsStatus status = set_callbacks(link);

    if (status == NATS_OK)
        status = natsConnection_Connect(&link->connection, link->config->options);
    for (size_t i = 0; status == NATS_OK && i < link->config->topic_count; i++)
        status = subscribe(link, &link->config->topics[i]);
    if (status != NATS_OK)
        *reason = explain_failure(status);
    return status == NATS_OK ? 0 : M4H_EUNAVAILABLE;
}

static int wait_until_ready(struct m4h_link *link, const char **reason)
{
    int error = m4h_probe_start(&link->probe, link->connection, link->config->wake_fd);

    if (error == 0)
        error = m4h_link_flush(link, m4h_monotonic_now_ms() + M4H_BUS_CONNECT_MS);
    *reason = link->over_reason != NULL ? link->over_reason : m4h_error_text(error);
    return error == 0 ? 0 : M4H_EUNAVAILABLE;
}

int m4h_link_open(struct m4h_link **link, const struct m4h_link_config *config, const char **reason)
{
    struct m4h_link *made = calloc(1, sizeof(*made));
    int error;

    *link = NULL;
    if (made == NULL) {
        *reason = m4h_error_text(M4H_ENOMEM);
        return M4H_EUNAVAILABLE;
    }
    made->config = config;
    made->thread = pthread_self();
    made->socket = -1;
    come_alive(made);
    error = connect_and_subscribe(made, reason);
    if (error == 0)
        error = wait_until_ready(made, reason);
    if (error != 0) {
        m4h_link_close(made);
        return error;
    }
    *link = made;
    return 0;
}

/* Closing ends the wait of the probe. */
void m4h_link_close(struct m4h_link *link)
{
    if (link == NULL)
        return;
    die(link);
    natsConnection_Close(link->connection);
    m4h_probe_stop(link->probe);
    for (size_t i = 0; i < link->subscription_count; i++)
        natsSubscription_Destroy(link->subscriptions[i]);
    natsConnection_Destroy(link->connection);
    free(link);
}

/* The library frees what it reads into when a subscription is destroyed while a message
 * for it comes in (its issue 637). Here none is destroyed before the connection is closed: a
 * drain only ends it, on a thread of the library, once the server has answered that it
 * sends no more for it. */
void m4h_link_leave_queues(struct m4h_link *link)
{
    if (link->has_left_queues)
        return;
    link->has_left_queues = true;
    for (size_t i = 0; i < link->subscription_count; i++)
        if (link->config->topics[i].queue != NULL)
            (void)natsSubscription_Drain(link->subscriptions[i]);
}

/* ---- sending ------------------------------------------------------------------- */

/* False: the socket takes no more now, so the next run waits until it does. */
static bool has_room(struct m4h_link *link)
{
    if (natsConnection_Buffered(link->connection) <= UNWRITTEN_MAX)
        return true;
    if (!link->is_blocked)
        write_out(link);
    return !link->is_blocked;
}

int m4h_link_send(struct m4h_link *link, natsMsg *message)
{
    if (link->over_reason != NULL)
        return M4H_ECLOSED;
    if (!has_room(link))
        return M4H_EAGAIN;
    switch (natsConnection_PublishMsg(link->connection, message)) {
    case NATS_OK:
        return 0;
    case NATS_MAX_PAYLOAD:
    case NATS_INVALID_SUBJECT:
    case NATS_INVALID_ARG:
    case NATS_NO_SERVER_SUPPORT:
        return M4H_EINVALID;
    default:
        link->over_reason = "a message could not be taken";
        return M4H_ECLOSED;
    }
}

uint64_t m4h_link_max_payload(struct m4h_link *link)
{
    int64_t bytes = natsConnection_GetMaxPayload(link->connection);

    return bytes > 0 ? (uint64_t)bytes : 0;
}
