/* What a key is granted. */
#include "lib/json/grant.h"

#include "lib/base/ident.h"
#include "lib/base/labels.h"
#include "lib/base/network.h"
#include "lib/base/walltime.h"

#include <stdio.h>
#include <string.h>

#define CHANNELS_MAX 65535u
/* As in authorized_keys: a slave gives at least so much, and counts no more. */
#define RATE_MIN 4096u
#define RATE_MAX ((uint64_t)1 << 40)

/* ---- ports and labels ------------------------------------------------------------- */

static bool take_port(const char **text, uint16_t *port)
{
    unsigned value = 0;
    const char *from = *text;

    while (**text >= '0' && **text <= '9' && value <= UINT16_MAX)
        value = value * 10 + (unsigned)(*(*text)++ - '0');
    if (*text == from || value < 1 || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* 22, "22" or "8000-8010". */
static bool read_port_range(const json_t *value, struct m4h_port_range *range)
{
    const char *text = json_string_value(value);

    if (json_is_integer(value)) {
        if (json_integer_value(value) < 1 || json_integer_value(value) > UINT16_MAX)
            return false;
        range->first = range->last = (uint16_t)json_integer_value(value);
        return true;
    }
    if (text == NULL || !take_port(&text, &range->first))
        return false;
    range->last = range->first;
    if (*text == '-') {
        text++;
        if (!take_port(&text, &range->last))
            return false;
    }
    return *text == '\0' && range->first <= range->last;
}

uint8_t m4h_json_read_ports(struct m4h_json_strict *strict, json_t *object,
                            struct m4h_port_range *ranges, size_t max)
{
    json_t *ports = m4h_json_strict_array(strict, object, "ports", max), *value;
    uint8_t count = 0;
    size_t i;

    json_array_foreach(ports, i, value)
    {
        if (read_port_range(value, &ranges[count]))
            count++;
        else
            m4h_json_refuse(strict, "\"ports\" must hold numbers from 1 to 65535 and ranges like "
                                    "\"8000-8010\"");
    }
    if (ports != NULL && json_array_size(ports) == 0)
        m4h_json_refuse(strict, "\"ports\" must hold one at least; leave it out to allow any");
    return count;
}

void m4h_json_read_labels(struct m4h_json_strict *strict, json_t *object,
                          char labels[M4H_LABELS_TEXT_MAX + 1])
{
    json_t *wanted = m4h_json_strict_object(strict, object, "labels"), *value;
    const char *name;

    json_object_foreach(wanted, name, value)
    {
        const char *text = json_string_value(value);

        if (text == NULL || strlen(text) != json_string_length(value) ||
            m4h_labels_add(labels, name, text) != 0)
            m4h_json_refuse(strict,
                            "\"labels\": \"%.63s\" cannot be a label of that value, or there are "
                            "too many",
                            name);
    }
}

/* ---- limits and operators ----------------------------------------------------------- */

static void read_networks(struct m4h_json_strict *strict, json_t *object,
                          struct m4h_device_limits *limits)
{
    json_t *networks =
        m4h_json_strict_array(strict, object, "operator_networks", M4H_OPERATOR_NETWORKS_MAX);
    struct m4h_network network;
    json_t *value;
    size_t i;

    json_array_foreach(networks, i, value)
    {
        char *out = limits->operator_networks[limits->operator_network_count];
        const char *text = json_string_value(value);

        if (text != NULL && m4h_text_copy(out, M4H_NETWORK_TEXT_MAX, text) &&
            m4h_network_parse(out, &network) == 0)
            limits->operator_network_count++;
        else
            m4h_json_refuse(strict, "\"operator_networks\" must hold networks like \"10.0.0.0/8\"");
    }
    if (networks != NULL && json_array_size(networks) == 0)
        m4h_json_refuse(strict,
                        "\"operator_networks\" must hold one at least; leave it out to allow any");
}

void m4h_json_read_limits(struct m4h_json_strict *strict, json_t *parent,
                          struct m4h_device_limits *limits)
{
    static const char *const names[] = {"max_forwards",     "max_channels",      "idle_ms",
                                        "bytes_per_second", "operator_networks", NULL};
    json_t *object = m4h_json_strict_object(strict, parent, "limits");

    if (object == NULL)
        return;
    m4h_json_strict_names(strict, object, "\"limits\"", names);
    limits->forwards_max =
        (uint32_t)m4h_json_strict_number(strict, object, "max_forwards", 1, M4H_TUNNEL_PORTS_MAX);
    limits->channels_max =
        (uint32_t)m4h_json_strict_number(strict, object, "max_channels", 1, CHANNELS_MAX);
    limits->idle_ms = (uint32_t)m4h_json_strict_number(strict, object, "idle_ms", 1, UINT32_MAX);
    limits->bytes_per_second =
        m4h_json_strict_number(strict, object, "bytes_per_second", RATE_MIN, RATE_MAX);
    read_networks(strict, object, limits);
}

/* What a rule leaves out allows any: one that has nothing to say there must not have meant that. */
static void check_said(struct m4h_json_strict *strict, json_t *object, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (json_is_null(json_object_get(object, *names)))
            m4h_json_refuse(strict, "\"%s\" of a rule is null; leave it out to allow any", *names);
    }
}

static void read_rule(struct m4h_json_strict *strict, json_t *object,
                      struct m4h_operator_rule *rule)
{
    static const char *const names[] = {"devices", "labels", "ports", NULL};

    if (!json_is_object(object)) {
        m4h_json_refuse(strict, "\"rules\" must hold objects");
        return;
    }
    m4h_json_strict_names(strict, object, "a rule", names);
    check_said(strict, object, names);
    m4h_json_strict_text(strict, object, "devices", rule->client_key_pattern,
                         sizeof(rule->client_key_pattern));
    if (json_object_get(object, "devices") != NULL && rule->client_key_pattern[0] == '\0')
        m4h_json_refuse(strict, "\"devices\" of a rule must be a pattern; leave it out to allow "
                                "any");
    m4h_json_read_labels(strict, object, rule->labels);
    rule->port_range_count =
        m4h_json_read_ports(strict, object, rule->ports, M4H_OPERATOR_PORTS_MAX);
}

void m4h_json_read_operator(struct m4h_json_strict *strict, json_t *parent,
                            struct m4h_operator *operator_)
{
    static const char *const names[] = {"name", "rules", "max_channels", NULL};
    json_t *object = m4h_json_strict_object(strict, parent, "operator"), *rules, *rule;
    size_t i;

    if (object == NULL)
        return;
    m4h_json_strict_names(strict, object, "\"operator\"", names);
    m4h_json_strict_text(strict, object, "name", operator_->name, sizeof(operator_->name));
    if (!m4h_ident_client_key_is_valid(operator_->name))
        m4h_json_refuse(strict, "\"operator\" must have a \"name\" of 1 to %d bytes",
                        M4H_CLIENT_KEY_MAX);
    operator_->channels_max =
        (uint32_t)m4h_json_strict_number(strict, object, "max_channels", 1, CHANNELS_MAX);
    rules = m4h_json_strict_array(strict, object, "rules", M4H_OPERATOR_RULES_MAX);
    json_array_foreach(rules, i, rule)
        read_rule(strict, rule, &operator_->rules[operator_->rule_count++]);
}

/* ---- names and times ---------------------------------------------------------------- */

void m4h_json_read_client_key(struct m4h_json_strict *strict, json_t *object,
                              char client_key[M4H_CLIENT_KEY_MAX + 1])
{
    m4h_json_strict_text(strict, object, "client_key", client_key, M4H_CLIENT_KEY_MAX + 1);
    if (m4h_json_strict_member(object, "client_key") != NULL &&
        !m4h_ident_client_key_is_valid(client_key))
        m4h_json_refuse(strict,
                        "\"client_key\" must be 1 to %d bytes without a space at either end",
                        M4H_CLIENT_KEY_MAX);
}

void m4h_json_read_region(struct m4h_json_strict *strict, json_t *object,
                          char region[M4H_ID_MAX + 1])
{
    m4h_json_strict_text(strict, object, "region", region, M4H_ID_MAX + 1);
    if (region[0] != '\0' && !m4h_ident_id_is_valid(region))
        m4h_json_refuse(strict, "\"region\" must be made of a-z, 0-9 and -");
}

void m4h_json_read_expiry(struct m4h_json_strict *strict, json_t *object, uint64_t *wall_ms)
{
    char text[64];

    m4h_json_strict_text(strict, object, "expires_at", text, sizeof(text));
    if (text[0] != '\0' && m4h_walltime_parse(text, wall_ms) != 0)
        m4h_json_refuse(strict, "\"expires_at\" must be a time like 2030-01-31T12:00:00Z");
}

/* ---- writing ------------------------------------------------------------------------ */

void m4h_json_write_ports(struct m4h_json_writer *writer, const struct m4h_port_range *ranges,
                          size_t count)
{
    char text[16];

    m4h_json_open(writer, "ports", '[');
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "%u-%u", ranges[i].first, ranges[i].last);
        if (ranges[i].first == ranges[i].last)
            m4h_json_number(writer, NULL, ranges[i].first);
        else
            m4h_json_text(writer, NULL, text);
    }
    m4h_json_close(writer, ']');
}

static void write_limit(struct m4h_json_writer *writer, const char *name, uint64_t value)
{
    if (value != 0)
        m4h_json_number(writer, name, value);
}

void m4h_json_write_limits(struct m4h_json_writer *writer, const struct m4h_device_limits *limits)
{
    m4h_json_open(writer, "limits", '{');
    write_limit(writer, "max_forwards", limits->forwards_max);
    write_limit(writer, "max_channels", limits->channels_max);
    write_limit(writer, "idle_ms", limits->idle_ms);
    write_limit(writer, "bytes_per_second", limits->bytes_per_second);
    if (limits->operator_network_count > 0) {
        m4h_json_open(writer, "operator_networks", '[');
        for (size_t i = 0; i < limits->operator_network_count; i++)
            m4h_json_text(writer, NULL, limits->operator_networks[i]);
        m4h_json_close(writer, ']');
    }
    m4h_json_close(writer, '}');
}

static void write_rule(struct m4h_json_writer *writer, const struct m4h_operator_rule *rule)
{
    m4h_json_open(writer, NULL, '{');
    if (rule->client_key_pattern[0] != '\0')
        m4h_json_text(writer, "devices", rule->client_key_pattern);
    if (rule->labels[0] != '\0')
        m4h_json_labels(writer, "labels", rule->labels);
    if (rule->port_range_count > 0)
        m4h_json_write_ports(writer, rule->ports, rule->port_range_count);
    m4h_json_close(writer, '}');
}

void m4h_json_write_operator(struct m4h_json_writer *writer, const struct m4h_operator *operator_)
{
    if (operator_->name[0] == '\0') {
        m4h_json_null(writer, "operator");
        return;
    }
    m4h_json_open(writer, "operator", '{');
    m4h_json_text(writer, "name", operator_->name);
    m4h_json_open(writer, "rules", '[');
    for (size_t i = 0; i < operator_->rule_count; i++)
        write_rule(writer, &operator_->rules[i]);
    m4h_json_close(writer, ']');
    write_limit(writer, "max_channels", operator_->channels_max);
    m4h_json_close(writer, '}');
}
