/* Whether this gateway does its work. */
#include "services/gateway/core/readiness.h"

#include <stddef.h>

void m4h_gateway_readiness_proved(struct m4h_gateway_readiness *readiness, uint64_t now_ms)
{
    readiness->has_answered = true;
    readiness->answered_ms = now_ms;
}

const char *m4h_gateway_readiness_lack(const struct m4h_gateway_readiness *readiness,
                                       uint64_t now_ms)
{
    if (readiness->is_draining)
        return "draining";
    if (!readiness->is_connected)
        return "not connected to NATS";
    if (!readiness->has_answered || now_ms - readiness->answered_ms > M4H_GATEWAY_PROBE_PROVES_MS)
        return "no master answers";
    return NULL;
}
