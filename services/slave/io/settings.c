/* From the configuration to what workers read. */
#include "services/slave/io/settings.h"

#include "lib/base/error.h"

#include <stdlib.h>

/* A worker does the work of a handshake in much less, on slow machines too: with one
 * in flight for so much of authenticate_ms, none takes longer than a part of it. */
#define HANDSHAKE_MS   25
#define HANDSHAKES_MIN 16
#define HANDSHAKES_MAX 1024
/* A worker accepts up to 32 in one turn, and hears them in the next. */
#define SOURCE_MIN 64
#define GUESTS_MIN 64

static struct m4h_session_limits session_limits(const struct m4h_slave_config *config)
{
    return (struct m4h_session_limits){
        .authenticate_ms = (uint32_t)config->authenticate_ms,
        .forward_ms = (uint32_t)config->forward_ms,
        .keepalive_ms = (uint32_t)config->keepalive_ms,
        .keepalive_misses = (uint32_t)config->keepalive_misses,
        .keys_max = (uint32_t)config->keys_max,
        .forwards_max = (uint32_t)config->forwards_max,
        .rest_ms = (uint32_t)config->operator_idle_ms,
    };
}

static uint32_t within(int64_t value, int64_t min, int64_t max)
{
    return (uint32_t)(value < min ? min : value > max ? max : value);
}

/* A worker's part of what is allowed in all. */
static uint32_t share(int64_t all, uint32_t workers)
{
    return (uint32_t)((all + workers - 1) / workers);
}

static struct m4h_door_limits door_limits(const struct m4h_slave_config *config)
{
    uint32_t workers = m4h_slave_config_workers(config);
    struct m4h_door_limits limits = {
        .active_max = (uint32_t)config->handshakes_max,
        .guests_max = within(share(config->unauthenticated_max, workers), GUESTS_MIN, UINT32_MAX),
        .source_max = share(config->source_max, workers),
        .prefix_v4 = (uint8_t)config->source_prefix_v4,
        .prefix_v6 = (uint8_t)config->source_prefix_v6,
    };

    if (limits.active_max == 0)
        limits.active_max =
            within(config->authenticate_ms / HANDSHAKE_MS, HANDSHAKES_MIN, HANDSHAKES_MAX);
    if (limits.active_max > limits.guests_max / 2)
        limits.active_max = limits.guests_max / 2;
    if (limits.source_max > 0)
        limits.source_max = within(limits.source_max, SOURCE_MIN, UINT32_MAX);
    return limits;
}

/* Fills in all members; what is allocated is freed by the last release, also
 * after an error. */
static int fill(struct m4h_worker_settings *settings, const struct m4h_slave_config *config)
{
    int error;

    m4h_text_copy(settings->id, sizeof(settings->id), config->id);
    m4h_text_copy(settings->region, sizeof(settings->region), config->region);
    settings->session = session_limits(config);
    settings->door = door_limits(config);
    settings->door.trusted = &settings->trusted;
    settings->proxy_required = config->proxy_protocol != 0;
    settings->buffer_bytes = (size_t)config->buffer_bytes;
    settings->operators = (struct m4h_operator_rules){
        .networks = &settings->operator_networks,
        .channels_max = (uint32_t)config->channels_max,
        .idle_ms = (uint32_t)config->idle_ms,
        .bytes_per_second = (uint64_t)config->bytes_per_second,
    };
    settings->proxy_header = config->proxy_header != 0;
    error = m4h_networks_parse(config->trusted_networks, &settings->trusted);
    if (error == 0)
        error = m4h_networks_parse(config->proxy_networks, &settings->proxies);
    if (error == 0)
        error = m4h_networks_parse(config->operator_networks, &settings->operator_networks);
    return error;
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
    m4h_networks_free(&settings->trusted);
    m4h_networks_free(&settings->proxies);
    m4h_networks_free(&settings->operator_networks);
    free(settings);
}
