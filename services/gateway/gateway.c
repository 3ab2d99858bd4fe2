/* The wiring of a gateway: who is given to whom, and the order of the end. What
 * it does is in io/, what it decides in core/. */
#include "services/gateway/gateway.h"

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/ready_file.h"
#include "lib/bus/bus.h"
#include "lib/config/nats.h"
#include "lib/http/ops.h"
#include "lib/net/pump.h"
#include "lib/net/timer.h"
#include "lib/wire/wire.h"
#include "services/gateway/core/readiness.h"
#include "services/gateway/core/subject.h"
#include "services/gateway/io/access.h"
#include "services/gateway/io/audit.h"
#include "services/gateway/io/devices.h"
#include "services/gateway/io/drain.h"
#include "services/gateway/io/feed.h"
#include "services/gateway/io/index.h"
#include "services/gateway/io/metrics.h"
#include "services/gateway/io/operations.h"
#include "services/gateway/io/pages.h"
#include "services/gateway/io/probe.h"
#include "services/gateway/io/records.h"
#include "services/gateway/io/revocations.h"
#include "services/gateway/io/session.h"
#include "services/gateway/io/shared.h"
#include "services/gateway/io/slots.h"
#include "services/gateway/io/status.h"
#include "services/gateway/io/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MESSAGES    16384u
#define QUEUE_BYTES       (64u * 1024u * 1024u)
#define FLUSH_MS          500u
#define LOOK_MS           1000u
#define READY_LINES_MAX   (M4H_HOST_MAX + 32)
#define BUS_NAME_MAX      (M4H_ID_MAX + 16)
#define LATER_THAN_RPC_MS 5000u

struct m4h_gateway {
    struct m4h_gateway_config *config; /* borrowed */
    struct m4h_config_source *source;  /* borrowed; NULL: it is not read again */
    struct m4h_supervisor *supervisor; /* borrowed; may be NULL */
    struct m4h_timer *look;            /* now and then: has the file changed, how is it? */
    struct m4h_loop *loop;
    struct m4h_pump *pump; /* of the bus */
    struct m4h_bus *bus;
    struct m4h_audit *audit;
    struct m4h_gateway_rpc *rpc;
    struct m4h_gateway_probe *probe;
    struct m4h_http_server *http;
    struct m4h_gateway_readiness readiness;
    struct m4h_gateway_access access;
    struct m4h_gateway_shared *shared;
    struct m4h_gateway_slots slots;
    struct m4h_gateway_operations operations;
    struct m4h_gateway_feed *feed;
    struct m4h_gateway_trail *trail;
    struct m4h_http_ops ops;
    struct m4h_http_routes routes[12];
    struct m4h_networks trusted_proxies;
    char host[M4H_HOST_MAX + 1];
    bool ready_file_is_there;
    struct m4h_gateway_drain *drain; /* NULL until it begins */
};

/* ---- the bus -------------------------------------------------------------------- */

static uint64_t on_pump(void *context, uint64_t now_ms)
{
    struct m4h_gateway *gateway = context;

    return m4h_bus_run(gateway->bus, now_ms);
}

static void write_ready_file(struct m4h_gateway *gateway)
{
    bool is_v6 = strchr(gateway->host, ':') != NULL;
    char lines[READY_LINES_MAX];

    snprintf(lines, sizeof(lines), "http%s=%s%s%s:%u\n",
             gateway->config->http_tls_cert[0] != '\0' ? "s" : "", is_v6 ? "[" : "", gateway->host,
             is_v6 ? "]" : "", m4h_gateway_port(gateway));
    if (m4h_ready_file_write(gateway->config->ready_file, lines) != 0)
        m4h_log(M4H_LOG_ERROR, "gateway", "file=%s cannot write the ready file",
                gateway->config->ready_file);
    gateway->ready_file_is_there = true;
}

static void on_status(void *context, bool connected)
{
    struct m4h_gateway *gateway = context;

    m4h_log(connected ? M4H_LOG_INFO : M4H_LOG_WARNING, "gateway", "nats=%s",
            connected ? "connected" : "away");
    gateway->readiness.is_connected = connected;
    gateway->readiness.has_answered = false; /* what was proved, was before */
    m4h_gateway_feed_connected(gateway->feed, connected);
    m4h_audit_connected(gateway->audit, connected);
    if (!connected) {
        m4h_gateway_rpc_cut_off(gateway->rpc);
        return;
    }
    m4h_gateway_probe_now(gateway->probe);
    if (!gateway->ready_file_is_there)
        write_ready_file(gateway);
}

static void on_ack(void *context, uint64_t token, int error, const uint8_t *data, size_t len)
{
    struct m4h_gateway *gateway = context;

    m4h_audit_on_ack(gateway->audit, token, error, data, len);
}

static void on_hello(void *context, const struct m4h_bus_message *message)
{
    struct m4h_gateway *gateway = context;
    struct m4h_master_hello hello;

    if (m4h_wire_hello_decode(message->data, message->len, &hello) != 0)
        return;
    m4h_gateway_rpc_heard(gateway->rpc, &hello);
    if (!hello.learning && !hello.stopping &&
        m4h_gateway_readiness_lack(&gateway->readiness, m4h_loop_now_ms(gateway->loop)) != NULL)
        m4h_gateway_probe_hurry(gateway->probe);
}

static void on_event(void *context, const struct m4h_bus_message *message)
{
    struct m4h_gateway *gateway = context;
    char slave_id[M4H_ID_MAX + 1];

    m4h_gateway_feed_event(gateway->feed, message);
    if (m4h_gateway_drain_subject_parse(message->subject, slave_id))
        m4h_gateway_slots_draining(&gateway->slots, slave_id);
}

static void on_stored_event(void *context, const struct m4h_bus_message *message)
{
    struct m4h_gateway *gateway = context;

    m4h_gateway_feed_stored(gateway->feed, message);
}

static int start_bus(struct m4h_gateway *gateway)
{
    const struct m4h_gateway_config *config = gateway->config;
    char name[BUS_NAME_MAX];
    const struct m4h_bus_subscription subscriptions[] = {
        {"mas4h.v1.master.hello", NULL, on_hello},
        {M4H_GATEWAY_EVENTS, NULL, on_event},
        {m4h_gateway_feed_subject(gateway->feed), NULL, on_stored_event},
    };
    struct m4h_bus_config bus = {
        .name = name,
        .queue_messages = QUEUE_MESSAGES,
        .queue_bytes = QUEUE_BYTES,
        .subscriptions = subscriptions,
        .subscription_count = M4H_COUNT(subscriptions),
        .on_status = on_status,
        .on_ack = on_ack,
        .wake = m4h_pump_wake,
        .run_soon = m4h_pump_run_soon,
        .context = gateway,
    };
    int error = m4h_pump_create(&gateway->pump, gateway->loop, on_pump, gateway);

    if (error != 0)
        return error;
    M4H_CONFIG_NATS_FILL(&bus, config);
    bus.wake_context = gateway->pump;
    snprintf(name, sizeof(name), "mas4h-gateway %s", config->id);
    error = m4h_bus_create(&gateway->bus, &bus);
    if (error == 0) {
        m4h_gateway_feed_use(gateway->feed, gateway->bus);
        m4h_audit_use(gateway->audit, gateway->bus);
    }
    return error;
}

/* ---- events ---------------------------------------------------------------------- */

static int start_feed(struct m4h_gateway *gateway)
{
    const struct m4h_gateway_config *config = gateway->config;
    const struct m4h_gateway_feed_config feed = {
        .access = &gateway->access,
        .gateway_id = config->id,
        .readers_max = (uint32_t)config->events_readers_max,
        .heartbeat_ms = (uint32_t)config->events_heartbeat_ms,
        .stream = config->events_stream,
        .replay_max = (uint32_t)config->events_replay_max,
        .inbox_prefix = config->nats_inbox_prefix,
    };

    return m4h_gateway_feed_create(&gateway->feed, gateway->loop, &feed);
}

/* ---- HTTP ------------------------------------------------------------------------ */

static bool is_ready(void *context, char *reason, size_t reason_size)
{
    struct m4h_gateway *gateway = context;
    const char *lack =
        m4h_gateway_readiness_lack(&gateway->readiness, m4h_loop_now_ms(gateway->loop));

    snprintf(reason, reason_size, "%s", lack != NULL ? lack : "");
    return lack == NULL;
}

static void write_metrics(void *context, struct m4h_metrics *metrics)
{
    struct m4h_gateway *gateway = context;
    struct m4h_gateway_numbers numbers = {
        .is_ready =
            m4h_gateway_readiness_lack(&gateway->readiness, m4h_loop_now_ms(gateway->loop)) == NULL,
        .is_connected = gateway->readiness.is_connected,
        .slots = &gateway->slots,
    };

    m4h_http_server_stats(gateway->http, &numbers.http);
    m4h_gateway_rpc_stats(gateway->rpc, &numbers.rpc);
    m4h_gateway_shared_stats(gateway->shared, &numbers.shared);
    m4h_bus_stats(gateway->bus, &numbers.bus);
    m4h_gateway_feed_stats(gateway->feed, &numbers.feed);
    m4h_gateway_metrics_write(metrics, &numbers);
    m4h_gateway_rpc_write_latency(gateway->rpc, metrics);
    m4h_http_server_write_durations(gateway->http, "mas4h_gateway_http_request_duration_seconds",
                                    metrics);
    m4h_gateway_access_write_metrics(&gateway->access, metrics);
    m4h_gateway_trail_write_metrics(gateway->trail, metrics);
    m4h_audit_write_metrics(gateway->audit, "mas4h_gateway", metrics);
    m4h_loop_write_lag(gateway->loop, "main", true, metrics);
    if (gateway->source != NULL)
        m4h_config_source_write_metrics(gateway->source, metrics);
}

/* Reads the setting, which is valid; without memory what was, holds. */
static int trust_proxies(struct m4h_gateway *gateway)
{
    struct m4h_networks trusted;
    int error = m4h_networks_parse(gateway->config->http_trusted_proxies, &trusted);

    if (error != 0)
        return error;
    m4h_networks_free(&gateway->trusted_proxies);
    gateway->trusted_proxies = trusted;
    return 0;
}

static int start_http(struct m4h_gateway *gateway)
{
    const struct m4h_gateway_config *config = gateway->config;
    struct m4h_http_config http = {
        .component = "gateway",
        .routes = gateway->routes,
        .routes_count = M4H_COUNT(gateway->routes),
        .admit = m4h_gateway_access_admit,
        .admit_context = &gateway->access,
        .connections_max = (uint32_t)config->http_connections_max,
        .source_connections_max = (uint32_t)config->http_source_connections_max,
        .tls_cert = config->http_tls_cert,
        .tls_key = config->http_tls_key,
        .receive_timeout_ms = (uint32_t)config->http_receive_ms,
        .trusted_proxies = &gateway->trusted_proxies,
        .proxy_protocol = config->http_proxy_protocol != 0,
        .forwarded_header = (enum m4h_http_forwarded_header)config->http_forwarded_header,
        /* Two questions one after the other, then ours is the answer. */
        .answer_timeout_ms = 2 * (uint32_t)config->rpc_timeout_ms + LATER_THAN_RPC_MS,
    };
    struct m4h_address address;
    int error = m4h_address_parse(config->http_listen, &address);

    if (error == 0)
        error = trust_proxies(gateway);
    if (error != 0)
        return error;
    snprintf(gateway->host, sizeof(gateway->host), "%s", address.host);
    m4h_gateway_slots_init(&gateway->slots);
    gateway->slots.rpc = gateway->rpc;
    gateway->operations = (struct m4h_gateway_operations){gateway->rpc, gateway->audit};
    gateway->slots.access = &gateway->access;
    gateway->slots.in_flight_max = (uint32_t)config->slots_in_flight_max;
    gateway->ops = (struct m4h_http_ops){is_ready, write_metrics, gateway, "mas4h-gateway"};
    gateway->routes[0] = m4h_gateway_slots_routes(&gateway->slots);
    gateway->routes[1] = m4h_gateway_status_routes(gateway->shared);
    gateway->routes[2] = m4h_http_ops_routes(&gateway->ops);
    gateway->routes[3] = m4h_gateway_pages_routes();
    gateway->routes[4] = m4h_gateway_feed_routes(gateway->feed);
    gateway->routes[5] = m4h_gateway_session_routes(&gateway->access);
    gateway->routes[6] = m4h_gateway_operations_routes(&gateway->operations);
    gateway->routes[7] = m4h_gateway_index_routes();
    gateway->routes[8] = m4h_gateway_trail_routes(gateway->trail);
    gateway->routes[9] = m4h_gateway_records_routes(gateway->shared);
    gateway->routes[10] = m4h_gateway_devices_routes(gateway->rpc);
    gateway->routes[11] = m4h_gateway_revocations_routes(gateway->rpc);
    return m4h_http_server_create(&gateway->http, gateway->loop, &address, &http);
}

/* ---- reload ------------------------------------------------------------------------ */

static void reload_config(struct m4h_gateway *gateway, const char *cause)
{
    unsigned changed;
    int error;

    if (gateway->source == NULL)
        return;
    error = m4h_config_reload(gateway->source, gateway->config, &changed);
    m4h_gateway_audit_reload(gateway->audit, gateway->config->id, gateway->source, cause, error);
    if (error != 0)
        return;
    m4h_log_set_level((enum m4h_log_level)gateway->config->log_level);
    gateway->slots.in_flight_max = (uint32_t)gateway->config->slots_in_flight_max;
    if (trust_proxies(gateway) != 0)
        m4h_log(M4H_LOG_ERROR, "gateway", "trusted_proxies as before: no memory");
    m4h_gateway_feed_limit(gateway->feed, (uint32_t)gateway->config->events_readers_max);
    m4h_gateway_shared_set_keep(gateway->shared, (uint32_t)gateway->config->status_keep_ms);
    m4h_log(M4H_LOG_INFO, "gateway", "changed=%u configuration is reloaded", changed);
}

void m4h_gateway_reload(struct m4h_gateway *gateway)
{
    m4h_supervisor_reloading(gateway->supervisor);
    reload_config(gateway, "SIGHUP");
    m4h_token_file_load(&gateway->access.tokens);
    m4h_http_server_reload_tls(gateway->http);
    m4h_supervisor_ready(gateway->supervisor);
}

static void on_look(void *context)
{
    struct m4h_gateway *gateway = context;
    const char *lack =
        m4h_gateway_readiness_lack(&gateway->readiness, m4h_loop_now_ms(gateway->loop));
    struct m4h_bus_stats bus;

    m4h_bus_stats(gateway->bus, &bus);
    m4h_gateway_feed_dropped(gateway->feed, bus.dropped_in);
    if (gateway->source != NULL && gateway->config->watch_config &&
        m4h_config_source_has_changed(gateway->source))
        reload_config(gateway, "file");
    m4h_token_file_check(&gateway->access.tokens);
    m4h_http_server_check_tls(gateway->http);
    m4h_supervisor_status(gateway->supervisor, "%s%s",
                          lack == NULL ? "ready" : "not ready: ", lack == NULL ? "" : lack);
}

/* ---- life -------------------------------------------------------------------------- */

static int start(struct m4h_gateway *gateway)
{
    int error = start_feed(gateway);

    if (error == 0)
        error = m4h_audit_create(&gateway->audit, gateway->loop, gateway->config->id);
    if (error == 0)
        error = start_bus(gateway);

    if (error == 0)
        error =
            m4h_gateway_rpc_create(&gateway->rpc, gateway->loop, gateway->bus, &gateway->readiness,
                                   (uint32_t)gateway->config->rpc_timeout_ms);
    if (error == 0)
        error = m4h_gateway_probe_start(&gateway->probe, gateway->loop, gateway->rpc);
    if (error == 0)
        error = m4h_gateway_access_open(&gateway->access, gateway->loop, gateway->config);
    if (error == 0)
        error = m4h_gateway_shared_create(&gateway->shared, gateway->loop, gateway->rpc,
                                          (uint32_t)gateway->config->status_keep_ms);
    if (error == 0)
        error = m4h_gateway_trail_create(&gateway->trail, gateway->loop, gateway->bus,
                                         gateway->config->events_stream);
    if (error == 0)
        error = start_http(gateway);
    if (error == 0)
        error = m4h_timer_create(&gateway->look, gateway->loop, on_look, gateway);
    if (error == 0)
        m4h_timer_start(gateway->look, 0, LOOK_MS);
    return error;
}

int m4h_gateway_create(struct m4h_gateway **gateway, struct m4h_loop *loop,
                       struct m4h_gateway_config *config, struct m4h_config_source *source,
                       struct m4h_supervisor *supervisor)
{
    struct m4h_gateway *self = calloc(1, sizeof(*self));
    int error;

    *gateway = NULL;
    if (self == NULL)
        return M4H_ENOMEM;
    self->config = config;
    self->source = source;
    self->supervisor = supervisor;
    self->loop = loop;
    error = start(self);
    if (error != 0) {
        m4h_log(M4H_LOG_ERROR, "gateway", "error=\"%s\" cannot start", m4h_error_text(error));
        m4h_gateway_destroy(self);
        return error;
    }
    m4h_log(M4H_LOG_INFO, "gateway", "gateway=%s version=%s http=%s port=%u started", config->id,
            M4H_VERSION, self->host, m4h_gateway_port(self));
    *gateway = self;
    return 0;
}

uint16_t m4h_gateway_port(const struct m4h_gateway *gateway)
{
    return m4h_http_server_port(gateway->http);
}

void m4h_gateway_drain(struct m4h_gateway *gateway, void (*on_drained)(void *context),
                       void *context)
{
    gateway->readiness.is_draining = true;
    m4h_ready_file_remove(gateway->config->ready_file);
    if (m4h_gateway_drain_start(&gateway->drain, gateway->loop, gateway->http, gateway->config,
                                on_drained, context) != 0)
        on_drained(context);
}

void m4h_gateway_destroy(struct m4h_gateway *gateway)
{
    if (gateway == NULL)
        return;
    m4h_ready_file_remove(gateway->config->ready_file);
    /* Every open question ends, and so answers its request; then the requests. */
    if (gateway->rpc != NULL)
        m4h_gateway_rpc_close(gateway->rpc);
    m4h_gateway_trail_destroy(gateway->trail);
    m4h_timer_close(gateway->look);
    m4h_gateway_drain_close(gateway->drain);
    m4h_http_server_destroy(gateway->http);
    m4h_networks_free(&gateway->trusted_proxies);
    m4h_gateway_access_close(&gateway->access);
    m4h_gateway_probe_close(gateway->probe);
    m4h_gateway_shared_destroy(gateway->shared);
    m4h_gateway_rpc_destroy(gateway->rpc);
    m4h_gateway_feed_destroy(gateway->feed);
    m4h_audit_destroy(gateway->audit);
    m4h_bus_destroy(gateway->bus, FLUSH_MS);
    m4h_pump_close(gateway->pump);
    free(gateway);
}
