/* The order in which validators are heard, and what the answers of all of them come to. It knows
 * neither who they are nor how they are asked. Pure. */
#ifndef M4H_MASTER_CHAIN_CORE_H
#define M4H_MASTER_CHAIN_CORE_H

#include "services/master/core/validator.h"

#include <stddef.h>

/* What is answered where a validator has failed: the choices of `on_failure`, in this order. */
enum m4h_on_failure {
    M4H_ON_FAILURE_CACHED, /* what it said before; else "not available", so that the slave asks
                              another master, and then goes by what it remembers itself */
    M4H_ON_FAILURE_DENY,
    M4H_ON_FAILURE_NEXT, /* as if it did not know the key */
};

/* One question on its way; the caller's. Zero but for `count` and `recheck` at first. */
struct m4h_chain_walk {
    size_t at;                       /* whom to ask, or whose verdict comes next */
    size_t count;                    /* of validators */
    bool recheck;                    /* the key is in use already */
    bool has_failed;                 /* one of those that were passed over */
    char detail[M4H_DETAIL_MAX + 1]; /* why the last of those that do not know it does not */
};

/* The verdict of the validator whose turn it is. False: ask the one at `walk->at`. True: that is
 * the end, and `verdict` has become the answer: ALLOW, DENY, or FAILED where there is none now.
 * What is in use is not cut off because a validator is down: then it is FAILED rather than DENY. */
M4H_MUST_CHECK bool m4h_chain_heed(struct m4h_chain_walk *walk, const char *name,
                                   enum m4h_on_failure on_failure, struct m4h_verdict *verdict);

#define M4H_CHAIN_NAMES_MAX 8

/* Reads "authorized_keys, webhook" into places in `known` (NULL terminated, at most
 * M4H_CHAIN_NAMES_MAX). M4H_EINVALID: `wrong` says what, for people. */
M4H_MUST_CHECK int m4h_chain_parse(const char *text, const char *const *known,
                                   size_t places[M4H_CHAIN_NAMES_MAX], size_t *count, char *wrong,
                                   size_t wrong_size);

/* How long a validator takes with a key: the longest time, forgotten little by little with each
 * answer that is faster. Begins with what is to be expected of it. */
M4H_MUST_CHECK uint32_t m4h_chain_slowest_ms(uint32_t slowest_ms, uint64_t took_ms);
/* What a slave is told: twice that, as the next may be slower, and at most its time-out; nothing
 * where it is as fast as the way to a master. */
M4H_MUST_CHECK uint32_t m4h_chain_may_take_ms(uint32_t slowest_ms, uint64_t timeout_ms);

#endif
