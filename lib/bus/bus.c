/* The owner's side of the bus: it checks and hands over what goes out, delivers
 * what has come in, and keeps the open requests. It never waits for anything;
 * the thread in courier.c does.
 *
 * A request carries as its reply subject the inbox of this bus and its id in
 * hexadecimal; the answer brings the id back. It ends with the answer, with the
 * server's word that nobody listens (status 503), at its deadline, or when the
 * connection is lost. What is published to be acknowledged carries there ACK_MARK and
 * the owner's token, and is not kept. */
#include "lib/bus/bus.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/bus/courier.h"
#include "lib/bus/link.h"
#include "lib/bus/pending.h"
#include "lib/bus/spent.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Items that one m4h_bus_run delivers. */
#define RUN_BUDGET       256
#define PENDING_MAX      65536u
#define SUBJECT_MAX      512
#define MESSAGE_ID_MAX   256
#define HEADER_OVERHEAD  64 /* NATS/1.0, Nats-Msg-Id and their line ends */
#define REQUEST_ID_CHARS 16
#define ACK_MARK         'k' /* no digit of an id */
#define INBOX_MAX        128
#define INBOX_PREFIX_MAX 64
#define OWN_SUBJECTS     "mas4h."

/* A subscription. */
struct topic {
    m4h_bus_on_message on_message;
    bool is_ours; /* a subject of mas4h's, not one that the owner has made up for itself */
};

struct m4h_bus {
    struct m4h_courier *courier;
    struct topic *topics;
    size_t topic_count; /* the one after them is the replies */
    m4h_bus_on_status on_status;
    m4h_bus_on_ack on_ack; /* or NULL */
    void *context;
    void (*wake)(void *wake_context);
    void *wake_context;
    void (*run_soon)(void *wake_context); /* or NULL */
    bool unsent;           /* something was published, and the courier was not woken for it */
    char inbox[INBOX_MAX]; /* "_INBOX.x." */
    struct m4h_pending pending;
    struct m4h_spent spent;
    struct m4h_log_limit astray;
    uint64_t now_ms; /* of this run */
    bool connected;  /* as far as the owner was told */
    bool running;
};

static void destroy_message(void *message)
{
    natsMsg_Destroy(message);
}

/* ---- create and destroy ---------------------------------------------------------- */

/* The server takes no subject with a space or a line end in it, and the library
 * does not look. */
static bool subject_is_valid(const char *subject)
{
    size_t len = strnlen(subject, SUBJECT_MAX + 1);

    if (len == 0 || len > SUBJECT_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)subject[i] <= ' ' || subject[i] == 0x7f)
            return false;
    return true;
}

static bool is_ours(const char *subject)
{
    return strncmp(subject, OWN_SUBJECTS, strlen(OWN_SUBJECTS)) == 0;
}

/* Whole tokens without wildcards. */
static bool inbox_prefix_is_valid(const char *prefix)
{
    size_t len = prefix != NULL ? strnlen(prefix, INBOX_PREFIX_MAX + 1) : 0;

    if (len == 0)
        return true;
    return len <= INBOX_PREFIX_MAX && subject_is_valid(prefix) && prefix[0] != '$' &&
           !is_ours(prefix) && strpbrk(prefix, "*>") == NULL && strstr(prefix, "..") == NULL &&
           prefix[0] != '.' && prefix[len - 1] != '.';
}

static bool config_is_valid(const struct m4h_bus_config *config)
{
    if (config->url == NULL || config->wake == NULL || config->queue_messages == 0 ||
        config->subscription_count >= M4H_LINK_TOPICS_MAX)
        return false;
    if (!inbox_prefix_is_valid(config->inbox_prefix)) {
        m4h_log(M4H_LOG_ERROR, "bus", "the inbox prefix is no subject of at most %d bytes",
                INBOX_PREFIX_MAX);
        return false;
    }
    for (size_t i = 0; i < config->subscription_count; i++) {
        const struct m4h_bus_subscription *subscription = &config->subscriptions[i];

        if (!subject_is_valid(subscription->subject) ||
            (subscription->queue != NULL && !subject_is_valid(subscription->queue)))
            return false;
    }
    return true;
}

static int copy_topics(struct m4h_bus *bus, const struct m4h_bus_config *config)
{
    bus->topic_count = config->subscription_count;
    bus->topics = calloc(bus->topic_count + 1, sizeof(*bus->topics));
    if (bus->topics == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < bus->topic_count; i++) {
        bus->topics[i].on_message = config->subscriptions[i].on_message;
        bus->topics[i].is_ours = is_ours(config->subscriptions[i].subject);
    }
    return 0;
}

/* The library's unique name under the prefix that is wanted. */
static int make_inbox(struct m4h_bus *bus, const char *prefix)
{
    const char *name;

    natsInbox *inbox = NULL;

    if (natsInbox_Create(&inbox) != NATS_OK)
        return M4H_ENOMEM;
    name = strchr((const char *)inbox, '.');
    snprintf(bus->inbox, sizeof(bus->inbox), "%s%s.",
             prefix != NULL && prefix[0] != '\0' ? prefix : "_INBOX", name != NULL ? name : "");
    natsInbox_Destroy(inbox);
    return 0;
}

static int set_up(struct m4h_bus *bus, const struct m4h_bus_config *config)
{
    uint32_t max_requests =
        config->queue_messages < PENDING_MAX ? config->queue_messages : PENDING_MAX;
    char reply_subject[INBOX_MAX + 1];
    int error = copy_topics(bus, config);

    if (error == 0)
        error = m4h_pending_init(&bus->pending, max_requests);
    if (error == 0)
        error = make_inbox(bus, config->inbox_prefix);
    if (error != 0)
        return error;
    snprintf(reply_subject, sizeof(reply_subject), "%s*", bus->inbox);
    return m4h_courier_start(&bus->courier, config, reply_subject);
}

int m4h_bus_create(struct m4h_bus **bus, const struct m4h_bus_config *config)
{
    struct m4h_bus *made;
    int error;

    *bus = NULL;
    if (!config_is_valid(config))
        return M4H_EINVALID;
    made = calloc(1, sizeof(*made));
    if (made == NULL)
        return M4H_ENOMEM;
    made->on_status = config->on_status;
    made->on_ack = config->on_ack;
    made->context = config->context;
    made->wake = config->wake;
    made->wake_context = config->wake_context;
    made->run_soon = config->run_soon;
    made->spent.destroy_message = destroy_message;
    error = set_up(made, config);
    if (error != 0) {
        m4h_bus_destroy(made, 0);
        return error;
    }
    *bus = made;
    return 0;
}

void m4h_bus_destroy(struct m4h_bus *bus, uint32_t flush_ms)
{
    if (bus == NULL)
        return;
    assert(!bus->running);
    m4h_courier_stop(bus->courier, flush_ms);
    m4h_pending_free(&bus->pending);
    m4h_spent_free(&bus->spent);
    free(bus->topics);
    free(bus);
}

/* ---- what comes in ----------------------------------------------------------------- */

static bool parse_id(const char *text, uint64_t *id)
{
    if (strspn(text, "0123456789abcdef") != REQUEST_ID_CHARS || text[REQUEST_ID_CHARS] != '\0')
        return false;
    *id = strtoull(text, NULL, 16);
    return true;
}

static void deliver_ack(struct m4h_bus *bus, uint64_t token, natsMsg *message)
{
    if (bus->on_ack == NULL)
        return;
    if (natsMsg_IsNoResponders(message))
        bus->on_ack(bus->context, token, M4H_EUNAVAILABLE, NULL, 0);
    else
        bus->on_ack(bus->context, token, 0, (const uint8_t *)natsMsg_GetData(message),
                    (size_t)natsMsg_GetDataLength(message));
}

static void deliver_reply(struct m4h_bus *bus, natsMsg *message)
{
    const char *subject = natsMsg_GetSubject(message);
    size_t prefix_len = strlen(bus->inbox);
    struct m4h_pending_request request;
    uint64_t id;

    if (strncmp(subject, bus->inbox, prefix_len) != 0)
        return;
    subject += prefix_len;
    if (subject[0] == ACK_MARK && parse_id(subject + 1, &id)) {
        deliver_ack(bus, id, message);
        return;
    }
    if (!parse_id(subject, &id) || !m4h_pending_take(&bus->pending, id, &request))
        return;
    if (natsMsg_IsNoResponders(message))
        request.on_reply(request.context, M4H_EUNAVAILABLE, NULL, 0);
    else
        request.on_reply(request.context, 0, (const uint8_t *)natsMsg_GetData(message),
                         (size_t)natsMsg_GetDataLength(message));
}

bool m4h_bus_is_request(const struct m4h_bus_message *message)
{
    return message->reply != NULL && message->reply[0] != '$' && !is_ours(message->reply);
}

/* It was stored, and somebody has made a stream deliver it to a subject of ours, where who asks
 * for that need have no right to publish: with the rights of the server, it would speak as a
 * master or as another slave. Such a message can be told by where it wants to be acknowledged. */
static bool is_astray(const struct topic *topic, const struct m4h_bus_message *message)
{
    return topic->is_ours && message->reply != NULL && message->reply[0] == '$';
}

static void ignore(struct m4h_bus *bus, const struct m4h_bus_message *message)
{
    uint32_t suppressed;

    if (m4h_log_limit_allows(&bus->astray, bus->now_ms, &suppressed))
        m4h_log(M4H_LOG_WARNING, "bus",
                "subject=%s suppressed=%" PRIu32 " what a stream delivers here is ignored",
                message->subject, suppressed);
}

static void deliver_message(struct m4h_bus *bus, const struct m4h_inbox_item *item)
{
    natsMsg *message = item->message;
    const struct topic *topic = &bus->topics[item->topic];
    struct m4h_bus_message view = {
        .subject = natsMsg_GetSubject(message),
        .reply = natsMsg_GetReply(message),
        .data = (const uint8_t *)natsMsg_GetData(message),
        .len = (size_t)natsMsg_GetDataLength(message),
        .arrived_us = item->arrived_us,
    };

    if (is_astray(topic, &view))
        ignore(bus, &view);
    else
        topic->on_message(bus->context, &view);
}

static void change_status(struct m4h_bus *bus, bool connected)
{
    struct m4h_pending_request request;

    bus->connected = connected;
    while (!connected && m4h_pending_take_due(&bus->pending, UINT64_MAX, &request))
        request.on_reply(request.context, M4H_EUNAVAILABLE, NULL, 0);
    if (bus->on_status != NULL)
        bus->on_status(bus->context, connected);
}

static void deliver(struct m4h_bus *bus, const struct m4h_inbox_item *item)
{
    if (item->kind != M4H_INBOX_MESSAGE) {
        change_status(bus, item->kind == M4H_INBOX_CONNECTED);
        return;
    }
    if (item->topic == bus->topic_count)
        deliver_reply(bus, item->message);
    else
        deliver_message(bus, item);
}

/* Once the answers are on their way. */
static void spend(struct m4h_bus *bus, const struct m4h_inbox_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].kind == M4H_INBOX_MESSAGE)
            m4h_spent_add(&bus->spent, items[i].message, items[i].bytes);
}

static void send_unsent(struct m4h_bus *bus)
{
    if (bus->unsent)
        m4h_outbox_wake(m4h_courier_outbox(bus->courier));
    bus->unsent = false;
}

/* At most as many as are open now: one that ends may start another. */
static void end_late_requests(struct m4h_bus *bus, uint64_t now_ms)
{
    struct m4h_pending_request request;

    for (size_t left = m4h_pending_count(&bus->pending);
         left > 0 && m4h_pending_take_due(&bus->pending, now_ms, &request); left--)
        request.on_reply(request.context, M4H_ETIMEOUT, NULL, 0);
}

uint64_t m4h_bus_run(struct m4h_bus *bus, uint64_t now_ms)
{
    struct m4h_inbox_item items[RUN_BUDGET];
    size_t count = m4h_inbox_take(m4h_courier_inbox(bus->courier), items, RUN_BUDGET);

    bus->now_ms = now_ms;
    bus->running = true;
    for (size_t i = 0; i < count; i++)
        deliver(bus, &items[i]);
    end_late_requests(bus, now_ms);
    bus->running = false;
    send_unsent(bus);
    spend(bus, items, count);
    return m4h_pending_next_ms(&bus->pending);
}

bool m4h_bus_is_connected(const struct m4h_bus *bus)
{
    return bus->connected;
}

void m4h_bus_leave_queues(struct m4h_bus *bus)
{
    m4h_courier_leave_queues(bus->courier);
}

/* ---- what goes out ------------------------------------------------------------------- */

/* What is sent, before it is copied. */
struct letter {
    const char *subject;
    const char *reply;      /* or NULL */
    const char *message_id; /* or NULL */
    const uint8_t *data;
    size_t len;
    bool keep;
};

static bool header_is_valid(const char *value)
{
    size_t len = strnlen(value, MESSAGE_ID_MAX + 1);

    if (len == 0 || len > MESSAGE_ID_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] <= ' ' || (unsigned char)value[i] >= 0x7f)
            return false;
    return true;
}

static int check(const struct m4h_bus *bus, const struct letter *letter)
{
    uint64_t payload = letter->len;

    if (!subject_is_valid(letter->subject))
        return M4H_EINVALID;
    if (letter->message_id != NULL) {
        if (!header_is_valid(letter->message_id))
            return M4H_EINVALID;
        payload += HEADER_OVERHEAD + strlen(letter->message_id);
    }
    if (payload > m4h_courier_max_payload(bus->courier) || payload > INT_MAX)
        return M4H_ETOOBIG;
    if (!letter->keep && !bus->connected) {
        m4h_outbox_count_refusal(m4h_courier_outbox(bus->courier));
        return M4H_EUNAVAILABLE;
    }
    return 0;
}

static int make_message(natsMsg **message, const struct letter *letter)
{
    natsStatus status = natsMsg_Create(message, letter->subject, letter->reply,
                                       (const char *)letter->data, (int)letter->len);

    if (status == NATS_OK && letter->message_id != NULL) {
        status = natsMsgHeader_Set(*message, "Nats-Msg-Id", letter->message_id);
        if (status != NATS_OK)
            natsMsg_Destroy(*message);
    }
    return status == NATS_OK ? 0 : M4H_ENOMEM;
}

/* At the end of the owner's turn where it can be told so, or of the run that is going on. */
static void send_soon(struct m4h_bus *bus)
{
    bool is_asked = bus->unsent || bus->running;

    bus->unsent = true;
    if (bus->run_soon == NULL)
        send_unsent(bus);
    else if (!is_asked)
        bus->run_soon(bus->wake_context);
}

static int hand_over(struct m4h_bus *bus, const struct letter *letter)
{
    struct m4h_outbox_item item = {.bytes = (uint32_t)(letter->len + strlen(letter->subject)),
                                   .keep = letter->keep};
    natsMsg *message = NULL;
    int error = check(bus, letter);

    if (error == 0)
        error = make_message(&message, letter);
    if (error != 0)
        return error;
    item.message = message;
    error = m4h_outbox_push(m4h_courier_outbox(bus->courier), &item);
    if (error != 0)
        natsMsg_Destroy(message);
    else
        send_soon(bus);
    return error;
}

int m4h_bus_publish(struct m4h_bus *bus, const char *subject, enum m4h_bus_class class,
                    const char *message_id, const uint8_t *data, size_t len)
{
    const struct letter letter = {.subject = subject,
                                  .message_id = message_id,
                                  .data = data,
                                  .len = len,
                                  .keep = class == M4H_BUS_KEEP};

    return hand_over(bus, &letter);
}

int m4h_bus_publish_acknowledged(struct m4h_bus *bus, const char *subject, const char *message_id,
                                 const uint8_t *data, size_t len, uint64_t token)
{
    char reply[INBOX_MAX + 1 + REQUEST_ID_CHARS + 1];
    const struct letter letter = {
        .subject = subject, .reply = reply, .message_id = message_id, .data = data, .len = len};

    snprintf(reply, sizeof(reply), "%s%c%016" PRIx64, bus->inbox, ACK_MARK, token);
    return hand_over(bus, &letter);
}

int m4h_bus_request(struct m4h_bus *bus, const char *subject, const uint8_t *data, size_t len,
                    uint64_t now_ms, uint32_t timeout_ms, m4h_bus_on_reply on_reply, void *context,
                    uint64_t *id)
{
    struct m4h_pending_request request = {on_reply, context};
    char reply[INBOX_MAX + REQUEST_ID_CHARS + 1];
    const struct letter letter = {.subject = subject, .reply = reply, .data = data, .len = len};
    uint64_t deadline_ms = now_ms + timeout_ms;
    bool is_first = deadline_ms < m4h_pending_next_ms(&bus->pending);
    int error = m4h_pending_add(&bus->pending, &request, deadline_ms, id);

    if (error != 0) {
        m4h_outbox_count_refusal(m4h_courier_outbox(bus->courier));
        return error;
    }
    snprintf(reply, sizeof(reply), "%s%016" PRIx64, bus->inbox, *id);
    error = hand_over(bus, &letter);
    if (error != 0)
        m4h_bus_cancel(bus, *id);
    else if (is_first && !bus->running && bus->run_soon == NULL)
        bus->wake(bus->wake_context); /* the last run named a later time, or none */
    return error;
}

void m4h_bus_cancel(struct m4h_bus *bus, uint64_t id)
{
    struct m4h_pending_request request;

    (void)m4h_pending_take(&bus->pending, id, &request);
}

void m4h_bus_stats(const struct m4h_bus *bus, struct m4h_bus_stats *stats)
{
    struct m4h_outbox *outbox = m4h_courier_outbox(bus->courier);
    struct m4h_inbox *inbox = m4h_courier_inbox(bus->courier);

    *stats = (struct m4h_bus_stats){
        .reconnects = m4h_courier_reconnects(bus->courier),
        .permission_violations = m4h_courier_violations(bus->courier),
        .pending_requests = (uint32_t)m4h_pending_count(&bus->pending),
    };
    m4h_outbox_stats(outbox, &stats->sent_messages, &stats->dropped_out, &stats->queued_messages);
    m4h_inbox_stats(inbox, &stats->received_messages, &stats->dropped_in);
}
