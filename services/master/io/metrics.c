/* The master's numbers for Prometheus. */
#include "lib/audit/audit.h"
#include "services/master/io/records.h"
#include "services/master/io/service.h"

/* One value of a metric with one label. */
struct labelled {
    const char *value;
    double number;
};

static void write_labelled(struct m4h_metrics *metrics, const char *name, const char *type,
                           const char *help, const char *label, const struct labelled *values,
                           size_t count)
{
    m4h_metrics_describe(metrics, name, type, help);
    for (size_t i = 0; i < count; i++) {
        struct m4h_metric_label each = {label, values[i].value};

        m4h_metrics_value(metrics, name, &each, 1, values[i].number);
    }
}

#define WRITE(name, type, help, label, ...)                                                        \
    do {                                                                                           \
        const struct labelled values[] = {__VA_ARGS__};                                            \
        write_labelled(metrics, "mas4h_master_" name, type, help, label, values,                   \
                       M4H_COUNT(values));                                                         \
    } while (0)

#define WRITE_ONE(name, type, help, value)                                                         \
    m4h_metrics_single(metrics, "mas4h_master_" name, type, help, (double)(value))

#define AS(label, number)                                                                          \
    {                                                                                              \
        label, (double)(number)                                                                    \
    }

static void write_cluster(const struct m4h_cluster_stats *stats, struct m4h_metrics *metrics)
{
    WRITE("slaves", "gauge", "Slaves that are known.", "state",
          AS("ready", stats->slaves[M4H_SLAVE_READY]),
          AS("draining", stats->slaves[M4H_SLAVE_DRAINING]),
          AS("stopped", stats->slaves[M4H_SLAVE_STOPPED]),
          AS("silent", stats->slaves[M4H_SLAVE_SILENT]));
    WRITE_ONE("slaves_unsynced", "gauge", "Slaves whose tunnels are not all known.",
              stats->slaves_unsynced);
    WRITE_ONE("tunnels", "gauge", "Tunnels, one for each client key.", stats->tunnels);
    WRITE_ONE("tunnels_replaced", "gauge", "Tunnels whose device has a newer one elsewhere.",
              stats->entries - stats->tunnels);
    WRITE_ONE("flapping", "gauge", "Client keys whose live devices throw each other out.",
              stats->flapping);
    WRITE_ONE("evictions_total", "counter",
              "Live tunnels thrown out by another connection with their client key.",
              stats->evictions);
    WRITE("snapshots_total", "counter", "Snapshots of slaves.", "result",
          AS("asked", stats->snapshots_asked), AS("installed", stats->snapshots_installed),
          AS("failed", stats->snapshots_failed));
    WRITE_ONE("gaps_total", "counter", "Times that events of a slave were missing.", stats->gaps);
    WRITE_ONE("digest_mismatches_total", "counter",
              "Load events that disagreed with the known tunnels.", stats->digest_mismatches);
}

static void write_events(const struct m4h_cluster_stats *stats,
                         const struct m4h_master_counters *counters, struct m4h_metrics *metrics)
{
    struct labelled taken[M4H_EVENT_TYPE_COUNT];

    for (enum m4h_event_type type = M4H_EVENT_OTHER; type < M4H_EVENT_TYPE_COUNT; type++)
        taken[type] = (struct labelled)AS(m4h_event_type_name(type), stats->events[type]);
    write_labelled(metrics, "mas4h_master_events_total", "counter", "Events that came in.", "type",
                   taken, M4H_COUNT(taken));
    WRITE("events_ignored_total", "counter", "Events that changed nothing.", "reason",
          AS("duplicate", stats->duplicates), AS("old_epoch", stats->old_epochs),
          AS("wrong_region", stats->wrong_regions), AS("no_room", stats->not_taken),
          AS("undecodable", counters->bad_events), AS("wrong_subject", counters->forged_events));
}

static void write_requests(const struct m4h_master_counters *counters,
                           const struct m4h_dispatch_stats *dispatch, struct m4h_metrics *metrics)
{
    WRITE("dispatches_total", "counter", "Requests for a slot.", "result",
          AS("slot", counters->dispatches[M4H_DISPATCH_SLOT]),
          AS("no_capacity", counters->dispatches[M4H_DISPATCH_NO_CAPACITY]),
          AS("throttled", counters->dispatches[M4H_DISPATCH_THROTTLED]),
          AS("not_ready", counters->dispatches[M4H_DISPATCH_NOT_READY]),
          AS("failed", counters->dispatches[M4H_DISPATCH_FAILED]));
    WRITE("authorizations_total", "counter", "Decisions on keys.", "result",
          AS("allowed", counters->authorizations[M4H_AUTHORIZE_ALLOWED]),
          AS("denied", counters->authorizations[M4H_AUTHORIZE_DENIED]),
          AS("unavailable", counters->authorizations[M4H_AUTHORIZE_UNAVAILABLE]),
          AS("failed", counters->authorizations[M4H_AUTHORIZE_FAILED]));
    WRITE("status_queries_total", "counter", "Status queries.", "result",
          AS("answered", counters->status_answers), AS("problem", counters->status_problems));
    WRITE("reservations_shared_total", "counter", "Slots that masters told each other of.",
          "direction", AS("out", counters->shared_out), AS("in", dispatch->shared),
          AS("lost", counters->shared_lost), AS("bad", counters->bad_shared));
    WRITE_ONE("slots_kept_total", "counter",
              "Slots at the slave that the device had last, which was not the emptiest.",
              dispatch->kept);
    WRITE_ONE("reservations", "gauge", "Slots whose devices have not arrived.",
              dispatch->reservations);
    WRITE("reservations_ended_total", "counter", "Reservations that have ended.", "reason",
          AS("used", dispatch->reservations_used), AS("expired", dispatch->reservations_expired),
          AS("cut_short", dispatch->reservations_cut_short));
    WRITE("kicks_total", "counter", "Kicks of connections that a newer one replaced.", "result",
          AS("done", counters->kicks_done), AS("failing", counters->kicks_failing),
          AS("not_taken", counters->kicks_not_taken));
}

static void write_latency(const struct m4h_master *master, struct m4h_metrics *metrics)
{
    static const char name[] = "mas4h_master_request_duration_seconds";
    static const char *const kinds[M4H_MASTER_REQUESTS] = {"dispatch", "authorize", "status",
                                                           "devices"};

    m4h_metrics_describe(metrics, name, "histogram",
                         "How long requests took, from NATS to the answer.");
    for (size_t i = 0; i < M4H_MASTER_REQUESTS; i++)
        m4h_metrics_histogram(metrics, name, &(struct m4h_metric_label){"request", kinds[i]}, 1,
                              &master->latency[i], M4H_LATENCY_UNIT);
}

static void write_bus(const struct m4h_master *master, struct m4h_metrics *metrics)
{
    struct m4h_bus_stats stats;

    m4h_bus_stats(master->bus, &stats);
    WRITE_ONE("nats_connected", "gauge", "1 while connected to NATS.",
              m4h_bus_is_connected(master->bus));
    WRITE_ONE("nats_messages_sent_total", "counter", "Messages sent to NATS.", stats.sent_messages);
    WRITE_ONE("nats_messages_received_total", "counter", "Messages received from NATS.",
              stats.received_messages);
    WRITE_ONE("nats_messages_dropped_total", "counter",
              "Messages that were dropped, because a queue was full or NATS away.",
              stats.dropped_in + stats.dropped_out);
    WRITE_ONE("nats_reconnects_total", "counter", "Reconnects to NATS.", stats.reconnects);
    WRITE_ONE("nats_permission_violations_total", "counter",
              "Messages and subscriptions that NATS did not permit.", stats.permission_violations);
    WRITE_ONE("nats_queued_messages", "gauge", "Messages that wait to be sent.",
              stats.queued_messages);
    WRITE_ONE("nats_pending_requests", "gauge", "Requests that wait for their answer.",
              stats.pending_requests);
    WRITE_ONE("answers_lost_total", "counter", "Answers that the bus did not take.",
              master->counters.answers_lost);
}

void m4h_master_write_metrics(void *context, struct m4h_metrics *metrics)
{
    const struct m4h_master *master = context;
    struct m4h_dispatch_stats dispatch;
    struct m4h_cluster_stats stats;

    m4h_cluster_stats(master->cluster, &stats);
    m4h_cluster_dispatch_stats(master->cluster, &dispatch);
    WRITE_ONE("ready", "gauge", "This master answers for the cluster.", master->readiness.is_ready);
    WRITE_ONE("masters", "gauge", "Masters that are heard, this one too.",
              master->masters.count + 1);
    write_cluster(&stats, metrics);
    write_events(&stats, &master->counters, metrics);
    write_requests(&master->counters, &dispatch, metrics);
    write_latency(master, metrics);
    WRITE_ONE("revocations", "gauge", "Keys and devices of which earlier decisions are void.",
              m4h_revocations_count(master->revocations));
    WRITE_ONE("bans", "gauge", "Of them, those that are not let in.",
              m4h_revocations_ban_count(master->revocations));
    WRITE_ONE("voids_lost_total", "counter",
              "Revocations that the bus did not take: slaves hear of them by a later hello.",
              master->counters.voids_lost);
    WRITE_ONE("authorizations_waiting", "gauge", "Keys that validators are asked about.",
              m4h_master_askings(master));
    m4h_chain_write_metrics(master->chain, metrics);
    m4h_records_write_metrics(master->records, metrics);
    m4h_master_write_enrolment_metrics(master, metrics);
    m4h_audit_write_metrics(master->audit, "mas4h_master", metrics);
    m4h_master_streams_write_metrics(&master->streams, metrics);
    write_bus(master, metrics);
    m4h_loop_write_lag(master->loop, "main", true, metrics);
    if (master->source != NULL)
        m4h_config_source_write_metrics(master->source, metrics);
}
