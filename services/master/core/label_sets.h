/* The labels of tunnels, each set of them once: a fleet has few. A tunnel holds a pointer to
 * its set, and the last one that lets go frees it. Pure; one thread. */
#ifndef M4H_MASTER_LABEL_SETS_H
#define M4H_MASTER_LABEL_SETS_H

#include "lib/base/attributes.h"
#include "services/master/core/name_table.h"

#include <stdint.h>

struct m4h_label_sets {
    struct m4h_name_table names;
};

/* One set. Its members are private but for `text`, which is as lib/base/labels.h has it. */
struct m4h_label_set {
    struct m4h_name_link by_text;
    struct m4h_label_sets *sets;
    uint32_t holders;
    char text[];
};

/* M4H_ENOMEM: there is nothing to free. */
M4H_MUST_CHECK int m4h_label_sets_init(struct m4h_label_sets *sets, uint64_t seed);
/* All must have let go. Accepts a zeroed one. */
void m4h_label_sets_free(struct m4h_label_sets *sets);

/* Holds the set with these labels once more; `*set` is NULL for none. M4H_ENOMEM: NULL, too. */
M4H_MUST_CHECK int m4h_label_set_hold(struct m4h_label_sets *sets, const char *labels,
                                      struct m4h_label_set **set);
/* Accepts NULL. */
void m4h_label_set_let_go(struct m4h_label_set *set);

/* "" for NULL. Borrowed. */
const char *m4h_label_set_text(const struct m4h_label_set *set);

#endif
