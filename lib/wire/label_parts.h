/* Private to lib/wire: Label, in lists. As lib/wire/parts.h: a `parts` struct must not
 * move after its write. Pure. */
#ifndef M4H_WIRE_LABEL_PARTS_H
#define M4H_WIRE_LABEL_PARTS_H

#include "lib/base/model.h"
#include "mas4h/v1/tunnel.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct m4h_wire_label_parts {
    char text[M4H_LABELS_TEXT_MAX + 1]; /* cut into names and values */
    Mas4h__V1__Label messages[M4H_LABELS_MAX];
    Mas4h__V1__Label *pointers[M4H_LABELS_MAX];
};

/* The labels are well-formed. Returns how many `parts->pointers` there are. */
size_t m4h_wire_write_labels(struct m4h_wire_label_parts *parts, const char *labels);
/* In any order. False where one of them breaks a rule of lib/base/labels.h. */
bool m4h_wire_read_labels(size_t count, Mas4h__V1__Label *const *messages,
                          char out[M4H_LABELS_TEXT_MAX + 1]);

#endif
