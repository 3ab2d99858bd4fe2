/* Labels: names and values that somebody gave to a device, to choose devices by.
 *
 * Held as text, "name=value,name=value", in order of name, each name once: so equal
 * labels are equal text. A name is [a-z0-9]([a-z0-9._-]*[a-z0-9])?, a value
 * [A-Za-z0-9._-]*, at most 63 bytes each; at most M4H_LABELS_MAX of them, in at most
 * M4H_LABELS_TEXT_MAX bytes. "" is none. Pure; any thread. */
#ifndef M4H_BASE_LABELS_H
#define M4H_BASE_LABELS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stdbool.h>

#define M4H_LABEL_NAME_MAX  63
#define M4H_LABEL_VALUE_MAX 63

struct m4h_label {
    char name[M4H_LABEL_NAME_MAX + 1];
    char value[M4H_LABEL_VALUE_MAX + 1];
};

/* Puts one among `labels`, which are well-formed. M4H_EINVALID (no such name or value may
 * be), M4H_EEXIST (there is one of that name) or M4H_ETOOBIG: they are as before. */
M4H_MUST_CHECK int m4h_labels_add(char labels[M4H_LABELS_TEXT_MAX + 1], const char *name,
                                  const char *value);

/* Reads what a person wrote: in any order, spaces around each label allowed, "b=2, a=1".
 * The errors of m4h_labels_add: `out` is then empty. `out` may not be `text`. */
M4H_MUST_CHECK int m4h_labels_normalize(const char *text, char out[M4H_LABELS_TEXT_MAX + 1]);

/* Whether all that are wanted are there, with the same value. Both are well-formed; of no
 * wanted ones it is true. */
bool m4h_labels_match(const char *labels, const char *wanted);

/* Reads the label at `at`, which is within well-formed labels, and returns what comes
 * behind it; NULL, and nothing read, at their end:
 *     for (const char *at = labels; (at = m4h_labels_next(at, &label)) != NULL;) */
const char *m4h_labels_next(const char *at, struct m4h_label *out);

#endif
