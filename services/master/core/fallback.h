/* Which regions stand in for which: "eu>us>ap, us>eu" lets a device that asked
 * for eu go to us, then to ap, where eu has no room. Pure. */
#ifndef M4H_MASTER_FALLBACK_H
#define M4H_MASTER_FALLBACK_H

#include "lib/base/attributes.h"
#include "lib/base/ident.h"

#include <stdbool.h>
#include <stddef.h>

#define M4H_FALLBACK_CHAINS_MAX 64
/* Regions in one chain, with the one that stands first. */
#define M4H_FALLBACK_CHAIN_MAX 8

struct m4h_fallback_chain {
    char regions[M4H_FALLBACK_CHAIN_MAX][M4H_ID_MAX + 1];
    size_t count; /* at least 2 */
};

struct m4h_fallback {
    struct m4h_fallback_chain chains[M4H_FALLBACK_CHAINS_MAX];
    size_t count;
};

/* Reads the text; "" is no fallback at all. M4H_EINVALID (`message` says what is
 * wrong; `*fallback` is undefined). */
M4H_MUST_CHECK int m4h_fallback_parse(struct m4h_fallback *fallback, const char *text,
                                      char *message, size_t message_size);

/* The chain that begins with `region`, or NULL. Borrowed. */
const struct m4h_fallback_chain *m4h_fallback_of(const struct m4h_fallback *fallback,
                                                 const char *region);

#endif
