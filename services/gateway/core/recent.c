/* Which events were given to readers lately. */
#include "services/gateway/core/recent.h"

#include "lib/base/ident.h"

void m4h_gateway_recent_add(struct m4h_gateway_recent *recent, const char *event_id)
{
    recent->hashes[recent->count++ % M4H_GATEWAY_RECENT_MAX] = m4h_ident_hash(event_id);
}

uint64_t m4h_gateway_recent_find(const struct m4h_gateway_recent *recent, const char *event_id)
{
    uint64_t hash = m4h_ident_hash(event_id), count = recent->count;
    uint64_t oldest = count > M4H_GATEWAY_RECENT_MAX ? count - M4H_GATEWAY_RECENT_MAX : 0;

    for (uint64_t at = count; at > oldest; at--) {
        if (recent->hashes[(at - 1) % M4H_GATEWAY_RECENT_MAX] == hash)
            return at;
    }
    return 0;
}

bool m4h_gateway_recent_has(uint64_t found, uint64_t live_since)
{
    return found > live_since;
}
