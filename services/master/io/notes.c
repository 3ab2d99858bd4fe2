/* What happens to slaves and devices, as log lines. */
#include "services/master/io/service.h"

#include <stdio.h>

struct wording {
    enum m4h_log_level level;
    bool is_limited; /* a slave can cause any number of them */
    const char *text;
};

static const struct wording wordings[] = {
    [M4H_NOTE_APPEARED] = {M4H_LOG_INFO, false, "slave is new"},
    [M4H_NOTE_RESTARTED] = {M4H_LOG_INFO, false, "slave has restarted"},
    [M4H_NOTE_UNSYNCED] = {M4H_LOG_INFO, true, "slave is not in sync: a snapshot is wanted"},
    [M4H_NOTE_SYNCED] = {M4H_LOG_INFO, true, "slave is in sync"},
    [M4H_NOTE_SNAPSHOT_FAILED] = {M4H_LOG_WARNING, true, "snapshot has failed"},
    [M4H_NOTE_DRAINING] = {M4H_LOG_INFO, false, "slave drains"},
    [M4H_NOTE_STOPPED] = {M4H_LOG_INFO, false, "slave has stopped"},
    [M4H_NOTE_SILENT] = {M4H_LOG_WARNING, false, "slave is silent: it gets no device"},
    [M4H_NOTE_LOST] = {M4H_LOG_WARNING, false, "slave is lost: its tunnels do not count"},
    [M4H_NOTE_BACK] = {M4H_LOG_INFO, false, "slave is back"},
    [M4H_NOTE_FORGOTTEN] = {M4H_LOG_INFO, false, "slave is forgotten"},
    [M4H_NOTE_WRONG_REGION] = {M4H_LOG_WARNING, true, "event of another region is ignored"},
    [M4H_NOTE_OLD_EPOCH] = {M4H_LOG_WARNING, true, "event of an older process is ignored"},
    [M4H_NOTE_NO_ROOM] = {M4H_LOG_ERROR, true, "no room for the slave"},
};

/* Adds ` key=value` where the value is not 0. */
static size_t add_number(char *text, size_t size, size_t len, const char *key, uint64_t value)
{
    int added = 0;

    if (value != 0)
        added = snprintf(text + len, size - len, " %s=%llu", key, (unsigned long long)value);
    return added > 0 ? len + (size_t)added : len;
}

void m4h_master_log_note(struct m4h_master *master, const struct m4h_effect *effect)
{
    const struct wording *wording = &wordings[effect->as.note.note];
    const char *why = effect->as.note.why;
    uint32_t suppressed = 0;
    char numbers[96] = "";
    size_t len;

    if (wording->is_limited &&
        !m4h_log_limit_allows(&master->note_log, m4h_loop_now_ms(master->loop), &suppressed))
        return;
    len = add_number(numbers, sizeof(numbers), 0, "age_ms", effect->as.note.age_ms);
    add_number(numbers, sizeof(numbers), len, "suppressed", suppressed + effect->as.note.untold);
    m4h_log(wording->level, M4H_MASTER_LOG, "slave=%s region=%s tunnels=%u%s%s%s%s %s",
            effect->slave_id, effect->region, effect->as.note.tunnels, numbers,
            why != NULL ? " reason=\"" : "", why != NULL ? why : "", why != NULL ? "\"" : "",
            wording->text);
}

void m4h_master_log_flapping(struct m4h_master *master, const struct m4h_effect *effect)
{
    char device[2 * M4H_CLIENT_KEY_MAX];
    uint32_t suppressed;

    if (!m4h_log_limit_allows(&master->flapping_log, m4h_loop_now_ms(master->loop), &suppressed))
        return;
    m4h_log(M4H_LOG_WARNING, M4H_MASTER_LOG,
            "device=%s slave=%s evictions=%u suppressed=%u live devices with one key throw each "
            "other out",
            m4h_log_quote(device, sizeof(device), effect->as.flapping.client_key), effect->slave_id,
            effect->as.flapping.evictions, suppressed);
}
