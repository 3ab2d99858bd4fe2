/* What was decided about keys is taken back: slaves are told. */
#include "services/master/io/service.h"

#include "lib/base/error.h"
#include "lib/base/walltime.h"
#include "lib/wire/wire.h"

void m4h_master_void(struct m4h_master *master, const char *key_fingerprint, const char *client_key,
                     const char *reason)
{
    struct m4h_revoke revoke = {.stamp = m4h_stamp_next(&master->stamps, m4h_walltime_now_ms(), 0)};
    int error;

    m4h_text_copy(revoke.key_fingerprint, sizeof(revoke.key_fingerprint), key_fingerprint);
    m4h_text_copy(revoke.client_key, sizeof(revoke.client_key), client_key);
    m4h_text_copy(revoke.actor, sizeof(revoke.actor), master->config->id);
    m4h_text_copy(revoke.reason, sizeof(revoke.reason), reason);
    error = m4h_wire_revoke_encode(&revoke, &master->out);
    if (error == 0)
        error = m4h_bus_publish(master->bus, "mas4h.v1.control.revoke", M4H_BUS_KEEP, NULL,
                                master->out.data, master->out.len);
    m4h_buffer_clear(&master->out);
    if (error != 0)
        master->counters.voids_lost++;
    m4h_log(error == 0 ? M4H_LOG_INFO : M4H_LOG_WARNING, M4H_MASTER_LOG,
            "key=%s device=%s reason=\"%s\" error=\"%s\" what was decided before is void",
            key_fingerprint, client_key, reason, m4h_error_text(error));
}
