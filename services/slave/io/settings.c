/* From the configuration to what workers read. */
#include "services/slave/io/settings.h"

#include "lib/base/error.h"

#include <stdlib.h>

static struct m4h_session_limits session_limits(const struct m4h_slave_config *config)
{
    return (struct m4h_session_limits){
        .authenticate_ms = (uint32_t)config->authenticate_ms,
        .forward_ms = (uint32_t)config->forward_ms,
        .keepalive_ms = (uint32_t)config->keepalive_ms,
        .keepalive_misses = (uint32_t)config->keepalive_misses,
        .keys_max = (uint32_t)config->keys_max,
        .forwards_max = (uint32_t)config->forwards_max,
    };
}

/* Fills in all members; what is allocated is freed by the last release, also
 * after an error. */
static int fill(struct m4h_worker_settings *settings, const struct m4h_slave_config *config)
{
    m4h_text_copy(settings->id, sizeof(settings->id), config->id);
    m4h_text_copy(settings->region, sizeof(settings->region), config->region);
    settings->session = session_limits(config);
    settings->buffer_bytes = (size_t)config->buffer_bytes;
    return 0;
}

int m4h_worker_settings_create(struct m4h_worker_settings **settings,
                               const struct m4h_slave_config *config)
{
    int error;

    *settings = calloc(1, sizeof(**settings));
    if (*settings == NULL)
        return M4H_ENOMEM;
    atomic_init(&(*settings)->holders, 1);
    error = fill(*settings, config);
    if (error != 0) {
        m4h_worker_settings_release(*settings);
        *settings = NULL;
    }
    return error;
}

struct m4h_worker_settings *m4h_worker_settings_hold(struct m4h_worker_settings *settings)
{
    atomic_fetch_add_explicit(&settings->holders, 1, memory_order_relaxed);
    return settings;
}

void m4h_worker_settings_release(struct m4h_worker_settings *settings)
{
    if (settings == NULL ||
        atomic_fetch_sub_explicit(&settings->holders, 1, memory_order_acq_rel) != 1)
        return;
    free(settings);
}
