/* Orders over REST, in the words of the audit. */
#include "services/gateway/io/audit.h"

#include "lib/base/actor.h"
#include "lib/base/ident.h"

void m4h_gateway_actor(const struct m4h_http_request *request, char actor[M4H_ACTOR_MAX + 1])
{
    m4h_actor_format(actor, m4h_http_asker(request), m4h_http_peer(request),
                     m4h_http_request_id(request));
}

void m4h_gateway_audit_order(struct m4h_audit *audit, const struct m4h_http_request *request,
                             const char *action, const char *target,
                             const struct m4h_problem *problem)
{
    struct m4h_audit_record record = {0};

    m4h_gateway_actor(request, record.actor);
    m4h_text_copy(record.action, sizeof(record.action), action);
    m4h_ident_text_clean(record.target, sizeof(record.target), target);
    if (problem->code != 0)
        m4h_ident_text_clean(record.error, sizeof(record.error),
                             problem->detail[0] != '\0' ? problem->detail
                                                        : m4h_problem_code_name(problem->code));
    m4h_audit_tell(audit, &record);
}

void m4h_gateway_audit_reload(struct m4h_audit *audit, const char *gateway_id,
                              const struct m4h_config_source *source, const char *actor, int error)
{
    struct m4h_audit_record record = {.action = "config.reload"};

    if (error == 0 && source->changed_count == 0)
        return;
    m4h_text_copy(record.actor, sizeof(record.actor), actor);
    m4h_text_copy(record.target, sizeof(record.target), gateway_id);
    if (error != 0)
        m4h_text_copy(record.error, sizeof(record.error), "not taken over: the old settings stay");
    else
        m4h_config_source_name_changes(source, record.detail, sizeof(record.detail));
    m4h_audit_tell(audit, &record);
}
