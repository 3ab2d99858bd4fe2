/* Operator and its rules. */
#include "lib/wire/operator.h"

#include "lib/wire/field.h"
#include "lib/wire/limits.h"

#include <assert.h>

static void write_rule(struct m4h_wire_rule_parts *parts, const struct m4h_operator_rule *rule)
{
    Mas4h__V1__OperatorRule *message = &parts->message;

    assert(rule->port_range_count <= M4H_OPERATOR_PORTS_MAX);
    mas4h__v1__operator_rule__init(message);
    message->client_key_pattern = m4h_wire_borrow(rule->client_key_pattern);
    message->n_labels = m4h_wire_write_labels(&parts->labels, rule->labels);
    message->labels = parts->labels.pointers;
    for (size_t i = 0; i < rule->port_range_count; i++) {
        m4h_wire_write_port_range(&parts->ranges[i], &rule->ports[i]);
        parts->range_pointers[i] = &parts->ranges[i];
    }
    message->n_ports = rule->port_range_count;
    message->ports = parts->range_pointers;
}

Mas4h__V1__Operator *m4h_wire_write_operator(struct m4h_wire_operator_parts *parts,
                                             const struct m4h_operator *operator_)
{
    Mas4h__V1__Operator *message = &parts->message;

    if (operator_->name[0] == '\0')
        return NULL;
    assert(operator_->rule_count <= M4H_OPERATOR_RULES_MAX);
    mas4h__v1__operator__init(message);
    message->name = m4h_wire_borrow(operator_->name);
    for (size_t i = 0; i < operator_->rule_count; i++) {
        write_rule(&parts->rules[i], &operator_->rules[i]);
        parts->rule_pointers[i] = &parts->rules[i].message;
    }
    message->n_rules = operator_->rule_count;
    message->rules = parts->rule_pointers;
    message->channels_max = operator_->channels_max;
    return message;
}

/* What breaks is refused, not left out: the rest would be another permission than was meant. */
static bool read_rule(const Mas4h__V1__OperatorRule *message, struct m4h_operator_rule *out)
{
    if (message->n_ports > M4H_OPERATOR_PORTS_MAX)
        return false;
    for (size_t i = 0; i < message->n_ports; i++) {
        if (!m4h_wire_read_port_range(message->ports[i], &out->ports[i]))
            return false;
    }
    out->port_range_count = (uint8_t)message->n_ports;
    return m4h_wire_read_text(message->client_key_pattern, out->client_key_pattern,
                              sizeof(out->client_key_pattern)) &&
           m4h_wire_read_labels(message->n_labels, message->labels, out->labels);
}

bool m4h_wire_read_operator(const Mas4h__V1__Operator *message, struct m4h_operator *out)
{
    if (message == NULL)
        return true;
    if (message->n_rules > M4H_OPERATOR_RULES_MAX)
        return false;
    for (size_t i = 0; i < message->n_rules; i++) {
        if (!read_rule(message->rules[i], &out->rules[i]))
            return false;
    }
    out->rule_count = (uint8_t)message->n_rules;
    out->channels_max = message->channels_max;
    return m4h_wire_read_client_key(message->name, out->name);
}
