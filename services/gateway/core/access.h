/* Who may ask a gateway for what. Pure.
 *
 * Two things are looked at. Where tokens are asked for, the scope of the route needs
 * one that has it. And whether tokens are asked for or not, no page of another site
 * may act through the browser of somebody who may: what a browser adds by itself, the
 * cookie and its being on this machine, proves nothing about who made the request. So
 *
 *   - a request that names an Origin other than our own needs its token in the
 *     Authorization header, which a browser sends for nobody else's page;
 *   - by cookie, any method but GET and HEAD needs the header X-Mas4h-Request, which
 *     a foreign page could send only if it were allowed by CORS, and it is not;
 *   - by cookie, a WebSocket needs an Origin;
 *   - where everybody on this machine may, without a token, a request has to be for a host
 *     that only the owner of the machine names. A page whose own name was made to point
 *     here (DNS rebinding) is of one origin with us, but asks for its name. */
#ifndef M4H_GATEWAY_ACCESS_H
#define M4H_GATEWAY_ACCESS_H

#include "services/gateway/core/credential.h"
#include "services/gateway/core/tokens.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether only this machine can reach that host: localhost, 127.0.0.0/8, ::1. */
bool m4h_gateway_host_is_loopback(const char *host);

/* Whether the host of a Host header cannot be the name of a stranger's page: `localhost`, the
 * text of an IP address, or one of `names` (separated by commas), each with or without a
 * port. */
bool m4h_gateway_host_is_own(const char *host, const char *names);
/* Whether that is a list of names of hosts; it may be empty. */
bool m4h_gateway_host_names_are_valid(const char *names);

/* What is asked, and by whom. */
struct m4h_access_question {
    unsigned scope;         /* of the route */
    bool needs_token;       /* the gateway asks for tokens */
    bool needs_host;        /* host must be an own one */
    bool is_safe;           /* GET or HEAD */
    bool is_upgrade;        /* to a WebSocket */
    bool is_by_script;      /* has the header X-Mas4h-Request */
    const char *origin;     /* of the Origin header; NULL: none */
    const char *host;       /* of the Host header; NULL: none, as no browser asks */
    const char *host_names; /* of needs_host */
    enum m4h_credential_kind credential;
    const struct m4h_token *token; /* that it is; NULL: not known */
    uint64_t wall_ms;              /* now */
};

enum m4h_access_verdict {
    M4H_ACCESS_GRANTED,
    M4H_ACCESS_NO_TOKEN, /* 401, as are the next two */
    M4H_ACCESS_UNKNOWN,
    M4H_ACCESS_EXPIRED,
    M4H_ACCESS_NO_SCOPE, /* 403 */
    M4H_ACCESS_FOREIGN,  /* 403: of another site's page, maybe */
    M4H_ACCESS_HOST,     /* 403: for a host that may be a stranger's name */
    M4H_ACCESS_TOO_FAST, /* 429: of m4h_rates_take */
    M4H_ACCESS_VERDICTS,
};

enum m4h_access_verdict m4h_gateway_access_judge(const struct m4h_access_question *question);

/* "no_token", "too_fast": for metrics. Static. */
const char *m4h_access_verdict_name(enum m4h_access_verdict verdict);

#endif
