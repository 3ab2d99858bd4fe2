/* /metrics, /healthz and /readyz of a slave. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"

#include <stdio.h>

static bool is_ready(void *context, char *reason, size_t reason_size)
{
    const struct m4h_slave *slave = context;

    if (slave->state != M4H_SLAVE_READY)
        snprintf(reason, reason_size, "the slave is %s", m4h_slave_state_name(slave->state));
    else if (!m4h_bus_is_connected(slave->bus))
        snprintf(reason, reason_size, "not connected to NATS");
    else
        return true;
    return false;
}

static void write_reasons(struct m4h_metrics *metrics, const struct m4h_slave_counters *counters)
{
    m4h_metrics_describe(metrics, "mas4h_slave_disconnects_total", "counter",
                         "Tunnels that ended, by reason.");
    for (unsigned i = 1; i < M4H_DISCONNECT_REASON_COUNT; i++)
        m4h_metrics_value(metrics, "mas4h_slave_disconnects_total",
                          &(struct m4h_metric_label){"reason", m4h_disconnect_reason_name(i)}, 1,
                          (double)counters->disconnects[i]);
    m4h_metrics_describe(metrics, "mas4h_slave_refusals_total", "counter",
                         "Devices that were turned away, by reason.");
    for (unsigned i = 1; i < M4H_REFUSE_REASON_COUNT; i++)
        m4h_metrics_value(metrics, "mas4h_slave_refusals_total",
                          &(struct m4h_metric_label){"reason", m4h_refuse_reason_name(i)}, 1,
                          (double)counters->refusals[i]);
}

static void write_keys(struct m4h_metrics *metrics, const struct m4h_slave_counters *counters)
{
    static const char name[] = "mas4h_slave_keys_judged_total";
    const struct {
        const char *by;
        uint64_t count;
    } rows[] = {
        {"cache", counters->keys_cached},
        {"master", counters->keys_asked},
        {"stale_cache", counters->keys_stale},
        {"nobody", counters->keys_unanswered},
    };

    m4h_metrics_describe(metrics, name, "counter", "Keys of devices that were judged, by whom.");
    for (size_t i = 0; i < M4H_COUNT(rows); i++)
        m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"by", rows[i].by}, 1,
                          (double)rows[i].count);
    m4h_metrics_single(metrics, "mas4h_slave_key_questions_repeated_total", "counter",
                       "Questions about a key that another master was asked too.",
                       (double)counters->keys_repeated);
}

/* Whether those who are here may stay. */
static void write_standings(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    static const char name[] = "mas4h_slave_rechecks_total";
    const struct m4h_slave_counters *counters = &slave->counters;
    const struct {
        const char *result;
        uint64_t count;
    } rows[] = {
        {"confirmed", counters->rechecks_confirmed},
        {"refused", counters->rechecks_refused},
        {"unanswered", counters->rechecks_unanswered},
    };

    m4h_metrics_describe(metrics, name, "counter",
                         "Questions whether somebody who is here may stay.");
    for (size_t i = 0; i < M4H_COUNT(rows); i++)
        m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"result", rows[i].result}, 1,
                          (double)rows[i].count);
    m4h_metrics_single(metrics, "mas4h_slave_revoked_total", "counter",
                       "Connections that were cut, as their keys are not let in any more.",
                       (double)counters->revoked);
    m4h_metrics_single(metrics, "mas4h_slave_revocations", "gauge",
                       "Keys and devices of which earlier decisions are void.",
                       (double)m4h_revocations_count(slave->revocations));
    m4h_metrics_single(metrics, "mas4h_slave_bans", "gauge", "Of them, those that are not let in.",
                       (double)m4h_revocations_ban_count(slave->revocations));
}

/* How long the answers of others took. */
static void write_waits(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    static const char questions[] = "mas4h_slave_key_question_duration_seconds";
    static const char acks[] = "mas4h_slave_event_acknowledgement_seconds";

    m4h_metrics_describe(metrics, questions, "histogram",
                         "How long masters took to judge a key, or not to answer.");
    m4h_metrics_histogram(metrics, questions, &(struct m4h_metric_label){"result", "answered"}, 1,
                          &slave->keys_answered, M4H_LATENCY_UNIT);
    m4h_metrics_histogram(metrics, questions, &(struct m4h_metric_label){"result", "unanswered"}, 1,
                          &slave->keys_unanswered, M4H_LATENCY_UNIT);
    m4h_metrics_describe(
        metrics, acks, "histogram",
        "How long the stream took to acknowledge an event, since it was sent last.");
    m4h_metrics_histogram(metrics, acks, NULL, 0, &slave->events_acknowledged, M4H_LATENCY_UNIT);
}

static void write_handshakes(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    static const char name[] = "mas4h_slave_handshakes_total";
    static const char durations[] = "mas4h_slave_handshake_duration_seconds";
    static const char *const results[M4H_HANDSHAKE_RESULT_COUNT] = {
        [M4H_HANDSHAKE_LOST] = "lost",         [M4H_HANDSHAKE_AUTHENTICATED] = "authenticated",
        [M4H_HANDSHAKE_DENIED] = "denied",     [M4H_HANDSHAKE_TIMEOUT] = "timeout",
        [M4H_HANDSHAKE_OVERLOAD] = "overload", [M4H_HANDSHAKE_PROTOCOL_ERROR] = "protocol_error",
    };

    struct m4h_histogram ended[M4H_HANDSHAKE_RESULT_COUNT];

    for (size_t i = 0; i < M4H_HANDSHAKE_RESULT_COUNT; i++) {
        m4h_latency_init(&ended[i]);
        for (uint32_t j = 0; j < slave->worker_count; j++)
            m4h_histogram_gather(&ended[i], &slave->workers[j]->stats.handshakes_ended[i]);
    }
    m4h_metrics_describe(metrics, name, "counter", "Handshakes of devices that ended, by result.");
    for (size_t i = 0; i < M4H_HANDSHAKE_RESULT_COUNT; i++)
        m4h_metrics_value(metrics, name, &(struct m4h_metric_label){"result", results[i]}, 1,
                          (double)m4h_histogram_count(&ended[i]));
    m4h_metrics_describe(metrics, durations, "histogram",
                         "How long handshakes took, from the accept to their end.");
    for (size_t i = 0; i < M4H_HANDSHAKE_RESULT_COUNT; i++)
        m4h_metrics_histogram(metrics, durations, &(struct m4h_metric_label){"result", results[i]},
                              1, &ended[i], M4H_LATENCY_UNIT);
}

static void write_visits(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    static const char name[] = "mas4h_slave_accesses_total";

    m4h_metrics_single(metrics, "mas4h_slave_visitors", "gauge",
                       "Operators, and other slaves with theirs, that are connected.",
                       m4h_visitors_count(slave->visitors));
    m4h_metrics_single(metrics, "mas4h_slave_accesses", "gauge",
                       "Connections of operators to devices by their names, now.",
                       m4h_visits_count(slave));
    m4h_metrics_describe(metrics, name, "counter",
                         "Wishes of operators to reach a device by its name, by result.");
    for (unsigned i = 0; i < M4H_ACCESS_RESULT_COUNT; i++)
        m4h_metrics_value(metrics, name,
                          &(struct m4h_metric_label){"result", m4h_access_result_name(i)}, 1,
                          (double)slave->counters.accesses[i]);
}

/* What operators met at devices' ports. */
static void write_operators(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    static const char name[] = "mas4h_slave_operators_refused_total";
    uint64_t refused[M4H_OPERATOR_VERDICT_COUNT] = {0}, idle = 0;

    for (uint32_t i = 0; i < slave->worker_count; i++) {
        const struct m4h_worker_stats *stats = &slave->workers[i]->stats;

        for (unsigned k = 0; k < M4H_OPERATOR_VERDICT_COUNT; k++)
            refused[k] += atomic_load_explicit(&stats->operators_refused[k], memory_order_relaxed);
        idle += atomic_load_explicit(&stats->operators_idle, memory_order_relaxed);
    }
    m4h_metrics_describe(metrics, name, "counter",
                         "Connections on the ports of devices that were refused, by reason.");
    for (unsigned k = M4H_OPERATOR_ADMITTED + 1; k < M4H_OPERATOR_VERDICT_COUNT; k++)
        m4h_metrics_value(metrics, name,
                          &(struct m4h_metric_label){"reason", m4h_operator_verdict_name(k)}, 1,
                          (double)refused[k]);
    m4h_metrics_single(metrics, "mas4h_slave_operators_idle_total", "counter",
                       "Connections on the ports of devices that were closed for being idle.",
                       (double)idle);
}

static void write_hops(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    static const char name[] = "mas4h_slave_hops_total";
    uint64_t ended[M4H_HOP_RESULT_COUNT] = {0};
    unsigned up = 0;

    for (uint32_t i = 0; i < slave->worker_count; i++) {
        const struct m4h_worker_stats *stats = &slave->workers[i]->stats;

        up += atomic_load_explicit(&stats->hops, memory_order_relaxed);
        for (unsigned k = 0; k < M4H_HOP_RESULT_COUNT; k++)
            ended[k] += atomic_load_explicit(&stats->hops_ended[k], memory_order_relaxed);
    }
    m4h_metrics_single(metrics, "mas4h_slave_hop_sessions", "gauge",
                       "SSH sessions of this slave with others, for its operators.", up);
    m4h_metrics_describe(metrics, name, "counter",
                         "Ways of operators through them to devices, by how it went.");
    for (unsigned k = 0; k < M4H_HOP_RESULT_COUNT; k++)
        m4h_metrics_value(
            metrics, name,
            &(struct m4h_metric_label){"result", m4h_hop_result_name((enum m4h_hop_result)k)}, 1,
            (double)ended[k]);
}

static void write_workers(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    uint64_t from = 0, to = 0, accepted = 0, operators = 0, pauses = 0;
    unsigned channels = 0, handshakes = 0, active = 0;

    for (uint32_t i = 0; i < slave->worker_count; i++) {
        const struct m4h_worker_stats *stats = &slave->workers[i]->stats;

        from += atomic_load_explicit(&stats->bytes_from_device, memory_order_relaxed);
        to += atomic_load_explicit(&stats->bytes_to_device, memory_order_relaxed);
        accepted += atomic_load_explicit(&stats->accepted, memory_order_relaxed);
        operators += atomic_load_explicit(&stats->operators, memory_order_relaxed);
        channels += atomic_load_explicit(&stats->channels, memory_order_relaxed);
        handshakes += atomic_load_explicit(&stats->handshakes, memory_order_relaxed);
        active += atomic_load_explicit(&stats->active, memory_order_relaxed);
        pauses += atomic_load_explicit(&stats->pauses, memory_order_relaxed);
    }
    m4h_metrics_single(metrics, "mas4h_slave_received_bytes_total", "counter",
                       "Bytes from devices to operators, inside tunnels.", (double)from);
    m4h_metrics_single(metrics, "mas4h_slave_sent_bytes_total", "counter",
                       "Bytes from operators to devices, inside tunnels.", (double)to);
    m4h_metrics_single(metrics, "mas4h_slave_accepted_total", "counter",
                       "Connections on the device listener.", (double)accepted);
    m4h_metrics_single(metrics, "mas4h_slave_operators_total", "counter",
                       "Connections on the ports of devices.", (double)operators);
    m4h_metrics_single(metrics, "mas4h_slave_channels", "gauge", "Open operator connections.",
                       channels);
    m4h_metrics_single(metrics, "mas4h_slave_handshakes", "gauge",
                       "Connections that are not authenticated yet.", handshakes);
    m4h_metrics_single(metrics, "mas4h_slave_handshakes_active", "gauge",
                       "Of them, those that make progress.", active);
    m4h_metrics_single(metrics, "mas4h_slave_accept_pauses_total", "counter",
                       "Times that a worker let connections wait, since it had enough handshakes.",
                       (double)pauses);
}

static void write_outbox(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    struct m4h_journal_stats stats;

    m4h_journal_stats(slave->journal, &stats);
    m4h_metrics_single(metrics, "mas4h_slave_outbox_events", "gauge",
                       "Events that wait for NATS or to be acknowledged.", stats.messages);
    m4h_metrics_single(metrics, "mas4h_slave_events_lost_total", "counter",
                       "Events that were never sent.",
                       (double)(slave->counters.events_lost + stats.lost));
    m4h_metrics_single(metrics, "mas4h_slave_events_unacknowledged_total", "counter",
                       "Events that were sent and let go without an acknowledgement.",
                       (double)(stats.unacknowledged + stats.dropped_sent));
    m4h_metrics_single(metrics, "mas4h_slave_events_refused_total", "counter",
                       "Events that the stream never takes.", (double)stats.refused);
    m4h_metrics_single(metrics, "mas4h_slave_events_resent_total", "counter",
                       "Events that were sent again.", (double)stats.resent);
}

static void write_bus(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    struct m4h_bus_stats stats;

    m4h_bus_stats(slave->bus, &stats);
    m4h_metrics_single(metrics, "mas4h_slave_nats_connected", "gauge", "1 while connected to NATS.",
                       m4h_bus_is_connected(slave->bus));
    m4h_metrics_single(metrics, "mas4h_slave_nats_reconnects_total", "counter",
                       "Reconnects to NATS.", (double)stats.reconnects);
    m4h_metrics_single(metrics, "mas4h_slave_nats_permission_violations_total", "counter",
                       "Messages and subscriptions that NATS did not permit.",
                       (double)stats.permission_violations);
    m4h_metrics_single(metrics, "mas4h_slave_nats_queued_messages", "gauge",
                       "Messages that wait for NATS.", stats.queued_messages);
    m4h_metrics_single(metrics, "mas4h_slave_nats_messages_sent_total", "counter",
                       "Messages sent to NATS.", (double)stats.sent_messages);
    m4h_metrics_single(metrics, "mas4h_slave_nats_messages_received_total", "counter",
                       "Messages received from NATS.", (double)stats.received_messages);
    m4h_metrics_single(metrics, "mas4h_slave_nats_messages_dropped_total", "counter",
                       "Messages that were dropped, because a queue was full or NATS away.",
                       (double)(stats.dropped_in + stats.dropped_out));
    m4h_metrics_single(metrics, "mas4h_slave_events_total", "counter",
                       "Events since the start, without load events.", (double)slave->seq);
    write_outbox(metrics, slave);
}

static void write_lag(struct m4h_metrics *metrics, const struct m4h_slave *slave)
{
    char name[32];

    m4h_loop_write_lag(slave->loop, "main", true, metrics);
    for (uint32_t i = 0; i < slave->worker_count; i++) {
        snprintf(name, sizeof(name), "worker-%u", i);
        m4h_loop_write_lag(slave->workers[i]->loop, name, false, metrics);
    }
}

static void write_metrics(void *context, struct m4h_metrics *metrics)
{
    struct m4h_slave *slave = context;
    char reason[M4H_HTTP_REASON_MAX];

    m4h_metrics_single(metrics, "mas4h_slave_ready", "gauge", "1 where the slave does its work.",
                       is_ready(slave, reason, sizeof(reason)));
    m4h_metrics_single(metrics, "mas4h_slave_draining", "gauge", "1 while it sends devices away.",
                       slave->state == M4H_SLAVE_DRAINING);
    m4h_metrics_single(metrics, "mas4h_slave_tunnels", "gauge", "Tunnels that are up.",
                       m4h_roster_tunnel_count(slave->roster));
    m4h_metrics_single(metrics, "mas4h_slave_capacity", "gauge", "Tunnels that it can hold.",
                       slave->capacity);
    m4h_metrics_single(metrics, "mas4h_slave_connects_total", "counter", "Tunnels that came up.",
                       (double)slave->counters.connects);
    m4h_metrics_single(metrics, "mas4h_slave_flapping_total", "counter",
                       "Reports of live devices that throw each other out with one key.",
                       (double)slave->counters.flaps);
    write_reasons(metrics, &slave->counters);
    write_keys(metrics, &slave->counters);
    write_standings(metrics, slave);
    write_handshakes(metrics, slave);
    write_waits(metrics, slave);
    write_workers(metrics, slave);
    write_hops(metrics, slave);
    write_operators(metrics, slave);
    write_visits(metrics, slave);
    write_bus(metrics, slave);
    write_lag(metrics, slave);
    if (slave->source != NULL)
        m4h_config_source_write_metrics(slave->source, metrics);
}

int m4h_ops_start(struct m4h_slave *slave)
{
    struct m4h_http_config config = {.component = M4H_SLAVE_COMPONENT, .routes_count = 1};
    struct m4h_address address;

    if (slave->config->http_listen[0] == '\0')
        return 0;
    if (m4h_address_parse(slave->config->http_listen, &address) != 0)
        return M4H_EINVALID;
    slave->ops = (struct m4h_http_ops){
        .is_ready = is_ready,
        .write_metrics = write_metrics,
        .context = slave,
        .service = "mas4h-slave",
    };
    slave->routes = m4h_http_ops_routes(&slave->ops);
    config.routes = &slave->routes;
    return m4h_http_server_create(&slave->http, slave->loop, &address, &config);
}
