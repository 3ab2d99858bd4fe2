/* Records from their number to their acknowledgement: bounded, the oldest goes where there is no
 * room. Numbers count up from 1. Pure.
 *
 * First sends go at once and in order. Where acknowledgements do not come in time, the oldest is
 * sent again, with longer and longer rests; once it is acknowledged, all that are not go again. A
 * reconnect sends all again. */
#ifndef M4H_AUDIT_OUTBOX_H
#define M4H_AUDIT_OUTBOX_H

#include "lib/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M4H_AUDIT_REST_MIN_MS 2000u
#define M4H_AUDIT_REST_MAX_MS 30000u

struct m4h_audit_entry {
    uint8_t *data; /* owned; NULL once it is acknowledged or given up */
    size_t len;
};

struct m4h_audit_outbox {
    struct m4h_audit_entry *ring; /* owned */
    size_t size;
    uint64_t first; /* number of the oldest that is kept */
    uint64_t end;   /* number of the next one */
    uint64_t next;  /* number of the next to be sent */
    bool connected;
    bool is_asking; /* with the oldest, whether acknowledgements come again */
    uint64_t rest_ms;
    uint64_t due_ms; /* when to ask; UINT64_MAX: nothing waits */
    uint64_t acknowledged;
    uint64_t lost; /* never acknowledged, and let go */
};

/* M4H_ENOMEM: nothing is left to free. */
M4H_MUST_CHECK int m4h_audit_outbox_init(struct m4h_audit_outbox *outbox, size_t size);
/* Accepts one that is zeroed. */
void m4h_audit_outbox_free(struct m4h_audit_outbox *outbox);

/* The number of the next record. */
uint64_t m4h_audit_outbox_number(const struct m4h_audit_outbox *outbox);
/* Copies it. M4H_ENOMEM: it is lost, and counted. */
M4H_MUST_CHECK int m4h_audit_outbox_push(struct m4h_audit_outbox *outbox, const uint8_t *data,
                                         size_t len);
void m4h_audit_outbox_connected(struct m4h_audit_outbox *outbox, bool connected);
/* What to send now, and its number, until it was sent; NULL: nothing. */
const struct m4h_audit_entry *m4h_audit_outbox_next(struct m4h_audit_outbox *outbox,
                                                    uint64_t now_ms, uint64_t *number);
/* What m4h_audit_outbox_next named was handed to the bus. */
void m4h_audit_outbox_sent(struct m4h_audit_outbox *outbox, uint64_t now_ms);
/* The stream has it. Numbers that are not kept any more are ignored, here and below. */
void m4h_audit_outbox_acknowledged(struct m4h_audit_outbox *outbox, uint64_t number);
/* It can never be stored: it is lost. */
void m4h_audit_outbox_give_up(struct m4h_audit_outbox *outbox, uint64_t number);
/* When m4h_audit_outbox_next may name something that it does not now; UINT64_MAX: not by time. */
uint64_t m4h_audit_outbox_due_ms(const struct m4h_audit_outbox *outbox);
/* Records that wait for their acknowledgement, or before others that do. */
size_t m4h_audit_outbox_count(const struct m4h_audit_outbox *outbox);

#endif
