/* An event as one line: when, what, where, who, why. */
#include "services/ctl/core/views.h"

#include "lib/base/walltime.h"
#include "services/ctl/core/words.h"

#include <inttypes.h>

static enum m4h_ctl_style style_of(enum m4h_event_type type)
{
    switch (type) {
    case M4H_EVENT_CONNECT:
    case M4H_EVENT_START:
        return M4H_CTL_GOOD;
    case M4H_EVENT_DRAIN:
    case M4H_EVENT_FLAPPING:
        return M4H_CTL_WARNING;
    case M4H_EVENT_REFUSE:
    case M4H_EVENT_STOP:
        return M4H_CTL_BAD;
    default:
        return M4H_CTL_PLAIN;
    }
}

static void add_disconnect(struct m4h_ctl_page *page, const struct m4h_disconnect *disconnect)
{
    char duration[M4H_CTL_WORD_MAX], from[M4H_CTL_WORD_MAX], to[M4H_CTL_WORD_MAX];

    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "%s %s after %s, %s from it, %s to it",
                     disconnect->client_key, m4h_disconnect_reason_name(disconnect->reason),
                     m4h_ctl_duration(disconnect->duration_ms, duration),
                     m4h_ctl_bytes(disconnect->bytes_from_device, from),
                     m4h_ctl_bytes(disconnect->bytes_to_device, to));
    if (disconnect->actor[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_FAINT, ", by %s", disconnect->actor);
    if (disconnect->detail[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_FAINT, ": %s", disconnect->detail);
}

static void add_refuse(struct m4h_ctl_page *page, const struct m4h_refuse *refuse)
{
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "%s%s%s from %s",
                     refuse->client_key[0] != '\0' ? refuse->client_key : refuse->key_fingerprint,
                     refuse->client_key[0] != '\0' || refuse->key_fingerprint[0] != '\0' ? " " : "",
                     m4h_refuse_reason_name(refuse->reason), refuse->remote_address);
    if (refuse->detail[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_FAINT, ": %s", refuse->detail);
}

static void add_access(struct m4h_ctl_page *page, const struct m4h_access *access)
{
    char duration[M4H_CTL_WORD_MAX], from[M4H_CTL_WORD_MAX], to[M4H_CTL_WORD_MAX];

    m4h_ctl_page_add(page, access->phase == M4H_ACCESS_REFUSED ? M4H_CTL_BAD : M4H_CTL_PLAIN, "%s",
                     m4h_access_phase_name(access->phase));
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, " %s to %s port %u from %s", access->operator_name,
                     access->client_key, access->port, access->remote_address);
    if (access->phase == M4H_ACCESS_CLOSED)
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, " after %s, %s from it, %s to it",
                         m4h_ctl_duration(access->duration_ms, duration),
                         m4h_ctl_bytes(access->bytes_from_device, from),
                         m4h_ctl_bytes(access->bytes_to_device, to));
    if (access->detail[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_FAINT, ": %s", access->detail);
}

static void add_reload(struct m4h_ctl_page *page, const struct m4h_reload *reload)
{
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "by %s:", reload->actor);
    for (size_t i = 0; i < reload->setting_count; i++)
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, " %s", reload->settings[i]);
    if (reload->setting_count == 0 && reload->error[0] == '\0')
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, " nothing is new");
    if (reload->error[0] != '\0')
        m4h_ctl_page_add(page, M4H_CTL_BAD, " %s", reload->error);
}

static void add_load(struct m4h_ctl_page *page, const struct m4h_load *load)
{
    m4h_ctl_page_add(page, M4H_CTL_PLAIN,
                     "%" PRIu32 "/%" PRIu32 " tunnels, %" PRIu32 " connections, cpu %" PRIu32
                     "%%, %" PRIu32 "/%" PRIu32 " files, %s",
                     load->tunnels, load->capacity, load->channels, load->cpu_permille / 10,
                     load->open_files, load->open_files_limit, m4h_slave_state_name(load->state));
}

static void add_payload(struct m4h_ctl_page *page, const struct m4h_event *event)
{
    char word[M4H_CTL_WORD_MAX];

    switch (event->type) {
    case M4H_EVENT_CONNECT:
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, "%s at port %u from %s", event->as.connect.client_key,
                         event->as.connect.ports[0], event->as.connect.remote_address);
        break;
    case M4H_EVENT_DISCONNECT:
        add_disconnect(page, &event->as.disconnect);
        break;
    case M4H_EVENT_LOAD:
        add_load(page, &event->as.load);
        break;
    case M4H_EVENT_START:
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, "at %s port %u, room for %" PRIu32 ", version %s",
                         event->as.start.host, event->as.start.port, event->as.start.capacity,
                         event->as.start.version);
        break;
    case M4H_EVENT_DRAIN:
        m4h_ctl_page_add(page, M4H_CTL_PLAIN,
                         "%" PRIu32 " tunnels and %" PRIu32 " connections left",
                         event->as.drain.tunnels, event->as.drain.channels);
        if (event->as.drain.actor[0] != '\0')
            m4h_ctl_page_add(page, M4H_CTL_FAINT, ", by %s", event->as.drain.actor);
        break;
    case M4H_EVENT_REFUSE:
        add_refuse(page, &event->as.refuse);
        break;
    case M4H_EVENT_FLAPPING:
        m4h_ctl_page_add(page, M4H_CTL_PLAIN, "%s thrown out %" PRIu32 " times in %s, now from %s",
                         event->as.flapping.client_key, event->as.flapping.evictions,
                         m4h_ctl_duration(event->as.flapping.window_ms, word),
                         event->as.flapping.remote_address);
        break;
    case M4H_EVENT_ACCESS:
        add_access(page, &event->as.access);
        break;
    case M4H_EVENT_RELOAD:
        add_reload(page, &event->as.reload);
        break;
    case M4H_EVENT_STOP:
    case M4H_EVENT_OTHER:
        break;
    }
}

void m4h_ctl_view_event(struct m4h_ctl_page *page, const struct m4h_event *event)
{
    char time[M4H_WALLTIME_TEXT_MAX];

    m4h_ctl_page_add(page, M4H_CTL_FAINT, "%s ", m4h_walltime_format(event->wall_ms, time));
    m4h_ctl_page_add(page, style_of(event->type), "%-10s", m4h_event_type_name(event->type));
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, " %s/%s  ", event->region, event->slave_id);
    add_payload(page, event);
    m4h_ctl_page_add(page, M4H_CTL_PLAIN, "\n");
}
