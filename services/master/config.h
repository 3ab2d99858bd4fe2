/* The settings of a master: see deploy/config/master.conf for what they mean. */
#ifndef M4H_MASTER_CONFIG_H
#define M4H_MASTER_CONFIG_H

#include "lib/config/config.h"
#include "services/master/config_certificates.h"
#include "services/master/config_command.h"
#include "services/master/config_registry.h"
#include "services/master/config_service.h"
#include "services/master/config_validator.h"
#include "services/master/config_webhook.h"
#include "services/master/core/stream_plan.h"

struct m4h_master_config {
    char *id;
    char *nats_url;
    char *nats_user;
    char *nats_password;
    char *nats_password_file;
    char *nats_credentials;
    char *nats_nkey;
    char *nats_inbox_prefix;
    char *nats_tls_ca;
    char *nats_tls_cert;
    char *nats_tls_key;
    int log_level;
    char *ready_file;
    bool watch_config;
    char *authorized_keys;
    char *validators;
    int64_t validator_timeout_ms;
    int64_t in_flight_max;
    int64_t cache_entries;
    int64_t stale_ms;
    int64_t valid_for_ms;
    struct m4h_service_config service;
    struct m4h_webhook_config webhook;
    struct m4h_registry_settings registry;
    struct m4h_certificates_settings certificates;
    struct m4h_command_settings command;
    int64_t reservation_ms;
    int64_t slots_per_second; /* -1: auto */
    int64_t sticky_band;
    char *fallback;
    int64_t silent_after_ms;
    int64_t lost_after_ms;
    char *stream;
    char *stream_region;
    char *stream_sources;
    char *jetstream_domain;
    bool stream_update;
    int stream_storage; /* 0 file, 1 memory */
    int64_t stream_replicas;
    int64_t stream_max_age_ms;
    int64_t stream_max_bytes;
    int64_t stream_duplicate_window_ms;
    char *http_listen;
};

/* What [events] says of streams; the texts are borrowed. */
struct m4h_stream_wishes m4h_master_config_streams(const struct m4h_master_config *config);

extern const struct m4h_config_table m4h_master_config_table;

#endif
