/* The file of the records: SQL on one side, packed records on the other. */
#include "services/master/io/record_file.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/revocations.h"
#include "lib/base/stamp.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"
#include "services/master/io/registry_schema.h"

#include <stdio.h>

#define LOG "registry"

struct loading {
    struct m4h_registry *registry;
    struct m4h_stamp_clock *clock;
    uint64_t wall_ms;
    size_t bad;
};

const char *m4h_device_state_name(enum m4h_device_state state)
{
    switch (state) {
    case M4H_DEVICE_ENABLED:
        return "enabled";
    case M4H_DEVICE_DISABLED:
        return "disabled";
    case M4H_DEVICE_PENDING:
        return "pending";
    case M4H_DEVICE_REMOVED:
        return "removed";
    }
    return "unknown";
}

static void log_failure(int error, const char *wrong, const char *what)
{
    char quoted[2 * M4H_STORE_WRONG_MAX];

    m4h_log(M4H_LOG_ERROR, LOG, "error=\"%s\" reason=%s %s", m4h_error_text(error),
            m4h_log_quote(quoted, sizeof(quoted), wrong), what);
}

int m4h_record_file_open(struct m4h_store **store, struct m4h_loop *loop, const char *path)
{
    char wrong[M4H_STORE_WRONG_MAX] = "";
    int error = m4h_store_open(store, loop, path, &m4h_registry_schema, wrong);

    if (error != 0)
        log_failure(error, wrong, "the file of [registry] path cannot be opened");
    return error;
}

/* ---- reading ---------------------------------------------------------------- */

/* One row: the packed record. */
static int load(void *context, const struct m4h_store_value *values, size_t count)
{
    struct loading *loading = context;
    struct m4h_device_record record;
    struct m4h_registry_entry entry;
    bool changed;
    int error;

    if (count != 1 || values[0].type != M4H_STORE_BYTES ||
        m4h_wire_device_decode(values[0].data, values[0].len, &record) != 0) {
        loading->bad++;
        return 0;
    }
    m4h_registry_entry_fill(&entry, &record, values[0].data, values[0].len);
    m4h_stamp_see(loading->clock, loading->wall_ms, record.stamp);
    error = m4h_registry_take(loading->registry, &entry, &changed);
    if (error == M4H_ENOMEM)
        return error;
    loading->bad += error != 0;
    return 0;
}

int m4h_record_file_load(struct m4h_store *store, struct m4h_registry *registry,
                         struct m4h_stamp_clock *clock)
{
    struct loading loading = {registry, clock, m4h_walltime_now_ms(), 0};
    struct m4h_registry_counts counts;
    char wrong[M4H_STORE_WRONG_MAX] = "";
    int error = m4h_store_read(store, "SELECT record FROM devices", load, &loading, wrong);

    if (error != 0) {
        log_failure(error, wrong, "the records cannot be read");
        return error;
    }
    m4h_registry_count(registry, &counts);
    m4h_log(loading.bad == 0 ? M4H_LOG_INFO : M4H_LOG_WARNING, LOG,
            "enabled=%zu disabled=%zu pending=%zu unreadable=%zu records are read", counts.enabled,
            counts.disabled, counts.pending, loading.bad);
    return 0;
}

struct loading_revocations {
    void (*on_revocation)(void *context, const struct m4h_revoke *revoke);
    void *context;
    size_t count;
    size_t bad;
};

static int load_revocation(void *context, const struct m4h_store_value *values, size_t count)
{
    struct loading_revocations *loading = context;
    struct m4h_revoke revoke;

    if (count != 1 || values[0].type != M4H_STORE_BYTES ||
        m4h_wire_revoke_decode(values[0].data, values[0].len, &revoke) != 0) {
        loading->bad++;
        return 0;
    }
    loading->on_revocation(loading->context, &revoke);
    loading->count++;
    return 0;
}

int m4h_record_file_load_revocations(struct m4h_store *store,
                                     void (*on_revocation)(void *context,
                                                           const struct m4h_revoke *revoke),
                                     void *context)
{
    struct loading_revocations loading = {on_revocation, context, 0, 0};
    char wrong[M4H_STORE_WRONG_MAX] = "";
    int error =
        m4h_store_read(store, "SELECT record FROM revocations", load_revocation, &loading, wrong);

    if (error != 0)
        log_failure(error, wrong, "the bans cannot be read");
    else if (loading.count + loading.bad > 0)
        m4h_log(loading.bad == 0 ? M4H_LOG_INFO : M4H_LOG_WARNING, LOG,
                "bans=%zu unreadable=%zu bans and lifted bans are read", loading.count,
                loading.bad);
    return error;
}

/* ---- writing ---------------------------------------------------------------- */

int m4h_record_file_put(struct m4h_store_batch *batch, const struct m4h_device_record *record,
                        const struct m4h_registry_entry *entry)
{
    const struct m4h_store_value values[] = {
        m4h_store_text(record->key_fingerprint),
        m4h_store_text(record->client_key),
        m4h_store_text(record->operator_.name),
        m4h_store_text(m4h_device_state_name(record->state)),
        m4h_store_text(record->labels),
        m4h_store_text(record->comment),
        m4h_store_integer(record->created_wall_ms),
        m4h_store_integer(record->expires_wall_ms),
        m4h_store_text(record->actor),
        m4h_store_integer(record->stamp),
        m4h_store_bytes(entry->packed, entry->packed_len),
    };

    return m4h_store_batch_add(batch, M4H_REGISTRY_PUT_DEVICE, values, M4H_COUNT(values));
}

int m4h_record_file_forget(struct m4h_store_batch *batch, const char *fingerprint)
{
    const struct m4h_store_value value = m4h_store_text(fingerprint);

    return m4h_store_batch_add(batch, M4H_REGISTRY_FORGET_DEVICE, &value, 1);
}

int m4h_record_file_put_revocation(struct m4h_store_batch *batch, const struct m4h_revoke *revoke,
                                   const void *packed, size_t packed_len)
{
    char name[M4H_REVOCATION_NAME_MAX + 1];
    const bool is_key = revoke->key_fingerprint[0] != '\0';

    snprintf(name, sizeof(name), is_key ? "key:%s" : "device:%s",
             is_key ? revoke->key_fingerprint : revoke->client_key);
    const struct m4h_store_value values[] = {
        m4h_store_text(name),
        m4h_store_integer(revoke->banned),
        m4h_store_text(revoke->actor),
        m4h_store_text(revoke->reason),
        m4h_store_integer(revoke->stamp),
        m4h_store_bytes(packed, packed_len),
    };

    return m4h_store_batch_add(batch, M4H_REGISTRY_PUT_REVOCATION, values, M4H_COUNT(values));
}
