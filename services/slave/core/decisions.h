/* The master's decisions on keys, kept: fresh ones spare the question, stale
 * ones carry on while no master answers. Pure. */
#ifndef M4H_SLAVE_CORE_DECISIONS_H
#define M4H_SLAVE_CORE_DECISIONS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

struct m4h_decisions;

struct m4h_decision {
    bool allowed;
    char client_key[M4H_CLIENT_KEY_MAX + 1]; /* when allowed */
    uint64_t stamp;                          /* when it was asked for: see lib/base/stamp.h */
    uint64_t seen;                           /* changes of the set of revocations by then */
    const uint8_t *answer;                   /* all of it, as it came; borrowed; may be NULL */
    size_t answer_len;
};

struct m4h_decisions_limits {
    uint32_t entries_max; /* beyond, the one that was kept longest goes; 0: keep none */
    uint32_t stale_ms;    /* after its end an allowing one may still carry on so long */
};

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_decisions_create(struct m4h_decisions **decisions,
                                        const struct m4h_decisions_limits *limits);
/* Other limits from now on, also for what is kept; what is too many goes as new
 * decisions come. */
void m4h_decisions_set_limits(struct m4h_decisions *decisions,
                              const struct m4h_decisions_limits *limits);
void m4h_decisions_destroy(struct m4h_decisions *decisions);

/* Keeps a decision on the key with that fingerprint, answer included;
 * `valid_for_ms` 0 is kept for the master's absence only. Where memory is short nothing is kept. */
void m4h_decisions_keep(struct m4h_decisions *decisions, const char *fingerprint,
                        const struct m4h_decision *decision, uint32_t valid_for_ms,
                        uint64_t now_ms);

/* The fresh decision on a key; with `master_away` also a stale allowing one.
 * NULL: there is none. Borrowed, valid until the next keep or forget. */
const struct m4h_decision *m4h_decisions_find(const struct m4h_decisions *decisions,
                                              const char *fingerprint, bool master_away,
                                              uint64_t now_ms);

/* Forgets what is kept about a device, a key, or both ("" for one: any). Returns
 * how many were forgotten. */
uint32_t m4h_decisions_forget(struct m4h_decisions *decisions, const char *client_key,
                              const char *fingerprint);

#endif
