/* Which unknown keys wait for approval: bounded in number by the registry, and here by where they
 * come from, so that one stranger with many keys does not take the room of all. Pure; one
 * thread. */
#ifndef M4H_MASTER_ENROLMENT_H
#define M4H_MASTER_ENROLMENT_H

#include "lib/base/attributes.h"
#include "lib/base/network.h"
#include "services/master/core/registry.h"

#include <stdbool.h>
#include <stdint.h>

/* Sources (IPv4 addresses, and /64 of IPv6) whose new keys are counted at a time: two that fall
 * together share their room. */
#define M4H_ENROLMENT_SOURCES 4096u
#define M4H_ENROLMENT_HOUR_MS 3600000u
/* How often at most the record of a key that waits is written again because it comes again. */
#define M4H_ENROLMENT_AGAIN_MS 60000u

struct m4h_enrolment_source {
    uint64_t since_ms;
    uint32_t count;
};

struct m4h_enrolment {
    uint64_t seed;
    struct m4h_enrolment_source sources[M4H_ENROLMENT_SOURCES];
};

enum m4h_enrolment_result {
    M4H_ENROLMENT_QUEUE,   /* it is new: make a record of it */
    M4H_ENROLMENT_AGAIN,   /* it waits, and its record says too little by now: write it again */
    M4H_ENROLMENT_WAITS,   /* it waits */
    M4H_ENROLMENT_REMOVED, /* somebody removed or rejected it: it does not wait again */
    M4H_ENROLMENT_FULL,    /* too many wait */
    M4H_ENROLMENT_LIMITED, /* too many new ones from there */
};
#define M4H_ENROLMENT_RESULTS 6

/* "queued", "again" ...: for metrics. Static. */
const char *m4h_enrolment_result_name(enum m4h_enrolment_result result);
/* For the detail of a refusal. Static. */
const char *m4h_enrolment_result_text(enum m4h_enrolment_result result);

/* What to do about a key that nobody knows and that came from `remote_address`; `there` is its
 * record, or NULL, `pending` how many wait. A new one counts for its source. */
enum m4h_enrolment_result m4h_enrolment_decide(struct m4h_enrolment *enrolment,
                                               const struct m4h_registry_entry *there,
                                               size_t pending, size_t pending_max,
                                               uint32_t source_max, const char *remote_address,
                                               uint64_t now_ms, uint64_t wall_ms);

#endif
