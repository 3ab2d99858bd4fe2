/* What one validator said of keys, kept so that it need not be asked again at once, and is not
 * missed when it is down. What it refused is kept for 2 s at most and apart, so that strangers with
 * many keys push out nothing else. On the master's loop. */
#ifndef M4H_MASTER_IO_KEPT_VERDICTS_H
#define M4H_MASTER_IO_KEPT_VERDICTS_H

#include "lib/base/attributes.h"
#include "lib/base/buffer.h"
#include "services/master/core/validator.h"
#include "services/master/core/verdicts.h"

/* The longest that a refusal is believed: the key may be about to be added. */
#define M4H_REFUSED_VALID_MS 2000u

struct m4h_kept_verdicts {
    struct m4h_verdicts *allowed;
    struct m4h_verdicts *refused; /* the key is not known there, too */
    struct m4h_buffer packed;     /* for one at a time */
    uint64_t fresh_count;         /* how often one was given again */
    uint64_t stale_count;
};

/* How long they are kept. */
struct m4h_keeping {
    size_t entries_max; /* 0: none */
    uint64_t valid_ms;  /* of what does not say it itself */
    uint64_t stale_ms;  /* what was allowed, after that */
};

/* Of a zeroed struct. M4H_ENOMEM: to be closed all the same. */
M4H_MUST_CHECK int m4h_kept_verdicts_open(struct m4h_kept_verdicts *kept);
void m4h_kept_verdicts_close(struct m4h_kept_verdicts *kept);

/* Keeps it, unless it is a failure. */
void m4h_kept_verdicts_put(struct m4h_kept_verdicts *kept,
                           const struct m4h_authorize_request *request,
                           const struct m4h_likeness *likeness, const struct m4h_verdict *verdict,
                           const struct m4h_keeping *keeping, uint64_t now_ms);
/* What was said before and still holds; a slave may keep it for as long as that. */
bool m4h_kept_verdicts_fresh(struct m4h_kept_verdicts *kept, const struct m4h_likeness *likeness,
                             uint64_t now_ms, struct m4h_verdict *verdict);
/* What it allowed when it could still be asked; a slave may keep it for a moment. */
bool m4h_kept_verdicts_stale(struct m4h_kept_verdicts *kept, const struct m4h_likeness *likeness,
                             uint64_t now_ms, struct m4h_verdict *verdict);
/* See m4h_verdicts_forget. */
void m4h_kept_verdicts_forget(struct m4h_kept_verdicts *kept, const char *key_fingerprint,
                              const char *client_key);

#endif
