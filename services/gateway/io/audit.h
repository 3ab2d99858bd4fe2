/* What this gateway tells the audit: who gave which order, and what came of it. Masters tell of
 * the records and revocations that they change, with the actor that a gateway names; slaves of
 * drains, and of what became of those who were kicked. */
#ifndef M4H_GATEWAY_IO_AUDIT_H
#define M4H_GATEWAY_IO_AUDIT_H

#include "lib/audit/audit.h"
#include "lib/config/reload.h"
#include "lib/http/http.h"

/* Who gives an order by a request, in the words that go to masters and slaves with it
 * (lib/base/actor.h). */
void m4h_gateway_actor(const struct m4h_http_request *request, char actor[M4H_ACTOR_MAX + 1]);

/* `action` ("kick") on `target` was ordered by a request; `problem` with a code: in vain. A NULL
 * `audit` is told nothing. */
void m4h_gateway_audit_order(struct m4h_audit *audit, const struct m4h_http_request *request,
                             const char *action, const char *target,
                             const struct m4h_problem *problem);

/* The settings were read again, because of `actor`: "SIGHUP" or "file"; `error` 0: they hold.
 * Where nothing has changed there is nothing to tell. */
void m4h_gateway_audit_reload(struct m4h_audit *audit, const char *gateway_id,
                              const struct m4h_config_source *source, const char *actor, int error);

#endif
