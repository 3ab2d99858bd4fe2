/* What a validator says of a key. Validators are asked one after another, in the order of the
 * configuration (core/chain.h), each through services/master/io/validator.h. Pure. */
#ifndef M4H_MASTER_VALIDATOR_H
#define M4H_MASTER_VALIDATOR_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stdbool.h>

enum m4h_verdict_kind {
    M4H_VERDICT_UNKNOWN, /* not one of mine: ask the next */
    M4H_VERDICT_ALLOW,
    M4H_VERDICT_DENY,   /* no, and nobody else is asked */
    M4H_VERDICT_FAILED, /* it cannot tell now; `reply.detail` says why */
};
#define M4H_VERDICT_KINDS 4

struct m4h_verdict {
    enum m4h_verdict_kind kind;
    /* What a validator fills in: all that an ALLOW has to say of the device or operator, with an
     * empty client_key where the key's fingerprint is to name the device; valid_for_ms 0: as the
     * settings say; `detail` of the others, may be empty. Who asks the validators fills in
     * `allowed`, `validator`, `master_id` and what the cluster knows. */
    struct m4h_authorize_reply reply;
};

/* "unknown", "allow", "deny", "failed": for metrics and logs. Static. */
const char *m4h_verdict_kind_name(enum m4h_verdict_kind kind);

/* Makes it that and no more, with what it is to say. */
void m4h_verdict_set(struct m4h_verdict *verdict, enum m4h_verdict_kind kind, const char *detail);

/* An ALLOW that cannot be given as it is (of a device and an operator at once, or with a name
 * that is none) becomes a FAILED. */
void m4h_verdict_check(struct m4h_verdict *verdict);

#endif
