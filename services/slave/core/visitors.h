/* Sessions that are no devices: operators, who reach devices by their names, and hops, by
 * which other slaves bring theirs. They have no tunnel and take no place of one. Pure. */
#ifndef M4H_SLAVE_CORE_VISITORS_H
#define M4H_SLAVE_CORE_VISITORS_H

#include "lib/base/attributes.h"
#include "lib/base/model.h"

struct m4h_visitors;

/* Read by the owner; changed here only, but for what is marked so. */
struct m4h_visitor {
    uint64_t session_id;
    bool is_hop;                       /* another slave, which has judged its operators itself */
    char name[M4H_CLIENT_KEY_MAX + 1]; /* of the operator; of the slave */
    char key_fingerprint[M4H_FINGERPRINT_MAX + 1];
    char remote_address[M4H_ADDRESS_TEXT_MAX];
    struct m4h_operator *rules; /* owned; NULL for a hop */
    uint64_t since_ms;          /* monotonic */
    bool leaving;               /* the owner's: it is being closed */
    uint32_t visits;            /* the owner's: connections to devices, waiting or open */
};

/* M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_visitors_create(struct m4h_visitors **visitors);
/* Frees all visitors too. Accepts NULL. */
void m4h_visitors_destroy(struct m4h_visitors *visitors);

/* A key was allowed that is an operator's (`reply->operator_`), or a slave's (`reply->slave_id`).
 * M4H_EEXIST, M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_visitors_add(struct m4h_visitors *visitors, uint64_t session_id,
                                    const struct m4h_authorize_request *request,
                                    const struct m4h_authorize_reply *reply, uint64_t now_ms);
struct m4h_visitor *m4h_visitors_find(const struct m4h_visitors *visitors, uint64_t session_id);
/* Frees it. */
void m4h_visitors_remove(struct m4h_visitors *visitors, struct m4h_visitor *visitor);
uint32_t m4h_visitors_count(const struct m4h_visitors *visitors);
/* Of these, the sessions of other slaves. */
uint32_t m4h_visitors_hop_count(const struct m4h_visitors *visitors);

/* Calls `each` for every visitor; it may not add or remove. */
void m4h_visitors_each(const struct m4h_visitors *visitors,
                       void (*each)(void *context, struct m4h_visitor *visitor), void *context);

/* Whether the reply is about a visitor's key. */
bool m4h_visitors_are_meant(const struct m4h_authorize_reply *reply);

#endif
