/* The settings of a gateway: see deploy/config/gateway.conf for what they mean. */
#ifndef M4H_GATEWAY_CONFIG_H
#define M4H_GATEWAY_CONFIG_H

#include "lib/config/config.h"

struct m4h_gateway_config {
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
    int64_t drain_delay_ms;
    int64_t drain_spread_ms;
    int64_t drain_ms;
    char *http_listen;
    bool http_open_access;
    char *http_host_names;
    char *http_tls_cert;
    char *http_tls_key;
    char *access_tokens_file;
    bool access_metrics_open;
    int64_t access_token_rate;
    int64_t access_source_rate;
    int64_t access_burst_ms;
    int64_t http_connections_max;
    int64_t http_source_connections_max;
    int64_t http_receive_ms;
    char *http_trusted_proxies;
    int http_proxy_protocol;   /* 0: off */
    int http_forwarded_header; /* an enum m4h_http_forwarded_header */
    int64_t rpc_timeout_ms;
    int64_t slots_in_flight_max;
    int64_t events_readers_max;
    int64_t events_heartbeat_ms;
    char *events_stream;
    int64_t events_replay_max;
    int64_t status_keep_ms;
};

extern const struct m4h_config_table m4h_gateway_config_table;

#endif
