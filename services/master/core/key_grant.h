/* What a line of authorized_keys grants to its key, and whether it does so now and from there.
 * It knows neither lines nor files. Pure. */
#ifndef M4H_MASTER_KEY_GRANT_H
#define M4H_MASTER_KEY_GRANT_H

#include "lib/base/attributes.h"
#include "lib/base/network.h"
#include "services/master/core/validator.h"

#define M4H_KEY_FROM_MAX 511 /* bytes of all patterns */

struct m4h_key_grant {
    char client_key[M4H_CLIENT_KEY_MAX + 1]; /* "": the fingerprint names the device */
    char from[M4H_KEY_FROM_MAX + 1];         /* see m4h_key_from_matches; "": anywhere */
    uint64_t expires_wall_ms;                /* 0: never */
    bool forbids_forwards;                   /* no-port-forwarding: a key for other servers */
    uint16_t fixed_port;                     /* 0: none */
    char region[M4H_ID_MAX + 1];
    char labels[M4H_LABELS_TEXT_MAX + 1];
    struct m4h_device_limits limits;
    struct m4h_operator operator_; /* name "": the key is a device's */
};

/* Whether the patterns are some: addresses with * and ?, networks, each maybe with ! before it,
 * separated by commas. Names of hosts are not: nobody looks them up. */
bool m4h_key_from_is_valid(const char *patterns);
/* As sshd(8) says of from=: one fits, and none with ! does. */
bool m4h_key_from_matches(const char *patterns, const struct m4h_ip *ip);

/* The verdict on a request with that key. */
void m4h_key_grant_judge(const struct m4h_key_grant *grant,
                         const struct m4h_authorize_request *request, uint64_t wall_ms,
                         struct m4h_verdict *verdict);

/* Whether the key is the same one's as before, and may still do what lets it be here. What one may
 * reach must be the same for an operator; limits of a device are told with the next decision. */
bool m4h_key_grant_holds(const struct m4h_key_grant *before, const struct m4h_key_grant *now);

#endif
