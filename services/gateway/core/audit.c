/* Entries of the audit, made of events, and the question for some of them. */
#include "services/gateway/core/audit.h"

#include "lib/base/actor.h"
#include "lib/base/error.h"
#include "lib/base/walltime.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_DIGITS 19
#define LINE_MAX      1024

/* ---- events ------------------------------------------------------------------------ */

/* Each copies what fits; what an event holds is valid text already. */
#define COPY(to, from) m4h_ident_text_clean(to, sizeof(to), from)

static void set_detail(struct m4h_audit_record *record, const char *line, const char *more)
{
    char text[2 * LINE_MAX];

    snprintf(text, sizeof(text), "%s%s%s", line, line[0] != '\0' && more[0] != '\0' ? " " : "",
             more);
    COPY(record->detail, text);
}

static void fill_connect(const struct m4h_event *event, struct m4h_gateway_audit_entry *entry)
{
    const struct m4h_tunnel *tunnel = &event->as.connect;
    struct m4h_audit_record *record = &entry->record;
    char line[LINE_MAX], id[M4H_TUNNEL_ID_TEXT_MAX];

    COPY(record->actor, tunnel->key_fingerprint);
    COPY(record->target, tunnel->client_key);
    COPY(record->remote_address, tunnel->remote_address);
    COPY(entry->key_fingerprint, tunnel->key_fingerprint);
    snprintf(line, sizeof(line), "tunnel=%s port=%u%s", m4h_tunnel_id_format(tunnel->tunnel_id, id),
             tunnel->ports[0], event->without_master ? " without_master=true" : "");
    set_detail(record, line, tunnel->client_version);
}

static void fill_disconnect(const struct m4h_disconnect *disconnect,
                            struct m4h_audit_record *record)
{
    char line[LINE_MAX], id[M4H_TUNNEL_ID_TEXT_MAX];

    m4h_actor_split(disconnect->actor, record->actor, record->remote_address);
    COPY(record->target, disconnect->client_key);
    COPY(record->reason, m4h_disconnect_reason_name(disconnect->reason));
    snprintf(line, sizeof(line),
             "tunnel=%s duration_ms=%" PRIu64 " bytes_from_device=%" PRIu64
             " bytes_to_device=%" PRIu64,
             m4h_tunnel_id_format(disconnect->tunnel_id, id), disconnect->duration_ms,
             disconnect->bytes_from_device, disconnect->bytes_to_device);
    set_detail(record, line, disconnect->detail);
}

static void fill_refuse(const struct m4h_refuse *refuse, struct m4h_gateway_audit_entry *entry)
{
    struct m4h_audit_record *record = &entry->record;

    COPY(record->actor, refuse->key_fingerprint);
    COPY(record->target, refuse->client_key);
    COPY(record->remote_address, refuse->remote_address);
    COPY(record->error, m4h_refuse_reason_name(refuse->reason));
    COPY(record->detail, refuse->detail);
    COPY(entry->key_fingerprint, refuse->key_fingerprint);
}

static void fill_access(const struct m4h_access *access, struct m4h_gateway_audit_entry *entry)
{
    struct m4h_audit_record *record = &entry->record;
    char line[LINE_MAX], id[M4H_TUNNEL_ID_TEXT_MAX];
    int len;

    COPY(record->actor, access->operator_name);
    COPY(record->target, access->client_key);
    COPY(record->remote_address, access->remote_address);
    COPY(record->reason, m4h_access_phase_name(access->phase));
    COPY(entry->key_fingerprint, access->key_fingerprint);
    len = snprintf(line, sizeof(line), "access=%s port=%u slave=%s",
                   m4h_tunnel_id_format(access->access_id, id), access->port,
                   access->device_slave_id);
    if (access->phase == M4H_ACCESS_CLOSED)
        snprintf(line + len, sizeof(line) - (size_t)len,
                 " duration_ms=%" PRIu64 " bytes_from_device=%" PRIu64 " bytes_to_device=%" PRIu64,
                 access->duration_ms, access->bytes_from_device, access->bytes_to_device);
    if (access->phase == M4H_ACCESS_REFUSED)
        COPY(record->error, access->detail[0] != '\0' ? access->detail : "refused");
    set_detail(record, line, access->phase != M4H_ACCESS_REFUSED ? access->detail : "");
}

static void fill_drain(const struct m4h_drain *drain, struct m4h_audit_record *record)
{
    m4h_actor_split(drain->actor, record->actor, record->remote_address);
    snprintf(record->detail, sizeof(record->detail), "tunnels=%u channels=%u", drain->tunnels,
             drain->channels);
}

static void fill_flapping(const struct m4h_flapping *flapping, struct m4h_audit_record *record)
{
    COPY(record->target, flapping->client_key);
    COPY(record->remote_address, flapping->remote_address);
    snprintf(record->detail, sizeof(record->detail), "evictions=%u window_ms=%u owner=%s",
             flapping->evictions, flapping->window_ms, flapping->owner_address);
}

static void fill_reload(const struct m4h_reload *reload, struct m4h_audit_record *record)
{
    char line[M4H_RELOAD_SETTINGS_MAX * (M4H_SETTING_NAME_MAX + 1) + 16] = "";
    size_t len = 0;

    COPY(record->action, "config.reload");
    COPY(record->actor, reload->actor);
    COPY(record->error, reload->error);
    for (uint8_t i = 0; i < reload->setting_count; i++)
        len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%s", i == 0 ? "changed=" : ",",
                                reload->settings[i]);
    COPY(record->detail, line);
}

bool m4h_gateway_audit_of_event(const struct m4h_event *event,
                                struct m4h_gateway_audit_entry *entry)
{
    struct m4h_audit_record *record = &entry->record;

    *entry = (struct m4h_gateway_audit_entry){.record.wall_ms = event->wall_ms};
    COPY(record->service_id, event->slave_id);
    COPY(record->target, event->slave_id);
    COPY(record->action, m4h_event_type_name(event->type));
    switch (event->type) {
    case M4H_EVENT_CONNECT:
        fill_connect(event, entry);
        return true;
    case M4H_EVENT_DISCONNECT:
        fill_disconnect(&event->as.disconnect, record);
        return true;
    case M4H_EVENT_REFUSE:
        fill_refuse(&event->as.refuse, entry);
        return true;
    case M4H_EVENT_ACCESS:
        fill_access(&event->as.access, entry);
        return true;
    case M4H_EVENT_DRAIN:
        fill_drain(&event->as.drain, record);
        return true;
    case M4H_EVENT_FLAPPING:
        fill_flapping(&event->as.flapping, record);
        return true;
    case M4H_EVENT_RELOAD:
        fill_reload(&event->as.reload, record);
        return true;
    case M4H_EVENT_START:
        COPY(record->detail, event->as.start.version);
        return true;
    case M4H_EVENT_STOP:
        return true;
    case M4H_EVENT_LOAD:
    case M4H_EVENT_OTHER:
        break;
    }
    return false;
}

/* ---- what is asked for --------------------------------------------------------------- */

static int refuse(struct m4h_problem *problem, const char *detail)
{
    m4h_problem_set(problem, M4H_PROBLEM_INVALID, detail);
    return M4H_EINVALID;
}

static bool parse_number(const char *text, uint64_t *value)
{
    size_t len = text != NULL ? strlen(text) : 0;

    *value = 0;
    if (len > NUMBER_DIGITS || (len > 0 && strspn(text, "0123456789") != len))
        return false;
    for (size_t i = 0; i < len; i++)
        *value = *value * 10 + (uint64_t)(text[i] - '0');
    return true;
}

static bool parse_time(const char *text, uint64_t *wall_ms)
{
    return text == NULL || text[0] == '\0' || m4h_walltime_parse(text, wall_ms) == 0;
}

static bool copy_text(char *out, size_t size, const char *text)
{
    return text == NULL || m4h_text_copy(out, size, text);
}

int m4h_gateway_audit_parse(const struct m4h_gateway_audit_texts *texts,
                            struct m4h_gateway_audit_query *query, struct m4h_problem *problem)
{
    uint64_t page_size;

    *query = (struct m4h_gateway_audit_query){0};
    if (!parse_time(texts->since, &query->since_wall_ms))
        return refuse(problem, "since must be a time as RFC 3339 has it");
    if (!parse_time(texts->until, &query->until_wall_ms))
        return refuse(problem, "until must be a time as RFC 3339 has it");
    if (!copy_text(query->actor, sizeof(query->actor), texts->actor) ||
        !copy_text(query->action, sizeof(query->action), texts->action) ||
        !copy_text(query->target, sizeof(query->target), texts->target))
        return refuse(problem, "actor, action or target is too long");
    if (!parse_number(texts->after, &query->after))
        return refuse(problem, "after must be the id of an entry");
    if (!parse_number(texts->page_token, &query->before))
        return refuse(problem, "page_token is none that was given out");
    if (!parse_number(texts->page_size, &page_size))
        return refuse(problem, "page_size must be a number");
    if (page_size == 0)
        page_size = M4H_GATEWAY_AUDIT_PAGE_DEFAULT;
    query->page_size =
        page_size < M4H_GATEWAY_AUDIT_PAGE_MAX ? (uint32_t)page_size : M4H_GATEWAY_AUDIT_PAGE_MAX;
    return 0;
}

static bool is_action(const char *wanted, const char *action)
{
    size_t len = strlen(wanted);

    return len == 0 ||
           (strncmp(action, wanted, len) == 0 && (action[len] == '\0' || action[len] == '.'));
}

bool m4h_gateway_audit_passes(const struct m4h_gateway_audit_query *query,
                              const struct m4h_gateway_audit_entry *entry)
{
    const struct m4h_audit_record *record = &entry->record;

    return record->wall_ms >= query->since_wall_ms &&
           (query->until_wall_ms == 0 || record->wall_ms <= query->until_wall_ms) &&
           (query->actor[0] == '\0' || strcmp(query->actor, record->actor) == 0) &&
           is_action(query->action, record->action) &&
           (query->target[0] == '\0' || strcmp(query->target, record->target) == 0 ||
            strcmp(query->target, entry->key_fingerprint) == 0);
}
