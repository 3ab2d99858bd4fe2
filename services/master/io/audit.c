/* What has changed, in the words of the audit. */
#include "services/master/io/audit.h"

#include "lib/audit/audit.h"
#include "lib/base/error.h"
#include "lib/config/reload.h"
#include "services/master/io/record_file.h"

#include <stdio.h>
#include <string.h>

static const char *action_on_record(enum m4h_device_state before,
                                    const struct m4h_device_record *now)
{
    if (now->state == M4H_DEVICE_REMOVED)
        return before == M4H_DEVICE_PENDING ? "device.reject" : "device.remove";
    if (before == M4H_DEVICE_REMOVED)
        return "device.add";
    if (before == M4H_DEVICE_PENDING && now->state == M4H_DEVICE_ENABLED)
        return "device.approve";
    if (before != now->state && now->state == M4H_DEVICE_DISABLED)
        return "device.disable";
    if (before == M4H_DEVICE_DISABLED && now->state == M4H_DEVICE_ENABLED)
        return "device.enable";
    return "device.change";
}

void m4h_master_audit_record(struct m4h_master *master, enum m4h_device_state state,
                             const struct m4h_device_record *now, const char *reason)
{
    const bool is_operator = now->operator_.name[0] != '\0';
    const char *name = is_operator ? now->operator_.name : now->client_key;
    struct m4h_audit_record record = {0};
    char detail[4 * M4H_DETAIL_MAX];

    m4h_text_copy(record.actor, sizeof(record.actor), now->actor);
    m4h_text_copy(record.action, sizeof(record.action), action_on_record(state, now));
    m4h_text_copy(record.target, sizeof(record.target),
                  name[0] != '\0' ? name : now->key_fingerprint);
    m4h_text_copy(record.reason, sizeof(record.reason), reason);
    snprintf(detail, sizeof(detail), "key=%s state=%s%s%s%s%s", now->key_fingerprint,
             m4h_device_state_name(now->state), is_operator ? " operator=" : "",
             now->operator_.name, now->labels[0] != '\0' ? " labels=" : "", now->labels);
    m4h_ident_text_clean(record.detail, sizeof(record.detail), detail);
    m4h_audit_tell(master->audit, &record);
}

void m4h_master_audit_revoke(struct m4h_master *master, const struct m4h_revoke *revoke,
                             bool was_banned, const struct m4h_problem *problem)
{
    struct m4h_audit_record record = {0};
    const char *action = revoke->banned ? "ban" : was_banned ? "lift" : "revoke";

    m4h_text_copy(record.actor, sizeof(record.actor), revoke->actor);
    m4h_text_copy(record.action, sizeof(record.action), action);
    m4h_text_copy(record.target, sizeof(record.target),
                  revoke->client_key[0] != '\0' ? revoke->client_key : revoke->key_fingerprint);
    m4h_text_copy(record.reason, sizeof(record.reason), revoke->reason);
    if (problem->code != 0)
        m4h_text_copy(record.error, sizeof(record.error), problem->detail);
    m4h_audit_tell(master->audit, &record);
}

void m4h_master_audit_key_removed(struct m4h_master *master, const char *fingerprint,
                                  const char *file, const char *reason)
{
    struct m4h_audit_record record = {.actor = "file", .action = "key.removed"};

    m4h_text_copy(record.target, sizeof(record.target), fingerprint);
    m4h_text_copy(record.reason, sizeof(record.reason), reason);
    m4h_ident_text_clean(record.detail, sizeof(record.detail), file);
    m4h_audit_tell(master->audit, &record);
}

void m4h_master_audit_reload(struct m4h_master *master, const char *actor, int error)
{
    struct m4h_audit_record record = {.action = "config.reload"};

    if (error == 0 && master->source->changed_count == 0)
        return;
    m4h_text_copy(record.actor, sizeof(record.actor), actor);
    m4h_text_copy(record.target, sizeof(record.target), master->config->id);
    if (error != 0)
        m4h_text_copy(record.error, sizeof(record.error), "not taken over: the old settings stay");
    else
        m4h_config_source_name_changes(master->source, record.detail, sizeof(record.detail));
    m4h_audit_tell(master->audit, &record);
}
