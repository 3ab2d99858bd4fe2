/* The outbound queue. It must not know what a message is. */
#include "lib/bus/outbox.h"

#include "lib/base/error.h"
#include "lib/bus/monotonic.h"
#include "lib/bus/wake.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

int m4h_outbox_init(struct m4h_outbox *outbox, uint32_t max_count, uint32_t max_bytes,
                    void (*destroy_message)(void *))
{
    *outbox = (struct m4h_outbox){
        .max_count = max_count, .max_bytes = max_bytes, .destroy_message = destroy_message};
    outbox->ring = calloc(max_count, sizeof(*outbox->ring));
    if (outbox->ring == NULL)
        return M4H_ENOMEM;
    if (pthread_mutex_init(&outbox->mutex, NULL) != 0)
        goto no_mutex;
    outbox->wake_fd = m4h_wake_open();
    if (outbox->wake_fd < 0)
        goto no_wake;
    return 0;

no_wake:
    pthread_mutex_destroy(&outbox->mutex);
no_mutex:
    free(outbox->ring);
    return M4H_ESYSTEM;
}

static struct m4h_outbox_item *item_at(struct m4h_outbox *outbox, size_t index)
{
    return &outbox->ring[(outbox->first + index) % outbox->max_count];
}

void m4h_outbox_free(struct m4h_outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++)
        outbox->destroy_message(item_at(outbox, i)->message);
    close(outbox->wake_fd);
    pthread_mutex_destroy(&outbox->mutex);
    free(outbox->ring);
}

int m4h_outbox_push(struct m4h_outbox *outbox, const struct m4h_outbox_item *item)
{
    int error = 0;

    pthread_mutex_lock(&outbox->mutex);
    if (outbox->count == outbox->max_count || outbox->bytes + item->bytes > outbox->max_bytes) {
        outbox->dropped++;
        error = M4H_EFULL;
    } else {
        outbox->bytes += item->bytes;
        *item_at(outbox, outbox->count++) = *item;
    }
    pthread_mutex_unlock(&outbox->mutex);
    return error;
}

void m4h_outbox_wake(struct m4h_outbox *outbox)
{
    pthread_mutex_lock(&outbox->mutex);
    if (outbox->sleeping)
        m4h_wake(outbox->wake_fd);
    outbox->sleeping = false;
    pthread_mutex_unlock(&outbox->mutex);
}

void m4h_outbox_count_refusal(struct m4h_outbox *outbox)
{
    pthread_mutex_lock(&outbox->mutex);
    outbox->dropped++;
    pthread_mutex_unlock(&outbox->mutex);
}

void m4h_outbox_stats(struct m4h_outbox *outbox, uint64_t *sent, uint64_t *dropped,
                      uint32_t *queued)
{
    pthread_mutex_lock(&outbox->mutex);
    *sent = outbox->sent;
    *dropped = outbox->dropped;
    *queued = (uint32_t)outbox->count;
    pthread_mutex_unlock(&outbox->mutex);
}

void m4h_outbox_close(struct m4h_outbox *outbox, uint64_t close_by_ms)
{
    pthread_mutex_lock(&outbox->mutex);
    outbox->closing = true;
    outbox->close_by_ms = close_by_ms;
    m4h_wake(outbox->wake_fd);
    pthread_mutex_unlock(&outbox->mutex);
}

struct m4h_outbox_view m4h_outbox_look(struct m4h_outbox *outbox)
{
    struct m4h_outbox_view view;

    pthread_mutex_lock(&outbox->mutex);
    view = (struct m4h_outbox_view){outbox->count, outbox->closing, outbox->close_by_ms};
    outbox->sleeping = outbox->count == 0;
    pthread_mutex_unlock(&outbox->mutex);
    return view;
}

struct m4h_outbox_view m4h_outbox_rest(struct m4h_outbox *outbox, uint64_t until_ms)
{
    for (;;) {
        struct m4h_outbox_view view = m4h_outbox_look(outbox);
        struct pollfd woken = {.fd = outbox->wake_fd, .events = POLLIN};
        uint64_t now_ms = m4h_monotonic_now_ms();
        uint64_t limit_ms = until_ms;

        if (view.closing && view.close_by_ms < limit_ms)
            limit_ms = view.close_by_ms;
        if ((view.closing && view.count == 0) || now_ms >= limit_ms)
            return view;
        if (poll(&woken, 1, (int)(limit_ms - now_ms)) > 0)
            m4h_wake_clear(outbox->wake_fd);
    }
}

size_t m4h_outbox_peek(struct m4h_outbox *outbox, struct m4h_outbox_item *items, size_t max)
{
    size_t count;

    pthread_mutex_lock(&outbox->mutex);
    count = outbox->count < max ? outbox->count : max;
    for (size_t i = 0; i < count; i++)
        items[i] = *item_at(outbox, i);
    pthread_mutex_unlock(&outbox->mutex);
    return count;
}

void m4h_outbox_take_off(struct m4h_outbox *outbox, size_t count, size_t dropped)
{
    pthread_mutex_lock(&outbox->mutex);
    for (size_t i = 0; i < count; i++)
        outbox->bytes -= item_at(outbox, i)->bytes;
    outbox->first = (outbox->first + count) % outbox->max_count;
    outbox->count -= count;
    outbox->sent += count - dropped;
    outbox->dropped += dropped;
    pthread_mutex_unlock(&outbox->mutex);
}

void m4h_outbox_drop_fresh(struct m4h_outbox *outbox)
{
    size_t kept = 0;

    pthread_mutex_lock(&outbox->mutex);
    for (size_t i = 0; i < outbox->count; i++) {
        struct m4h_outbox_item item = *item_at(outbox, i);

        if (item.keep) {
            *item_at(outbox, kept++) = item;
        } else {
            outbox->bytes -= item.bytes;
            outbox->destroy_message(item.message);
        }
    }
    outbox->dropped += outbox->count - kept;
    outbox->count = kept;
    pthread_mutex_unlock(&outbox->mutex);
}
