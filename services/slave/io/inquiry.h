/* One question to the masters, and to another one where the first does not answer: as
 * questions.c asks about keys, within one deadline for all tries. Main thread. */
#ifndef M4H_SLAVE_IO_INQUIRY_H
#define M4H_SLAVE_IO_INQUIRY_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stddef.h>
#include <stdint.h>

struct m4h_inquiry;
struct m4h_slave;

struct m4h_inquiry_kind {
    const char *subject; /* of the queue group: "mas4h.v1.rpc.locate" */
    /* A reply; fills in which master gave it, where it says so. 0: it is the answer;
     * M4H_EUNAVAILABLE: this master cannot, another one may; else: it cannot be read. */
    int (*on_reply)(void *context, const uint8_t *data, size_t len, char master_id[M4H_ID_MAX + 1]);
    /* It is over, with the answer (0) or without one; the inquiry is freed by then. */
    void (*on_end)(void *context, int error);
};

/* Asks; `data` is copied, `kind` borrowed. on_end is told later, never from inside. Where
 * it fails nothing is told: M4H_ENOMEM, M4H_EUNAVAILABLE (the bus is away), and other errors
 * of the bus. */
M4H_MUST_CHECK int m4h_inquiry_start(struct m4h_inquiry **inquiry, struct m4h_slave *slave,
                                     const struct m4h_inquiry_kind *kind, const uint8_t *data,
                                     size_t len, uint32_t timeout_ms, void *context);
/* Nothing is told any more. Accepts NULL. */
void m4h_inquiry_cancel(struct m4h_inquiry *inquiry);

#endif
