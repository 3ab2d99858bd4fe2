/* Options one by one, and what they come to together. */
#include "services/master/core/key_options.h"

#include "lib/base/labels.h"
#include "lib/base/walltime.h"
#include "services/master/core/key_limits.h"

#include <string.h>
#include <strings.h>

static const char *const harmless_options[] = {
    "restrict",    "no-pty",           "no-agent-forwarding", "no-x11-forwarding", "no-user-rc",
    "pty",         "agent-forwarding", "x11-forwarding",      "user-rc",           "command",
    "environment", "tunnel",           "no-touch-required",
};

/* ---- of devices ---------------------------------------------------------------- */

static const char *read_client_key(struct m4h_key_options *options, const char *value)
{
    if (!m4h_ident_client_key_is_valid(value))
        return "needs 1 to 128 printable bytes in quotes";
    m4h_text_copy(options->grant.client_key, sizeof(options->grant.client_key), value);
    options->device_only = "client-key is for devices, and the key is an operator's";
    return NULL;
}

static const char *read_port(struct m4h_key_options *options, const char *value)
{
    struct m4h_port_range range;

    if (!m4h_key_ports_read(value, &range) || range.first != range.last)
        return "needs a port, 1 to 65535";
    options->grant.fixed_port = range.first;
    options->device_only = "port is for devices, and the key is an operator's";
    return NULL;
}

static const char *read_region(struct m4h_key_options *options, const char *value)
{
    if (!m4h_ident_id_is_valid(value))
        return "needs the name of a region";
    m4h_text_copy(options->grant.region, sizeof(options->grant.region), value);
    options->device_only = "region is for devices, and the key is an operator's";
    return NULL;
}

static const char *read_labels(struct m4h_key_options *options, const char *value)
{
    if (options->grant.labels[0] != '\0')
        return "is given twice";
    if (m4h_labels_normalize(value, options->grant.labels) != 0)
        return "needs labels like site=berlin,model=p7";
    options->device_only = "labels are for devices, and the key is an operator's";
    return NULL;
}

/* ---- of operators --------------------------------------------------------------- */

static const char *read_operator(struct m4h_key_options *options, const char *value)
{
    if (!m4h_ident_client_key_is_valid(value))
        return "needs 1 to 128 printable bytes in quotes";
    m4h_text_copy(options->grant.operator_.name, sizeof(options->grant.operator_.name), value);
    return NULL;
}

/* Ports behind the last colon: "22", "22,8000-8010", "*". */
static bool read_rule_ports(const char *text, struct m4h_operator_rule *rule)
{
    if (strcmp(text, "*") == 0)
        return true;
    for (;;) {
        char part[16] = "";
        size_t len = strcspn(text, ",");

        if (rule->port_range_count == M4H_OPERATOR_PORTS_MAX || len >= sizeof(part))
            return false;
        memcpy(part, text, len);
        if (!m4h_key_ports_read(part, &rule->ports[rule->port_range_count++]))
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

static const char *add_rule(struct m4h_operator *operator_, const char *value)
{
    const char *colon = strrchr(value, ':');
    struct m4h_operator_rule *rule = &operator_->rules[operator_->rule_count];
    size_t len;

    if (operator_->rule_count == M4H_OPERATOR_RULES_MAX)
        return "option permitopen may be given 8 times";
    if (colon == NULL || colon == value)
        return "option permitopen needs PATTERN:PORTS";
    len = (size_t)(colon - value);
    if (len >= sizeof(rule->client_key_pattern) || !m4h_ident_text_is_valid(value, len))
        return "option permitopen needs a pattern of at most 128 printable bytes";
    memset(rule, 0, sizeof(*rule));
    memcpy(rule->client_key_pattern, value, len);
    if (!read_rule_ports(colon + 1, rule))
        return "option permitopen needs up to 4 ports or ranges behind its colon, or *";
    operator_->rule_count++;
    return NULL;
}

/* OpenSSH's lines for other servers may have any: it matters only where the key is an operator's.
 */
static const char *read_permitopen(struct m4h_key_options *options, const char *value)
{
    const char *wrong = add_rule(&options->grant.operator_, value);

    if (wrong != NULL)
        options->rule_wrong = wrong;
    options->has_rule = true;
    return NULL;
}

static const char *read_permit_labels(struct m4h_key_options *options, const char *value)
{
    if (options->permit_labels[0] != '\0')
        return "is given twice";
    if (m4h_labels_normalize(value, options->permit_labels) != 0 ||
        options->permit_labels[0] == '\0')
        return "needs labels like site=berlin,model=p7";
    options->has_rule = true;
    return NULL;
}

/* ---- of any key ------------------------------------------------------------------ */

static const char *read_from(struct m4h_key_options *options, const char *value)
{
    if (options->grant.from[0] != '\0')
        return "is given twice";
    if (strlen(value) > M4H_KEY_FROM_MAX || !m4h_key_from_is_valid(value))
        return "needs addresses, patterns of them, or networks: names of hosts are not looked up";
    m4h_text_copy(options->grant.from, sizeof(options->grant.from), value);
    return NULL;
}

/* Of several the earliest counts, as in sshd. */
static const char *read_expiry_time(struct m4h_key_options *options, const char *value)
{
    uint64_t wall_ms;

    if (m4h_walltime_parse_compact(value, &wall_ms) != 0)
        return "needs a time like 20300131 or 202601311200Z";
    if (options->grant.expires_wall_ms == 0 || wall_ms < options->grant.expires_wall_ms)
        options->grant.expires_wall_ms = wall_ms;
    return NULL;
}

static const char *read_principals(struct m4h_key_options *options, const char *value)
{
    if (strlen(value) > M4H_KEY_PRINCIPALS_MAX)
        return "is too long";
    if (value[0] == '!' || strstr(value, ",!") != NULL)
        return "takes patterns of names that may be given, and none with !";
    m4h_text_copy(options->principals, sizeof(options->principals), value);
    return NULL;
}

static const struct {
    const char *name;
    const char *(*read)(struct m4h_key_options *options, const char *value);
} readers[] = {
    {"client-key", read_client_key},
    {"port", read_port},
    {"region", read_region},
    {"labels", read_labels},
    {"operator", read_operator},
    {"permitopen", read_permitopen},
    {"permit-labels", read_permit_labels},
    {"from", read_from},
    {"expiry-time", read_expiry_time},
    {"principals", read_principals},
};

/* ---- all of them ------------------------------------------------------------------ */

/* Options without a value. False: it is none of these. */
static bool read_flag(struct m4h_key_options *options, const char *name)
{
    if (strcasecmp(name, "no-port-forwarding") == 0)
        options->grant.forbids_forwards = true;
    else if (strcasecmp(name, "port-forwarding") == 0)
        options->grant.forbids_forwards = false;
    else if (strcasecmp(name, "cert-authority") == 0)
        options->is_authority = true;
    else
        return false;
    return true;
}

static bool is_harmless(const char *name)
{
    for (size_t i = 0; i < M4H_COUNT(harmless_options); i++)
        if (strcasecmp(name, harmless_options[i]) == 0)
            return true;
    return false;
}

const char *m4h_key_options_read(struct m4h_key_options *options, const char *name,
                                 const char *value)
{
    static const char no_value[] = "needs its value in quotes";

    if (read_flag(options, name) || is_harmless(name))
        return NULL;
    for (size_t i = 0; i < M4H_COUNT(readers); i++)
        if (strcasecmp(name, readers[i].name) == 0)
            return value != NULL ? readers[i].read(options, value) : no_value;
    if (m4h_key_limits_knows(name)) {
        if (strcasecmp(name, "max-channels") != 0)
            options->device_only = "a limit of devices is given, and the key is an operator's";
        return value != NULL ? m4h_key_limits_read(&options->grant.limits, name, value) : no_value;
    }
    if (strcasecmp(name, "verify-required") == 0)
        return "is not enforced here, so the key is refused";
    return "is not known";
}

static const char *finish_operator(struct m4h_key_options *options)
{
    struct m4h_operator *operator_ = &options->grant.operator_;

    if (options->device_only != NULL)
        return options->device_only;
    if (options->rule_wrong != NULL)
        return options->rule_wrong;
    if (!options->has_rule)
        return "option operator needs permitopen or permit-labels: which devices may be reached";
    if (operator_->rule_count == 0)
        operator_->rule_count = 1;
    for (size_t i = 0; i < operator_->rule_count; i++)
        m4h_text_copy(operator_->rules[i].labels, sizeof(operator_->rules[i].labels),
                      options->permit_labels);
    operator_->channels_max = options->grant.limits.channels_max;
    options->grant.limits.channels_max = 0;
    return NULL;
}

const char *m4h_key_options_finish(struct m4h_key_options *options, struct m4h_key_line *line)
{
    const char *wrong = NULL;

    if (options->grant.operator_.name[0] != '\0')
        wrong = finish_operator(options);
    else if (options->permit_labels[0] != '\0')
        wrong = "option permit-labels is for operators";
    else
        options->grant.operator_ = (struct m4h_operator){0};
    if (wrong == NULL && options->principals[0] != '\0' && !options->is_authority)
        wrong = "option principals is for a cert-authority";
    line->grant = options->grant;
    line->is_authority = options->is_authority;
    m4h_text_copy(line->principals, sizeof(line->principals), options->principals);
    return wrong;
}
