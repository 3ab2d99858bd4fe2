/* The subjects that a gateway asks on. */
#include "services/gateway/core/subject.h"

#include <assert.h>
#include <stdio.h>

const char *m4h_gateway_slave_subject(char out[M4H_GATEWAY_SUBJECT_MAX], const char *slave_id,
                                      const char *command)
{
    assert(m4h_ident_id_is_valid(slave_id));
    snprintf(out, M4H_GATEWAY_SUBJECT_MAX, "mas4h.v1.slave.%s.%s", slave_id, command);
    return out;
}
