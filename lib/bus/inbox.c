/* The inbound queue. It must not know what a message is. `wake` is called with
 * the mutex held, so that none comes after m4h_inbox_close. */
#include "lib/bus/inbox.h"

#include "lib/base/error.h"
#include "lib/base/latency.h"

#include <stdlib.h>

/* Changes of the connection that may wait for the owner, beside the messages. */
#define STATUSES_MAX 16

int m4h_inbox_init(struct m4h_inbox *inbox, const struct m4h_inbox_config *config)
{
    *inbox = (struct m4h_inbox){
        .ring_size = (size_t)config->max_messages + STATUSES_MAX,
        .max_messages = config->max_messages,
        .max_bytes = config->max_bytes,
        .destroy_message = config->destroy_message,
        .wake = config->wake,
        .wake_context = config->wake_context,
    };
    inbox->ring = calloc(inbox->ring_size, sizeof(*inbox->ring));
    if (inbox->ring == NULL)
        return M4H_ENOMEM;
    if (pthread_mutex_init(&inbox->mutex, NULL) != 0) {
        free(inbox->ring);
        return M4H_ESYSTEM;
    }
    return 0;
}

static struct m4h_inbox_item *item_at(struct m4h_inbox *inbox, size_t index)
{
    return &inbox->ring[(inbox->first + index) % inbox->ring_size];
}

static void forget_item(struct m4h_inbox *inbox, const struct m4h_inbox_item *item)
{
    inbox->bytes -= item->bytes;
    if (item->kind != M4H_INBOX_MESSAGE)
        inbox->statuses--;
}

/* Drops everything from `shown` items on. */
static void cut(struct m4h_inbox *inbox, size_t shown)
{
    while (inbox->count > shown) {
        struct m4h_inbox_item *item = item_at(inbox, --inbox->count);

        forget_item(inbox, item);
        if (item->kind == M4H_INBOX_MESSAGE) {
            inbox->destroy_message(item->message);
            inbox->dropped++;
        }
    }
    inbox->shown = shown;
}

void m4h_inbox_free(struct m4h_inbox *inbox)
{
    cut(inbox, 0);
    pthread_mutex_destroy(&inbox->mutex);
    free(inbox->ring);
}

static void show_all(struct m4h_inbox *inbox)
{
    inbox->shown = inbox->count;
    if (inbox->shown > 0 && !inbox->woken && !inbox->closed) {
        inbox->woken = true;
        inbox->wake(inbox->wake_context);
    }
}

static void append(struct m4h_inbox *inbox, const struct m4h_inbox_item *item)
{
    *item_at(inbox, inbox->count++) = *item;
    inbox->bytes += item->bytes;
    if (item->kind != M4H_INBOX_MESSAGE)
        inbox->statuses++;
    if (!inbox->holding)
        show_all(inbox);
}

static bool has_room(const struct m4h_inbox *inbox, uint32_t bytes)
{
    return inbox->accepting && !inbox->closed &&
           inbox->count - inbox->statuses < inbox->max_messages &&
           inbox->bytes + bytes <= inbox->max_bytes;
}

void m4h_inbox_push(struct m4h_inbox *inbox, uint32_t topic, void *message, uint32_t bytes)
{
    struct m4h_inbox_item item = {M4H_INBOX_MESSAGE, topic, bytes, message, m4h_latency_clock_us()};
    bool taken;

    pthread_mutex_lock(&inbox->mutex);
    inbox->received++;
    taken = has_room(inbox, bytes);
    if (taken)
        append(inbox, &item);
    else
        inbox->dropped++;
    pthread_mutex_unlock(&inbox->mutex);
    if (!taken)
        inbox->destroy_message(message);
}

int m4h_inbox_begin(struct m4h_inbox *inbox)
{
    static const struct m4h_inbox_item connected = {.kind = M4H_INBOX_CONNECTED};
    int error = 0;

    pthread_mutex_lock(&inbox->mutex);
    if (inbox->statuses + 2 > STATUSES_MAX) {
        error = M4H_EAGAIN;
    } else {
        inbox->holding = true;
        inbox->accepting = true;
        append(inbox, &connected);
    }
    pthread_mutex_unlock(&inbox->mutex);
    return error;
}

void m4h_inbox_announce(struct m4h_inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->holding = false;
    show_all(inbox);
    pthread_mutex_unlock(&inbox->mutex);
}

void m4h_inbox_end(struct m4h_inbox *inbox)
{
    static const struct m4h_inbox_item disconnected = {.kind = M4H_INBOX_DISCONNECTED};

    pthread_mutex_lock(&inbox->mutex);
    if (inbox->holding)
        cut(inbox, inbox->shown);
    else
        append(inbox, &disconnected);
    inbox->holding = false;
    inbox->accepting = false;
    pthread_mutex_unlock(&inbox->mutex);
}

size_t m4h_inbox_take(struct m4h_inbox *inbox, struct m4h_inbox_item *items, size_t max)
{
    size_t count;

    pthread_mutex_lock(&inbox->mutex);
    count = inbox->shown < max ? inbox->shown : max;
    for (size_t i = 0; i < count; i++) {
        items[i] = *item_at(inbox, i);
        forget_item(inbox, &items[i]);
    }
    inbox->first = (inbox->first + count) % inbox->ring_size;
    inbox->count -= count;
    inbox->shown -= count;
    inbox->woken = inbox->shown > 0;
    if (inbox->woken)
        inbox->wake(inbox->wake_context);
    pthread_mutex_unlock(&inbox->mutex);
    return count;
}

void m4h_inbox_stats(struct m4h_inbox *inbox, uint64_t *received, uint64_t *dropped)
{
    pthread_mutex_lock(&inbox->mutex);
    *received = inbox->received;
    *dropped = inbox->dropped;
    pthread_mutex_unlock(&inbox->mutex);
}

void m4h_inbox_close(struct m4h_inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->closed = true;
    cut(inbox, 0);
    pthread_mutex_unlock(&inbox->mutex);
}
