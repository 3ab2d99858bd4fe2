/* Private to lib/wire: Operator, inside the answer yes and in records. As
 * lib/wire/parts.h: a `parts` struct must not move after its write. Pure. */
#ifndef M4H_WIRE_OPERATOR_H
#define M4H_WIRE_OPERATOR_H

#include "lib/base/model.h"
#include "lib/wire/label_parts.h"
#include "mas4h/v1/authorize.pb-c.h"

#include <stdbool.h>

struct m4h_wire_rule_parts {
    Mas4h__V1__OperatorRule message;
    struct m4h_wire_label_parts labels;
    Mas4h__V1__PortRange ranges[M4H_OPERATOR_PORTS_MAX];
    Mas4h__V1__PortRange *range_pointers[M4H_OPERATOR_PORTS_MAX];
};

struct m4h_wire_operator_parts {
    Mas4h__V1__Operator message;
    struct m4h_wire_rule_parts rules[M4H_OPERATOR_RULES_MAX];
    Mas4h__V1__OperatorRule *rule_pointers[M4H_OPERATOR_RULES_MAX];
};

/* NULL where it has no name: the key is no operator's, and nothing is sent. */
Mas4h__V1__Operator *m4h_wire_write_operator(struct m4h_wire_operator_parts *parts,
                                             const struct m4h_operator *operator_);
/* NULL reads as none. */
bool m4h_wire_read_operator(const Mas4h__V1__Operator *message, struct m4h_operator *out);

#endif
