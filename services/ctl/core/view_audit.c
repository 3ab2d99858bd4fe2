/* An entry of the audit as one line: when, who, what, to what, from where, why. */
#include "services/ctl/core/views.h"

#include "lib/base/walltime.h"

void m4h_ctl_view_audit(struct m4h_ctl_page *page, const struct m4h_audit_record *entry)
{
    char time[M4H_WALLTIME_TEXT_MAX];

    m4h_ctl_page_add(page, M4H_CTL_FAINT, "%s ", m4h_walltime_format(entry->wall_ms, time));
    m4h_ctl_page_add(page, entry->error[0] != '\0' ? M4H_CTL_BAD : M4H_CTL_PLAIN, "%-14s",
                     entry->action);
    m4h_ctl_page_add(page, M4H_CTL_STRONG, " %s", entry->target[0] != '\0' ? entry->target : "-");
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, " by %s", entry->actor[0] != '\0' ? entry->actor : "-");
    if (entry->remote_address[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, " from %s", entry->remote_address);
    m4h_ctl_page_add(page, M4H_CTL_FAINT, " at %s", entry->service_id);
    if (entry->error[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_BAD, " failed: %s", entry->error);
    if (entry->reason[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, " (%s)", entry->reason);
    if (entry->detail[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_FAINT, " %s", entry->detail);
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\n");
}
