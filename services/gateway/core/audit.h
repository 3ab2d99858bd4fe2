/* The audit as people read it: one shape for what slaves tell in events and what masters and
 * gateways tell in records, and which of it somebody asks for. Pure. */
#ifndef M4H_GATEWAY_CORE_AUDIT_H
#define M4H_GATEWAY_CORE_AUDIT_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

#include <stdbool.h>

#define M4H_GATEWAY_AUDIT_PAGE_DEFAULT 100u
#define M4H_GATEWAY_AUDIT_PAGE_MAX     500u

struct m4h_gateway_audit_entry {
    struct m4h_audit_record record;                /* `service_id` is who tells it */
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1]; /* that it is about; "": none */
};

/* Makes an entry, without its id, of an event of a slave. False: an event that is not of the
 * audit. The device, or operator, that came is the actor by its key, or name. */
bool m4h_gateway_audit_of_event(const struct m4h_event *event,
                                struct m4h_gateway_audit_entry *entry);

/* What somebody asks for; zeroed: all. */
struct m4h_gateway_audit_query {
    uint64_t since_wall_ms;
    uint64_t until_wall_ms; /* 0: no end */
    char actor[M4H_ACTOR_MAX + 1];
    char action[M4H_ACTION_MAX + 1]; /* "device" is "device.add", too */
    char target[M4H_DETAIL_MAX + 1]; /* or the fingerprint of the key that it is about */
    uint64_t after;                  /* only later ones, by their place in the stream */
    uint64_t before;                 /* 0: from the newest on */
    uint32_t page_size;
};

/* As they came; NULL: not given. */
struct m4h_gateway_audit_texts {
    const char *since, *until, *actor, *action, *target, *after, *page_size, *page_token;
};

/* M4H_EINVALID: `problem` says which one is wrong. */
M4H_MUST_CHECK int m4h_gateway_audit_parse(const struct m4h_gateway_audit_texts *texts,
                                           struct m4h_gateway_audit_query *query,
                                           struct m4h_problem *problem);
bool m4h_gateway_audit_passes(const struct m4h_gateway_audit_query *query,
                              const struct m4h_gateway_audit_entry *entry);

#endif
