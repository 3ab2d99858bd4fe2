/* The settings of a slave: see deploy/config/slave.conf for what they mean. */
#ifndef M4H_SLAVE_CONFIG_H
#define M4H_SLAVE_CONFIG_H

#include "lib/config/config.h"

struct m4h_slave_config {
    char *id;
    char *region;
    int64_t workers;          /* 0: one for each core */
    int64_t weight;           /* percent */
    int64_t slots_per_second; /* 0: as many as the workers can take */
    int64_t capacity;         /* tunnels; 0: what the limit of open files allows */
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
    char *device_listen;
    char *device_host;   /* "": the host name of the machine */
    int64_t device_port; /* 0: the one that it listens on */
    char *host_key_dir;
    int64_t authenticate_ms;
    int64_t forward_ms;
    int64_t keys_max;
    int64_t keepalive_ms;
    int64_t keepalive_misses;
    int64_t handshakes_max; /* 0: by authenticate_ms */
    int64_t unauthenticated_max;
    int64_t source_max; /* 0: no limit */
    int64_t source_prefix_v4;
    int64_t source_prefix_v6;
    char *trusted_networks;
    int proxy_protocol; /* 0: off, 1: required */
    char *proxy_networks;
    char *ciphers;
    char *key_exchanges;
    char *macs;
    char *dropbear_macs;
    char *host_keys;
    char *key_types;
    bool certificates;
    bool compression;
    char *tunnel_address;
    int64_t port_min;
    int64_t port_max;
    int64_t forwards_max;
    int64_t buffer_bytes;
    char *operator_networks; /* "": from anywhere */
    int64_t channels_max;    /* of a device; 0: no limit */
    int64_t idle_ms;         /* 0: for ever */
    int64_t bytes_per_second;
    int proxy_header; /* 0: off, 1: v2 */
    int64_t lease_ms; /* 0: a port that was left is anybody's */
    bool explicit_ports;
    bool operators_enabled;
    int64_t operator_sessions_max;
    int64_t operator_channels_max; /* of one session */
    int64_t operator_idle_ms;      /* 0: for ever */
    int64_t operator_reach_ms;
    int64_t flapping_evictions; /* 0: nothing is flapping */
    int64_t flapping_window_ms;
    int64_t flapping_hold_ms;
    int64_t authorize_timeout_ms;
    int64_t authorize_stale_ms;
    int64_t authorize_cache;
    int64_t recheck_ms; /* 0: only when there is a cause */
    int64_t recheck_per_second;
    int events_acknowledge; /* enum m4h_journal_mode */
    int64_t outbox_messages;
    int64_t outbox_bytes;
    int64_t ack_wait_ms;
    int64_t load_interval_ms;
    int64_t drain_spread_ms;
    int64_t drain_deadline_ms;
    char *http_listen;
};

extern const struct m4h_config_table m4h_slave_config_table;

/* How many workers there are with it: those that are asked for, or one for each core. */
uint32_t m4h_slave_config_workers(const struct m4h_slave_config *config);

#endif
