/* The subjects that a gateway asks on. */
#include "services/gateway/core/subject.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *m4h_gateway_slave_subject(char out[M4H_GATEWAY_SUBJECT_MAX], const char *slave_id,
                                      const char *command)
{
    assert(m4h_ident_id_is_valid(slave_id));
    snprintf(out, M4H_GATEWAY_SUBJECT_MAX, "mas4h.v1.slave.%s.%s", slave_id, command);
    return out;
}

bool m4h_gateway_drain_subject_parse(const char *subject, char slave_id[M4H_ID_MAX + 1])
{
    static const char begin[] = "mas4h.v1.events.";
    const char *last = strrchr(subject, '.'), *region = subject + sizeof(begin) - 1, *slave;
    size_t len;

    if (last == NULL || strcmp(last, ".drain") != 0 ||
        strncmp(subject, begin, sizeof(begin) - 1) != 0)
        return false;
    slave = region + strcspn(region, ".") + 1;
    if (slave >= last)
        return false;
    len = (size_t)(last - slave);
    if (len > M4H_ID_MAX)
        return false;
    memcpy(slave_id, slave, len);
    slave_id[len] = '\0';
    return m4h_ident_id_is_valid(slave_id);
}
