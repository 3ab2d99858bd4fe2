/* Kept verdicts: their kind, and the message that would answer a slave. */
#include "services/master/io/kept_verdicts.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

#include <string.h>

#define REFUSED_ENTRIES_MAX 4096u
#define PACKED_MAX          20000u

int m4h_kept_verdicts_open(struct m4h_kept_verdicts *kept)
{
    int error = m4h_verdicts_create(&kept->allowed);

    kept->packed.cap = PACKED_MAX;
    return error == 0 ? m4h_verdicts_create(&kept->refused) : error;
}

void m4h_kept_verdicts_close(struct m4h_kept_verdicts *kept)
{
    m4h_verdicts_destroy(kept->allowed);
    m4h_verdicts_destroy(kept->refused);
    m4h_buffer_free(&kept->packed);
}

/* ---- keeping ---------------------------------------------------------------- */

static int pack(struct m4h_buffer *out, const struct m4h_verdict *verdict)
{
    static const struct m4h_problem none = {0};
    uint8_t kind = (uint8_t)verdict->kind;
    int error;

    m4h_buffer_clear(out);
    error = m4h_buffer_add(out, &kind, sizeof(kind));
    return error == 0 ? m4h_wire_authorize_reply_encode(&verdict->reply, &none, out) : error;
}

/* `after_ms`, but no later than when the verdict ends by itself. */
static uint64_t until(const struct m4h_verdict *verdict, uint64_t now_ms, uint64_t after_ms)
{
    uint64_t wall_ms = m4h_walltime_now_ms(), expires_ms = verdict->reply.expires_wall_ms;

    if (expires_ms != 0 && expires_ms < wall_ms + after_ms)
        after_ms = expires_ms > wall_ms ? expires_ms - wall_ms : 0;
    return now_ms + after_ms;
}

static uint64_t valid_ms_of(const struct m4h_verdict *verdict, const struct m4h_keeping *keeping)
{
    uint64_t valid_ms =
        verdict->reply.valid_for_ms != 0 ? verdict->reply.valid_for_ms : keeping->valid_ms;

    return verdict->kind != M4H_VERDICT_ALLOW && valid_ms > M4H_REFUSED_VALID_MS
               ? M4H_REFUSED_VALID_MS
               : valid_ms;
}

void m4h_kept_verdicts_put(struct m4h_kept_verdicts *kept,
                           const struct m4h_authorize_request *request,
                           const struct m4h_likeness *likeness, const struct m4h_verdict *verdict,
                           const struct m4h_keeping *keeping, uint64_t now_ms)
{
    bool is_allowed = verdict->kind == M4H_VERDICT_ALLOW;
    uint64_t valid_ms = valid_ms_of(verdict, keeping);
    struct m4h_kept_verdict entry = {
        .key_fingerprint = request->key_fingerprint,
        .client_key = verdict->reply.client_key,
        .fresh_until_ms = until(verdict, now_ms, valid_ms),
        .kept_until_ms = until(verdict, now_ms, valid_ms + (is_allowed ? keeping->stale_ms : 0)),
    };

    if (verdict->kind == M4H_VERDICT_FAILED || keeping->entries_max == 0)
        return;
    m4h_verdicts_forget(is_allowed ? kept->refused : kept->allowed, request->key_fingerprint, "");
    if (pack(&kept->packed, verdict) != 0)
        return;
    entry.packed = kept->packed.data;
    entry.packed_len = kept->packed.len;
    m4h_verdicts_put(is_allowed ? kept->allowed : kept->refused, likeness, &entry,
                     is_allowed ? keeping->entries_max : REFUSED_ENTRIES_MAX);
}

/* ---- giving again ------------------------------------------------------------ */

static bool unpack(const struct m4h_kept_verdict *entry, uint64_t valid_ms,
                   struct m4h_verdict *verdict)
{
    struct m4h_problem problem;

    memset(verdict, 0, sizeof(*verdict));
    verdict->kind = (enum m4h_verdict_kind)entry->packed[0];
    if (m4h_wire_authorize_reply_decode(entry->packed + 1, entry->packed_len - 1, &verdict->reply,
                                        &problem) != 0)
        return false;
    verdict->reply.valid_for_ms = (uint32_t)(valid_ms < UINT32_MAX ? valid_ms : UINT32_MAX);
    return true;
}

static bool find_fresh(struct m4h_verdicts *verdicts, const struct m4h_likeness *likeness,
                       uint64_t now_ms, struct m4h_verdict *verdict)
{
    struct m4h_kept_verdict entry;

    return m4h_verdicts_find(verdicts, likeness, now_ms, &entry) && entry.fresh_until_ms > now_ms &&
           unpack(&entry, entry.fresh_until_ms - now_ms, verdict);
}

bool m4h_kept_verdicts_fresh(struct m4h_kept_verdicts *kept, const struct m4h_likeness *likeness,
                             uint64_t now_ms, struct m4h_verdict *verdict)
{
    bool is_kept = find_fresh(kept->allowed, likeness, now_ms, verdict) ||
                   find_fresh(kept->refused, likeness, now_ms, verdict);

    kept->fresh_count += is_kept;
    return is_kept;
}

bool m4h_kept_verdicts_stale(struct m4h_kept_verdicts *kept, const struct m4h_likeness *likeness,
                             uint64_t now_ms, struct m4h_verdict *verdict)
{
    struct m4h_kept_verdict entry;
    bool is_kept = m4h_verdicts_find(kept->allowed, likeness, now_ms, &entry) &&
                   unpack(&entry, M4H_REFUSED_VALID_MS, verdict);

    kept->stale_count += is_kept;
    return is_kept;
}

void m4h_kept_verdicts_forget(struct m4h_kept_verdicts *kept, const char *key_fingerprint,
                              const char *client_key)
{
    m4h_verdicts_forget(kept->allowed, key_fingerprint, client_key);
    m4h_verdicts_forget(kept->refused, key_fingerprint, client_key);
}
