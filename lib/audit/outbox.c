/* A ring of what the stream has not acknowledged, and a cursor of what is sent next. */
#include "lib/audit/outbox.h"

#include "lib/base/error.h"

#include <stdlib.h>
#include <string.h>

int m4h_audit_outbox_init(struct m4h_audit_outbox *outbox, size_t size)
{
    *outbox = (struct m4h_audit_outbox){.size = size, .first = 1, .end = 1, .next = 1};
    outbox->rest_ms = M4H_AUDIT_REST_MIN_MS;
    outbox->due_ms = UINT64_MAX;
    outbox->ring = calloc(size, sizeof(outbox->ring[0]));
    return outbox->ring != NULL ? 0 : M4H_ENOMEM;
}

void m4h_audit_outbox_free(struct m4h_audit_outbox *outbox)
{
    for (size_t i = 0; i < outbox->size && outbox->ring != NULL; i++)
        free(outbox->ring[i].data);
    free(outbox->ring);
    *outbox = (struct m4h_audit_outbox){0};
}

static struct m4h_audit_entry *entry_of(const struct m4h_audit_outbox *outbox, uint64_t number)
{
    return &outbox->ring[number % outbox->size];
}

uint64_t m4h_audit_outbox_number(const struct m4h_audit_outbox *outbox)
{
    return outbox->end;
}

size_t m4h_audit_outbox_count(const struct m4h_audit_outbox *outbox)
{
    return (size_t)(outbox->end - outbox->first);
}

static void empty(struct m4h_audit_entry *entry)
{
    free(entry->data);
    *entry = (struct m4h_audit_entry){0};
}

/* The oldest that is kept is one that waits. */
static void trim(struct m4h_audit_outbox *outbox)
{
    while (outbox->first < outbox->end && entry_of(outbox, outbox->first)->data == NULL)
        outbox->first++;
    if (outbox->next < outbox->first)
        outbox->next = outbox->first;
    if (outbox->first == outbox->end) {
        outbox->due_ms = UINT64_MAX;
        outbox->is_asking = false;
    }
}

void m4h_audit_outbox_give_up(struct m4h_audit_outbox *outbox, uint64_t number)
{
    if (number < outbox->first || number >= outbox->end || entry_of(outbox, number)->data == NULL)
        return;
    empty(entry_of(outbox, number));
    outbox->lost++;
    trim(outbox);
}

int m4h_audit_outbox_push(struct m4h_audit_outbox *outbox, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    if (copy == NULL) {
        outbox->lost++;
        return M4H_ENOMEM;
    }
    memcpy(copy, data, len);
    if (m4h_audit_outbox_count(outbox) == outbox->size)
        m4h_audit_outbox_give_up(outbox, outbox->first);
    *entry_of(outbox, outbox->end++) = (struct m4h_audit_entry){copy, len};
    return 0;
}

void m4h_audit_outbox_connected(struct m4h_audit_outbox *outbox, bool connected)
{
    outbox->connected = connected;
    outbox->is_asking = false;
    outbox->next = outbox->first;
    outbox->rest_ms = M4H_AUDIT_REST_MIN_MS;
    outbox->due_ms = UINT64_MAX;
}

const struct m4h_audit_entry *m4h_audit_outbox_next(struct m4h_audit_outbox *outbox,
                                                    uint64_t now_ms, uint64_t *number)
{
    if (!outbox->connected)
        return NULL;
    while (outbox->next < outbox->end && entry_of(outbox, outbox->next)->data == NULL)
        outbox->next++;
    *number = outbox->next;
    if (outbox->next < outbox->end)
        return entry_of(outbox, outbox->next);
    if (now_ms < outbox->due_ms)
        return NULL;
    outbox->is_asking = true;
    *number = outbox->first;
    return entry_of(outbox, outbox->first);
}

void m4h_audit_outbox_sent(struct m4h_audit_outbox *outbox, uint64_t now_ms)
{
    if (outbox->next < outbox->end) {
        outbox->next++;
        if (outbox->due_ms == UINT64_MAX)
            outbox->due_ms = now_ms + outbox->rest_ms;
        return;
    }
    outbox->rest_ms =
        2 * outbox->rest_ms < M4H_AUDIT_REST_MAX_MS ? 2 * outbox->rest_ms : M4H_AUDIT_REST_MAX_MS;
    outbox->due_ms = now_ms + outbox->rest_ms;
}

void m4h_audit_outbox_acknowledged(struct m4h_audit_outbox *outbox, uint64_t number)
{
    if (number < outbox->first || number >= outbox->end || entry_of(outbox, number)->data == NULL)
        return;
    empty(entry_of(outbox, number));
    outbox->acknowledged++;
    if (outbox->is_asking)
        outbox->next = outbox->first;
    outbox->is_asking = false;
    outbox->rest_ms = M4H_AUDIT_REST_MIN_MS;
    trim(outbox);
}

uint64_t m4h_audit_outbox_due_ms(const struct m4h_audit_outbox *outbox)
{
    return outbox->connected ? outbox->due_ms : UINT64_MAX;
}
