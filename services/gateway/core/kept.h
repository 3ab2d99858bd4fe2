/* Which answers are kept, and which one has to go: the oldest, where its time is over,
 * or where they are too many or too large together. Pure. */
#ifndef M4H_GATEWAY_KEPT_H
#define M4H_GATEWAY_KEPT_H

#include <stddef.h>
#include <stdint.h>

#define M4H_GATEWAY_KEPT_MAX       64u
#define M4H_GATEWAY_KEPT_BYTES_MAX (8u * 1024u * 1024u)

/* Inside what is kept, whose owner frees it. */
struct m4h_gateway_kept_entry {
    uint64_t until_ms;
    size_t len; /* bytes */
    struct m4h_gateway_kept_entry *prev, *next;
};

struct m4h_gateway_kept {
    struct m4h_gateway_kept_entry *entries; /* the oldest first */
    unsigned count;
    size_t bytes;
};

void m4h_gateway_kept_init(struct m4h_gateway_kept *kept);
/* What goes for it is asked for next: m4h_gateway_kept_surplus. */
void m4h_gateway_kept_add(struct m4h_gateway_kept *kept, struct m4h_gateway_kept_entry *entry,
                          size_t len, uint64_t until_ms);
void m4h_gateway_kept_remove(struct m4h_gateway_kept *kept, struct m4h_gateway_kept_entry *entry);

/* The entry that has to go now, still in `kept`; NULL: none. Borrowed. */
struct m4h_gateway_kept_entry *m4h_gateway_kept_surplus(const struct m4h_gateway_kept *kept,
                                                        uint64_t now_ms);
/* In so many milliseconds the next one has to go; 0: nothing is kept. After all surplus
 * has gone. */
uint64_t m4h_gateway_kept_wait_ms(const struct m4h_gateway_kept *kept, uint64_t now_ms);

#endif
