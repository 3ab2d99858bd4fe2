/* Names of the model's values, and the texts of its ids. */
#include "lib/base/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *name_of(const char *const *names, size_t count, unsigned value)
{
    return value > 0 && value < count ? names[value] : "unknown";
}

const char *m4h_slave_state_name(enum m4h_slave_state state)
{
    static const char *const names[] = {NULL, "ready", "draining", "stopped", "silent"};

    return name_of(names, M4H_COUNT(names), state);
}

const char *m4h_disconnect_reason_name(enum m4h_disconnect_reason reason)
{
    static const char *const names[M4H_DISCONNECT_REASON_COUNT] = {
        NULL,     "client_closed", "connection_lost", "keepalive_timeout", "replaced",
        "kicked", "drained",       "protocol_error",  "forward_cancelled", "revoked",
    };

    return name_of(names, M4H_COUNT(names), reason);
}

const char *m4h_refuse_reason_name(enum m4h_refuse_reason reason)
{
    static const char *const names[M4H_REFUSE_REASON_COUNT] = {
        NULL,      "key_denied",     "no_master",   "full",     "draining", "port_unavailable",
        "timeout", "protocol_error", "unsupported", "replaced", "flapping", "overload",
        "proxy",
    };

    return name_of(names, M4H_COUNT(names), reason);
}

const char *m4h_event_type_name(enum m4h_event_type type)
{
    static const char *const names[M4H_EVENT_TYPE_COUNT] = {
        NULL,   "connect", "disconnect", "load",   "start",  "drain",
        "stop", "refuse",  "flapping",   "access", "reload",
    };

    return name_of(names, M4H_COUNT(names), type);
}

const char *m4h_access_phase_name(enum m4h_access_phase phase)
{
    static const char *const names[] = {NULL, "opened", "closed", "refused"};

    return name_of(names, M4H_COUNT(names), phase);
}

const char *m4h_problem_code_name(enum m4h_problem_code code)
{
    static const char *const names[] = {
        NULL,        "invalid",     "not_found", "no_capacity",
        "throttled", "unavailable", "internal",  "conflict",
    };

    return name_of(names, M4H_COUNT(names), code);
}

const char *m4h_tunnel_id_format(uint64_t tunnel_id, char text[M4H_TUNNEL_ID_TEXT_MAX])
{
    snprintf(text, M4H_TUNNEL_ID_TEXT_MAX, "%016" PRIx64, tunnel_id);
    return text;
}

bool m4h_tunnel_id_parse(const char *text, uint64_t *tunnel_id)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;

    if (strspn(text, digits) != 16 || text[16] != '\0')
        return false;
    for (; *text != '\0'; text++)
        value = value << 4 | (uint64_t)(strchr(digits, *text) - digits);
    *tunnel_id = value;
    return value != 0;
}

uint32_t m4h_slave_info_weight(const struct m4h_slave_info *info)
{
    return info->weight > 0 ? info->weight : 100;
}

bool m4h_device_limits_are_any(const struct m4h_device_limits *limits)
{
    return limits->operator_network_count > 0 || limits->port_range_count > 0 ||
           limits->forwards_max > 0 || limits->channels_max > 0 || limits->idle_ms > 0 ||
           limits->bytes_per_second > 0;
}

const char *m4h_authorize_reply_name(const struct m4h_authorize_reply *reply)
{
    return reply->client_key[0] != '\0' ? reply->client_key : reply->operator_.name;
}

void m4h_problem_set(struct m4h_problem *problem, enum m4h_problem_code code, const char *detail)
{
    *problem = (struct m4h_problem){.code = code};
    m4h_ident_text_clean(problem->detail, sizeof(problem->detail), detail);
}

bool m4h_text_copy(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size);

    if (len == size) {
        out[0] = '\0';
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}
