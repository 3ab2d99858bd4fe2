/* The table of a master's settings. */
#include "services/master/config.h"

#include "lib/config/nats.h"
#include "services/master/core/dispatch.h"
#include "services/master/io/chain.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(struct m4h_master_config, member)

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

static const char *const storages[] = {"file", "memory", NULL};

const char *const m4h_on_failure_names[] = {"cached", "deny", "next", NULL};

static const struct m4h_config_option options[] = {
    {"master", "id", M4H_CONFIG_ID, M4H_CONFIG_AT_START, AT(id), "master-1", 0, 0, NULL,
     "Names this master in logs and in answers."},

    M4H_CONFIG_NATS_ROWS(AT),

    {"log", "level", M4H_CONFIG_CHOICE, M4H_CONFIG_RELOADABLE, AT(log_level), "info", 0, 0,
     log_levels, "The least important lines that are logged."},
    {"run", "ready_file", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(ready_file), "", 0, 0, NULL,
     "A file that says that the service is ready, and on which addresses."},
    {"run", "watch_config", M4H_CONFIG_BOOL, M4H_CONFIG_RELOADABLE, AT(watch_config), "yes", 0, 0,
     NULL, "Reload the configuration file when it changes, as at SIGHUP."},

    {"authorize", "authorized_keys", M4H_CONFIG_PATH, M4H_CONFIG_AT_START, AT(authorized_keys), "",
     0, 0, NULL,
     "The public keys of the devices, as in OpenSSH's file of that name; client-key=\"...\" or "
     "the comment names the device. Read again when it changes. Empty: every key is refused."},
    {"authorize", "validators", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(validators),
     "authorized_keys", 0, 0, NULL,
     "Who is asked about a key, in this order, until one of them knows it: authorized_keys, "
     "certificates, command, database, webhook, service."},
    {"authorize", "validator_timeout_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE,
     AT(validator_timeout_ms), "1000", 1, 60000, NULL,
     "After so long without an answer a validator has failed, where its own section does not say "
     "otherwise."},
    {"authorize", "in_flight_max", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(in_flight_max),
     "4096", 1, 65536, NULL,
     "Keys that validators are asked about at a time; beyond that slaves ask another master."},
    {"authorize", "cache_entries", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(cache_entries),
     "100000", 0, 10000000, NULL,
     "Keys that a validator let in, for each that has to be waited for, which are let in for "
     "valid_for without asking it again. 0: none."},
    {"authorize", "stale_ms", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(stale_ms), "24h", 0,
     2592000000, NULL,
     "For so long after that they are let in while the validator has failed, where its on_failure "
     "is cached."},
    {"authorize", "valid_for", M4H_CONFIG_DURATION, M4H_CONFIG_RELOADABLE, AT(valid_for_ms), "60s",
     0, 86400000, NULL,
     "How long a slave may go on with a good decision about a key without asking again."},

    M4H_CONFIG_WEBHOOK_ROWS(AT),
    M4H_CONFIG_SERVICE_ROWS(AT),
    M4H_CONFIG_REGISTRY_ROWS(AT, registry),
    M4H_CONFIG_CERTIFICATES_ROWS(AT, certificates),
    M4H_CONFIG_COMMAND_ROWS(AT),

    {"dispatch", "reservation_ms", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, AT(reservation_ms),
     "2500", 0, 600000, NULL,
     "How long the room of a slot is kept for a device that has not connected. 0: not at all."},
    {"dispatch", "slots_per_second", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(slots_per_second),
     "auto", M4H_DISPATCH_AUTO, 1000000, NULL,
     "Slots that each region gives in a second at most. auto: as many as its slaves can take, each "
     "of which says how many; a number: these at most, and to no slave more than it can take; 0: "
     "no "
     "limit of any kind."},
    {"dispatch", "sticky_band", M4H_CONFIG_COUNT, M4H_CONFIG_RELOADABLE, AT(sticky_band), "0", 0,
     100, NULL,
     "A device that asks with its client key goes back to the slave that it had last, where that "
     "is "
     "fuller than the emptiest one by no more than this, in percent of its capacity. 0: it goes to "
     "the emptiest one."},
    {"dispatch", "fallback", M4H_CONFIG_TEXT, M4H_CONFIG_RELOADABLE, AT(fallback), "", 0, 0, NULL,
     "Where devices go whose region has no room, as in eu>us>ap,us>eu. Empty: nowhere else."},

    {"cluster", "silent_after_ms", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, AT(silent_after_ms),
     "6000", 100, 3600000, NULL,
     "A slave that was not heard for so long gets no device; it speaks every 2 s."},
    {"cluster", "lost_after_ms", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, AT(lost_after_ms),
     "10000", 200, 3600000, NULL, "After so long without a word its tunnels no longer count."},

    {"events", "stream", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(stream), "MAS4H_EVENTS", 0, 0,
     NULL,
     "The JetStream stream that keeps events for subscribers; it is created where it is missing. "
     "Empty: this master looks after none."},
    {"events", "stream_region", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(stream_region), "", 0, 0,
     NULL,
     "Where regions have a stream each: the region whose events are kept in the stream "
     "STREAM_REGION "
     "(MAS4H_EVENTS_EU of eu) instead of those of all regions in one. Empty: one stream."},
    {"events", "sources", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(stream_sources), "", 0, 0, NULL,
     "Regions, as in eu, us@domain: the stream that [events] stream names copies their streams, "
     "and "
     "has no events but those; @ names the JetStream domain of the other server."},
    {"events", "jetstream_domain", M4H_CONFIG_TEXT, M4H_CONFIG_AT_START, AT(jetstream_domain), "",
     0, 0, NULL,
     "The JetStream domain of this master's streams. Empty: that of the server it is connected "
     "to."},
    {"events", "stream_update", M4H_CONFIG_BOOL, M4H_CONFIG_AT_START, AT(stream_update), "no", 0, 0,
     NULL,
     "Change a stream that differs from these settings, where JetStream can; less room or age "
     "deletes events. no: only say what differs."},
    {"events", "stream_storage", M4H_CONFIG_CHOICE, M4H_CONFIG_AT_START, AT(stream_storage), "file",
     0, 0, storages, "Where a new stream is kept."},
    {"events", "stream_replicas", M4H_CONFIG_COUNT, M4H_CONFIG_AT_START, AT(stream_replicas), "1",
     1, 5, NULL, "On how many servers of a NATS cluster it is kept."},
    {"events", "stream_max_age", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START, AT(stream_max_age_ms),
     "168h", 1000, 31622400000, NULL, "How long it keeps an event."},
    {"events", "stream_max_bytes", M4H_CONFIG_SIZE, M4H_CONFIG_AT_START, AT(stream_max_bytes), "1G",
     65536, 1099511627776, NULL, "How much it keeps; beyond that the oldest go."},
    {"events", "stream_duplicate_window", M4H_CONFIG_DURATION, M4H_CONFIG_AT_START,
     AT(stream_duplicate_window_ms), "2m", 100, 3600000, NULL,
     "For how long it knows an event again that is sent twice."},

    {"http", "listen", M4H_CONFIG_ADDRESS, M4H_CONFIG_AT_START, AT(http_listen), "127.0.0.1:9101",
     0, 0, NULL, "Where /metrics, /healthz and /readyz are; empty: nowhere."},
};

struct m4h_stream_wishes m4h_master_config_streams(const struct m4h_master_config *config)
{
    return (struct m4h_stream_wishes){
        .name = config->stream,
        .region = config->stream_region,
        .sources = config->stream_sources,
        .domain = config->jetstream_domain,
        .is_in_memory = config->stream_storage == 1,
        .replicas = (uint64_t)config->stream_replicas,
        .max_age_ms = (uint64_t)config->stream_max_age_ms,
        .max_bytes = config->stream_max_bytes,
        .duplicate_window_ms = (uint64_t)config->stream_duplicate_window_ms,
    };
}

static bool check(const void *context, char *message, size_t message_size)
{
    const struct m4h_master_config *config = context;
    const struct m4h_stream_wishes wishes = m4h_master_config_streams(config);
    struct m4h_event_stream plans[M4H_STREAM_PLANS_MAX];
    struct m4h_fallback fallback;
    size_t count;
    size_t places[M4H_CHAIN_NAMES_MAX], place_count;
    char wrong[80];

    if (config->silent_after_ms >= config->lost_after_ms) {
        snprintf(message, message_size,
                 "[cluster] silent_after_ms must be less than lost_after_ms");
        return false;
    }
    if (m4h_stream_plan(plans, &count, &wishes, wrong, sizeof(wrong)) != 0) {
        snprintf(message, message_size, "[events] %s", wrong);
        return false;
    }
    if (m4h_chain_read_names(config->validators, places, &place_count, wrong, sizeof(wrong)) != 0) {
        snprintf(message, message_size, "[authorize] validators: %s", wrong);
        return false;
    }
    if (config->registry.enrols && strstr(config->validators, "database") == NULL) {
        snprintf(message, message_size,
                 "[enrolment] enabled needs database among [authorize] validators");
        return false;
    }
    if (m4h_fallback_parse(&fallback, config->fallback, wrong, sizeof(wrong)) != 0) {
        snprintf(message, message_size, "[dispatch] fallback: %s", wrong);
        return false;
    }
    return true;
}

const struct m4h_config_table m4h_master_config_table = {
    .program = "mas4h-master",
    .prefix = "MAS4H_MASTER",
    .summary = "Keeps the state of the cluster, decides on keys and gives devices their slaves.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .size = sizeof(struct m4h_master_config),
    .check = check,
};
