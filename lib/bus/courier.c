/* The thread that owns the connection: all calls of the library that may block
 * are made on it.
 *
 * Each connection ends at its first error, and a message that was not taken then
 * is the first of the next. What the server had not read when it went away is
 * lost: the bus promises no more than NATS does. */
#include "lib/bus/courier.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/bus/identity.h"
#include "lib/bus/link.h"
#include "lib/bus/monotonic.h"
#include "lib/bus/spent.h"
#include "lib/bus/violations.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BATCH               64
#define REST_FIRST_MS       125
#define REST_MAX_MS         1000
#define SILENCE_MS          10000
#define STABLE_MS           1000  /* a link that lived for less counts as a failure */
#define COMPLAIN_EVERY_MS   10000 /* while no server can be reached */
#define MAX_PAYLOAD_DEFAULT (1u << 20)

struct m4h_courier {
    atomic_int holders; /* the owner and the thread; the last one frees */
    struct m4h_outbox outbox;
    struct m4h_inbox inbox;
    struct m4h_identity identity;
    struct m4h_link_topic *topics;
    size_t topic_count;
    struct m4h_link_config link_config;
    atomic_uint_fast64_t max_payload;
    atomic_uint_fast64_t links_opened;
    atomic_bool leaves_queues;
    atomic_uint_fast64_t violation_count;
    struct m4h_violations violations; /* of the link: its callback's alone while it is open */
    pthread_t thread;
    pthread_mutex_t end_mutex;
    pthread_cond_t end_changed;
    bool has_ended;
    /* of the thread alone */
    unsigned failures;
    struct m4h_spent spent; /* what was sent */
    uint64_t next_complaint_ms;
};

static void destroy_message(void *message)
{
    natsMsg_Destroy(message);
}

/* ---- the thread -------------------------------------------------------------- */

static void on_message(void *context, uint32_t topic, natsMsg *message)
{
    struct m4h_courier *courier = context;
    size_t bytes = (size_t)natsMsg_GetDataLength(message) + strlen(natsMsg_GetSubject(message));

    m4h_inbox_push(&courier->inbox, topic, message, (uint32_t)bytes);
}

static void on_violation(void *context, const char *text)
{
    struct m4h_courier *courier = context;
    char shown[512];

    atomic_fetch_add(&courier->violation_count, 1);
    if (m4h_violations_note(&courier->violations, text))
        m4h_log(M4H_LOG_ERROR, "bus", "detail=%s this user of NATS may not do that",
                m4h_log_quote(shown, sizeof(shown), text));
}

/* Gives the link what it takes of the first BATCH messages, and says how that
 * ended: 0, or M4H_EAGAIN when it is full, or M4H_ECLOSED. */
static int send_batch(struct m4h_courier *courier, struct m4h_link *link)
{
    struct m4h_outbox_item items[BATCH];
    size_t count = m4h_outbox_peek(&courier->outbox, items, BATCH);
    size_t done = 0;
    size_t dropped = 0;
    int error = 0;

    for (; done < count; done++) {
        error = m4h_link_send(link, items[done].message);
        if (error == M4H_EINVALID) {
            m4h_log(M4H_LOG_ERROR, "bus", "subject=%s bytes=%u the server does not take this",
                    natsMsg_GetSubject(items[done].message), items[done].bytes);
            dropped++;
            error = 0;
        }
        if (error != 0)
            break;
        m4h_spent_add(&courier->spent, items[done].message, items[done].bytes);
    }
    m4h_outbox_take_off(&courier->outbox, done, dropped);
    return error;
}

static bool must_end(const struct m4h_outbox_view *view)
{
    return view->closing && (view->count == 0 || m4h_monotonic_now_ms() >= view->close_by_ms);
}

/* Sends and receives until the link is over, or the courier must end. Returns
 * why. */
static const char *carry(struct m4h_courier *courier, struct m4h_link *link)
{
    const char *reason;

    while (!m4h_link_is_over(link, &reason)) {
        struct m4h_outbox_view view = m4h_outbox_look(&courier->outbox);
        uint64_t until_ms = view.closing ? view.close_by_ms : UINT64_MAX;

        if (must_end(&view))
            return m4h_link_flush(link, view.close_by_ms) == 0 ? "the service ends"
                                                               : "not all could be sent";
        /* After the look, so that the wake that follows the wish is not missed. */
        if (atomic_load(&courier->leaves_queues))
            m4h_link_leave_queues(link);
        if (view.count > 0 && send_batch(courier, link) == 0)
            until_ms = 0;
        m4h_link_run(link, until_ms);
    }
    return reason;
}

static int open_link(struct m4h_courier *courier, struct m4h_link **link, const char **reason)
{
    int error = m4h_inbox_begin(&courier->inbox);

    *reason = "the service has not taken note of earlier changes";
    if (error != 0)
        return error;
    m4h_identity_refresh(&courier->identity);
    courier->link_config.options = courier->identity.options;
    m4h_violations_begin(&courier->violations);
    error = m4h_link_open(link, &courier->link_config, reason);
    if (error != 0)
        m4h_inbox_end(&courier->inbox);
    return error;
}

static void complain(struct m4h_courier *courier, const char *reason)
{
    uint64_t now_ms = m4h_monotonic_now_ms();

    if (now_ms < courier->next_complaint_ms)
        return;
    courier->next_complaint_ms = now_ms + COMPLAIN_EVERY_MS;
    m4h_log(M4H_LOG_WARNING, "bus", "reason=\"%s\" attempts=%u cannot connect, tries on", reason,
            courier->failures + 1);
}

/* Half to one and a half times the rest that is due, so that services do not
 * come back in step. */
static uint64_t rest_ms(unsigned failures)
{
    uint64_t rest = failures < 3 ? (uint64_t)REST_FIRST_MS << failures : REST_MAX_MS;
    uint32_t random = 0;

    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
        random = (uint32_t)m4h_monotonic_now_ms();
    return rest / 2 + random % (rest + 1);
}

/* True: the link lived for long enough to call it good. */
static bool use_link(struct m4h_courier *courier, struct m4h_link *link)
{
    uint64_t since_ms = m4h_monotonic_now_ms();
    const char *reason;

    atomic_store(&courier->max_payload, m4h_link_max_payload(link));
    atomic_fetch_add(&courier->links_opened, 1);
    courier->next_complaint_ms = 0;
    m4h_log(M4H_LOG_INFO, "bus", "connected");
    m4h_outbox_drop_fresh(&courier->outbox);
    m4h_inbox_announce(&courier->inbox);
    reason = carry(courier, link);
    m4h_link_close(link);
    m4h_inbox_end(&courier->inbox);
    m4h_outbox_drop_fresh(&courier->outbox);
    m4h_log(M4H_LOG_INFO, "bus", "reason=\"%s\" age_ms=%" PRIu64 " disconnected", reason,
            m4h_monotonic_now_ms() - since_ms);
    return m4h_monotonic_now_ms() - since_ms >= STABLE_MS;
}

/* Frees what the owner and the thread shared, once both are done with it. */
static void release(struct m4h_courier *courier)
{
    if (atomic_fetch_sub(&courier->holders, 1) > 1)
        return;
    m4h_spent_free(&courier->spent);
    m4h_outbox_free(&courier->outbox);
    m4h_inbox_free(&courier->inbox);
    for (size_t i = 0; i < courier->topic_count; i++) {
        free(courier->topics[i].subject);
        free(courier->topics[i].queue);
    }
    free(courier->topics);
    m4h_identity_free(&courier->identity);
    pthread_cond_destroy(&courier->end_changed);
    pthread_mutex_destroy(&courier->end_mutex);
    free(courier);
}

static void end(struct m4h_courier *courier)
{
    nats_ReleaseThreadMemory();
    pthread_mutex_lock(&courier->end_mutex);
    courier->has_ended = true;
    pthread_cond_signal(&courier->end_changed);
    pthread_mutex_unlock(&courier->end_mutex);
    release(courier);
}

static bool serve_once(struct m4h_courier *courier)
{
    struct m4h_link *link;
    const char *reason;

    if (open_link(courier, &link, &reason) == 0)
        return use_link(courier, link);
    complain(courier, reason);
    return false;
}

static void *run(void *argument)
{
    struct m4h_courier *courier = argument;
    struct m4h_outbox_view view = {0};

    while (!must_end(&view)) {
        courier->failures = serve_once(courier) ? 0 : courier->failures + 1;
        view =
            m4h_outbox_rest(&courier->outbox, m4h_monotonic_now_ms() + rest_ms(courier->failures));
    }
    end(courier);
    return NULL;
}

/* ---- from the owner ------------------------------------------------------------ */

static int add_topic(struct m4h_courier *courier, const char *subject, const char *queue)
{
    struct m4h_link_topic *topic = &courier->topics[courier->topic_count++];

    topic->subject = strdup(subject);
    topic->queue = queue != NULL ? strdup(queue) : NULL;
    return topic->subject != NULL && (queue == NULL || topic->queue != NULL) ? 0 : M4H_ENOMEM;
}

static int add_topics(struct m4h_courier *courier, const struct m4h_bus_config *config,
                      const char *reply_subject)
{
    int error = 0;

    courier->topics = calloc(config->subscription_count + 1, sizeof(*courier->topics));
    if (courier->topics == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; error == 0 && i < config->subscription_count; i++)
        error =
            add_topic(courier, config->subscriptions[i].subject, config->subscriptions[i].queue);
    return error != 0 ? error : add_topic(courier, reply_subject, NULL);
}

static int make_queues(struct m4h_courier *courier, const struct m4h_bus_config *config)
{
    const struct m4h_inbox_config inbox = {
        .max_messages = config->queue_messages,
        .max_bytes = config->queue_bytes,
        .destroy_message = destroy_message,
        .wake = config->wake,
        .wake_context = config->wake_context,
    };
    int error = m4h_outbox_init(&courier->outbox, config->queue_messages, config->queue_bytes,
                                destroy_message);

    if (error != 0)
        return error;
    error = m4h_inbox_init(&courier->inbox, &inbox);
    if (error != 0)
        m4h_outbox_free(&courier->outbox);
    return error;
}

static int make_end(struct m4h_courier *courier)
{
    int error = m4h_monotonic_cond_init(&courier->end_changed);

    if (error == 0 && pthread_mutex_init(&courier->end_mutex, NULL) != 0) {
        pthread_cond_destroy(&courier->end_changed);
        error = M4H_ESYSTEM;
    }
    return error;
}

/* A courier without its thread, held once. */
static int make_courier(struct m4h_courier **courier, const struct m4h_bus_config *config)
{
    struct m4h_courier *made = calloc(1, sizeof(*made));
    int error;

    if (made == NULL)
        return M4H_ENOMEM;
    error = make_end(made);
    if (error == 0) {
        error = make_queues(made, config);
        if (error == 0) {
            atomic_init(&made->holders, 1);
            atomic_init(&made->max_payload, MAX_PAYLOAD_DEFAULT);
            made->spent.destroy_message = destroy_message;
            *courier = made;
            return 0;
        }
        pthread_cond_destroy(&made->end_changed);
        pthread_mutex_destroy(&made->end_mutex);
    }
    free(made);
    return error;
}

static int start_thread(struct m4h_courier *courier)
{
    atomic_fetch_add(&courier->holders, 1);
    if (pthread_create(&courier->thread, NULL, run, courier) == 0)
        return 0;
    atomic_fetch_sub(&courier->holders, 1);
    return M4H_ESYSTEM;
}

int m4h_courier_start(struct m4h_courier **courier, const struct m4h_bus_config *config,
                      const char *reply_subject)
{
    struct m4h_courier *made = NULL;
    sigset_t all;
    sigset_t before;
    int error;

    *courier = NULL;
    error = make_courier(&made, config);
    if (error != 0)
        return error;
    /* The library's threads inherit the mask: signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = m4h_identity_init(&made->identity, config);
    if (error == 0)
        error = add_topics(made, config, reply_subject);
    if (error == 0) {
        made->link_config = (struct m4h_link_config){
            .options = made->identity.options,
            .topics = made->topics,
            .topic_count = made->topic_count,
            .silence_ms = config->silence_ms != 0 ? config->silence_ms : SILENCE_MS,
            .wake_fd = made->outbox.wake_fd,
            .on_message = on_message,
            .on_violation = on_violation,
            .context = made,
        };
        error = start_thread(made);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        release(made);
        return error;
    }
    *courier = made;
    return 0;
}

static bool wait_for_end(struct m4h_courier *courier, uint64_t until_ms)
{
    bool ended;

    pthread_mutex_lock(&courier->end_mutex);
    while (!courier->has_ended && m4h_monotonic_now_ms() < until_ms)
        m4h_monotonic_wait(&courier->end_changed, &courier->end_mutex, until_ms);
    ended = courier->has_ended;
    pthread_mutex_unlock(&courier->end_mutex);
    return ended;
}

void m4h_courier_stop(struct m4h_courier *courier, uint32_t flush_ms)
{
    uint64_t close_by_ms = m4h_monotonic_now_ms() + flush_ms;

    if (courier == NULL)
        return;
    m4h_inbox_close(&courier->inbox);
    m4h_outbox_close(&courier->outbox, close_by_ms);
    if (wait_for_end(courier, close_by_ms + M4H_COURIER_GRACE_MS)) {
        pthread_join(courier->thread, NULL);
    } else {
        m4h_log(M4H_LOG_WARNING, "bus", "the library is still connecting, it is left behind");
        pthread_detach(courier->thread);
    }
    release(courier);
}

void m4h_courier_leave_queues(struct m4h_courier *courier)
{
    atomic_store(&courier->leaves_queues, true);
    m4h_outbox_wake(&courier->outbox);
}

struct m4h_outbox *m4h_courier_outbox(struct m4h_courier *courier)
{
    return &courier->outbox;
}

struct m4h_inbox *m4h_courier_inbox(struct m4h_courier *courier)
{
    return &courier->inbox;
}

uint64_t m4h_courier_max_payload(const struct m4h_courier *courier)
{
    return atomic_load(&courier->max_payload);
}

uint64_t m4h_courier_reconnects(const struct m4h_courier *courier)
{
    uint64_t opened = atomic_load(&courier->links_opened);

    return opened > 0 ? opened - 1 : 0;
}

uint64_t m4h_courier_violations(const struct m4h_courier *courier)
{
    return atomic_load(&courier->violation_count);
}
