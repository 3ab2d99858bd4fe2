/* What a gateway counts. Names and units as Prometheus has them; no label is ever
 * chosen by a client. */
#include "services/gateway/io/metrics.h"

#include "lib/base/latency.h"

static void counter(struct m4h_metrics *metrics, const char *name, const char *help, uint64_t value)
{
    m4h_metrics_single(metrics, name, "counter", help, (double)value);
}

static void gauge(struct m4h_metrics *metrics, const char *name, const char *help, uint64_t value)
{
    m4h_metrics_single(metrics, name, "gauge", help, (double)value);
}

/* A counter with one value for each of some names of one label. */
static void labelled(struct m4h_metrics *metrics, const char *name, const char *label,
                     const char *value, uint64_t number)
{
    struct m4h_metric_label one = {label, value};

    m4h_metrics_value(metrics, name, &one, 1, (double)number);
}

static void write_http(struct m4h_metrics *metrics, const struct m4h_http_stats *http)
{
    const char *name = "mas4h_gateway_http_requests_total";

    m4h_metrics_describe(metrics, name, "counter", "HTTP requests answered, by class of status.");
    labelled(metrics, name, "class", "ok", http->requests - http->answers_4xx - http->answers_5xx);
    labelled(metrics, name, "class", "4xx", http->answers_4xx);
    labelled(metrics, name, "class", "5xx", http->answers_5xx);
    counter(metrics, "mas4h_gateway_http_connections_total", "HTTP connections accepted.",
            http->connections);
    counter(metrics, "mas4h_gateway_http_proxy_refusals_total",
            "Connections closed with [http] proxy_protocol: not of a trusted proxy, or without its "
            "header.",
            http->refused_proxies);
    counter(metrics, "mas4h_gateway_http_source_refusals_total",
            "Connections closed because their source had [http] source_connections_max.",
            http->refused_sources);
    gauge(metrics, "mas4h_gateway_http_connections",
          "HTTP connections that are open, WebSockets among them.", http->open);
    gauge(metrics, "mas4h_gateway_http_requests_waiting",
          "HTTP requests that wait for an answer of the cluster.", http->deferred);
    gauge(metrics, "mas4h_gateway_websockets", "WebSockets that are open.", http->websockets);
}

static void write_slots(struct m4h_metrics *metrics, const struct m4h_gateway_slots *slots)
{
    const char *requests = "mas4h_gateway_slot_requests_total";
    const char *answers = "mas4h_gateway_slot_answers_total";
    const char *latency = "mas4h_gateway_slot_duration_seconds";

    m4h_metrics_describe(metrics, requests, "counter", "Slots asked for.");
    labelled(metrics, requests, "by", "rest", slots->rest_requests);
    labelled(metrics, requests, "by", "websocket", slots->websocket_requests);
    counter(metrics, "mas4h_gateway_slot_notices_total",
            "WebSockets told that the slave of a slot drains.", slots->notices);
    m4h_metrics_describe(metrics, answers, "counter", "Answers to those who asked for a slot.");
    labelled(metrics, answers, "result", "slot", slots->given);
    labelled(metrics, answers, "result", "problem", slots->refused);
    m4h_metrics_describe(metrics, latency, "histogram",
                         "How long it took until a master had given a slot, or a problem.");
    m4h_metrics_histogram(metrics, latency, &(struct m4h_metric_label){"by", "rest"}, 1,
                          &slots->rest_latency, M4H_LATENCY_UNIT);
    m4h_metrics_histogram(metrics, latency, &(struct m4h_metric_label){"by", "websocket"}, 1,
                          &slots->websocket_latency, M4H_LATENCY_UNIT);
}

static void write_shared(struct m4h_metrics *metrics, const struct m4h_gateway_shared_stats *shared)
{
    const char *name = "mas4h_gateway_status_answers_total";

    m4h_metrics_describe(metrics, name, "counter",
                         "Requests for status, by where their answer came from.");
    labelled(metrics, name, "from", "own_question", shared->asked);
    labelled(metrics, name, "from", "shared_question", shared->joined);
    labelled(metrics, name, "from", "kept_answer", shared->kept);
}

static void write_bus(struct m4h_metrics *metrics, const struct m4h_gateway_numbers *numbers)
{
    const char *masters = "mas4h_gateway_masters";
    const struct m4h_known_masters_numbers *heard = &numbers->rpc.masters;

    gauge(metrics, "mas4h_gateway_ready", "1 where the gateway does its work.",
          numbers->is_ready ? 1 : 0);
    gauge(metrics, "mas4h_gateway_nats_connected", "1 where it is connected to NATS.",
          numbers->is_connected ? 1 : 0);
    counter(metrics, "mas4h_gateway_nats_reconnects_total", "Reconnects to NATS.",
            numbers->bus.reconnects);
    counter(metrics, "mas4h_gateway_nats_permission_violations_total",
            "Messages and subscriptions that NATS did not permit.",
            numbers->bus.permission_violations);
    counter(metrics, "mas4h_gateway_nats_messages_sent_total", "Messages sent to NATS.",
            numbers->bus.sent_messages);
    counter(metrics, "mas4h_gateway_nats_messages_received_total", "Messages received from NATS.",
            numbers->bus.received_messages);
    counter(metrics, "mas4h_gateway_nats_messages_dropped_total",
            "Messages that were dropped, because a queue was full or NATS away.",
            numbers->bus.dropped_in + numbers->bus.dropped_out);
    counter(metrics, "mas4h_gateway_rpc_questions_total", "Questions to masters and slaves.",
            numbers->rpc.asked);
    counter(metrics, "mas4h_gateway_rpc_repeats_total", "Tries of them after the first.",
            numbers->rpc.repeated);
    counter(metrics, "mas4h_gateway_rpc_failures_total", "Questions that got no answer.",
            numbers->rpc.failed);
    m4h_metrics_describe(metrics, masters, "gauge",
                         "Masters that say hello: asked, left alone after they did not answer, or "
                         "not ready yet.");
    labelled(metrics, masters, "state", "asked", heard->heard - heard->resting - heard->learning);
    labelled(metrics, masters, "state", "resting", heard->resting);
    labelled(metrics, masters, "state", "learning", heard->learning);
    gauge(metrics, "mas4h_gateway_rpc_open", "Questions that wait for their answer.",
          numbers->rpc.open);
}

static void write_feed(struct m4h_metrics *metrics, const struct m4h_gateway_feed_stats *feed)
{
    gauge(metrics, "mas4h_gateway_event_readers", "Readers of events now.", feed->readers);
    counter(metrics, "mas4h_gateway_event_readers_slow_total",
            "Readers of events that were ended because they did not read.", feed->slow_readers);
    counter(metrics, "mas4h_gateway_event_readers_refused_total",
            "Readers of events that were refused because there were too many.",
            feed->refused_readers);
    counter(metrics, "mas4h_gateway_events_received_total",
            "Events from NATS while there were readers.", feed->received);
    counter(metrics, "mas4h_gateway_events_bad_total", "Of them, those that were not valid.",
            feed->bad);
    counter(metrics, "mas4h_gateway_events_sent_total", "Events sent to readers.", feed->sent);
    counter(metrics, "mas4h_gateway_event_readers_resumed_total",
            "Readers of events that were given what they missed.", feed->resumed);
    gauge(metrics, "mas4h_gateway_event_stream_found",
          "1 where readers of events can be given what they missed.", feed->has_stream ? 1 : 0);
    counter(metrics, "mas4h_gateway_event_gaps_total",
            "Times that readers were told of missing events.", feed->gaps);
}

void m4h_gateway_metrics_write(struct m4h_metrics *metrics,
                               const struct m4h_gateway_numbers *numbers)
{
    write_http(metrics, &numbers->http);
    write_slots(metrics, numbers->slots);
    write_shared(metrics, &numbers->shared);
    write_bus(metrics, numbers);
    write_feed(metrics, &numbers->feed);
}
