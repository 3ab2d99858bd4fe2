/* Verdicts that are kept, packed by their owner, for questions that are alike (core/likeness.h).
 * One is fresh at first, and then of use only where nobody can say anything newer; then it is gone.
 * Beyond the bound the one that was kept longest goes. Pure; one thread. */
#ifndef M4H_MASTER_VERDICTS_H
#define M4H_MASTER_VERDICTS_H

#include "lib/base/attributes.h"
#include "services/master/core/likeness.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct m4h_verdicts;

/* What is kept. The texts and bytes are borrowed by m4h_verdicts_put, and by m4h_verdicts_find
 * until the next call on the table. */
struct m4h_kept_verdict {
    const char *key_fingerprint; /* of the question; not told by find */
    const char *client_key;      /* of the verdict, "" where there is none; not told by find */
    const uint8_t *packed;
    size_t packed_len;
    uint64_t fresh_until_ms;
    uint64_t kept_until_ms; /* no earlier */
};

M4H_MUST_CHECK int m4h_verdicts_create(struct m4h_verdicts **verdicts); /* M4H_ENOMEM */
void m4h_verdicts_destroy(struct m4h_verdicts *verdicts);               /* accepts NULL */

/* Keeps it instead of what was kept before, of `entries_max` at most. Where there is no memory
 * nothing is kept. */
void m4h_verdicts_put(struct m4h_verdicts *verdicts, const struct m4h_likeness *likeness,
                      const struct m4h_kept_verdict *kept, size_t entries_max);
/* False: none is kept, or its time is over. */
bool m4h_verdicts_find(struct m4h_verdicts *verdicts, const struct m4h_likeness *likeness,
                       uint64_t now_ms, struct m4h_kept_verdict *kept);
/* Forgets all of that key, which costs little; or of that device, which looks at all of them. One
 * of the two is "". */
void m4h_verdicts_forget(struct m4h_verdicts *verdicts, const char *key_fingerprint,
                         const char *client_key);
size_t m4h_verdicts_count(const struct m4h_verdicts *verdicts);

#endif
