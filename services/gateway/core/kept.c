/* A queue in order of age, with its sums. */
#include "services/gateway/core/kept.h"

#include <utlist.h>

void m4h_gateway_kept_init(struct m4h_gateway_kept *kept)
{
    kept->entries = NULL;
    kept->count = 0;
    kept->bytes = 0;
}

void m4h_gateway_kept_add(struct m4h_gateway_kept *kept, struct m4h_gateway_kept_entry *entry,
                          size_t len, uint64_t until_ms)
{
    entry->len = len;
    entry->until_ms = until_ms;
    DL_APPEND(kept->entries, entry);
    kept->count++;
    kept->bytes += len;
}

void m4h_gateway_kept_remove(struct m4h_gateway_kept *kept, struct m4h_gateway_kept_entry *entry)
{
    DL_DELETE(kept->entries, entry);
    kept->count--;
    kept->bytes -= entry->len;
}

struct m4h_gateway_kept_entry *m4h_gateway_kept_surplus(const struct m4h_gateway_kept *kept,
                                                        uint64_t now_ms)
{
    struct m4h_gateway_kept_entry *oldest = kept->entries;

    if (oldest == NULL)
        return NULL;
    if (oldest->until_ms <= now_ms || kept->count > M4H_GATEWAY_KEPT_MAX ||
        kept->bytes > M4H_GATEWAY_KEPT_BYTES_MAX)
        return oldest;
    return NULL;
}

uint64_t m4h_gateway_kept_wait_ms(const struct m4h_gateway_kept *kept, uint64_t now_ms)
{
    const struct m4h_gateway_kept_entry *oldest = kept->entries;

    return oldest == NULL ? 0 : oldest->until_ms - now_ms;
}
