/* What an operator may reach by its name. */
#include "services/slave/core/access_rules.h"

#include "lib/base/labels.h"
#include "lib/base/pattern.h"

static bool names(const struct m4h_operator_rule *rule, const char *client_key)
{
    return rule->client_key_pattern[0] == '\0' ||
           m4h_pattern_matches(rule->client_key_pattern, client_key);
}

static bool has_port(const struct m4h_operator_rule *rule, uint16_t port)
{
    for (uint8_t i = 0; i < rule->port_range_count; i++) {
        if (port >= rule->ports[i].first && port <= rule->ports[i].last)
            return true;
    }
    return rule->port_range_count == 0;
}

bool m4h_access_allows(const struct m4h_operator *operator_, const char *client_key,
                       const char *labels, uint16_t port)
{
    for (uint8_t i = 0; i < operator_->rule_count; i++) {
        const struct m4h_operator_rule *rule = &operator_->rules[i];

        if (names(rule, client_key) && has_port(rule, port) &&
            m4h_labels_match(labels, rule->labels))
            return true;
    }
    return false;
}

bool m4h_access_might_allow(const struct m4h_operator *operator_, const char *client_key,
                            uint16_t port)
{
    for (uint8_t i = 0; i < operator_->rule_count; i++) {
        if (names(&operator_->rules[i], client_key) && has_port(&operator_->rules[i], port))
            return true;
    }
    return false;
}

uint16_t m4h_access_port(const struct m4h_tunnel *tunnel, uint16_t asked)
{
    for (uint8_t i = 0; i < tunnel->port_count; i++) {
        if (tunnel->ports[i] == asked)
            return asked;
    }
    if (tunnel->port_count > 0 && asked == M4H_ACCESS_PORT_ANY)
        return tunnel->ports[0];
    return asked >= 1 && asked <= tunnel->port_count ? tunnel->ports[asked - 1] : 0;
}
