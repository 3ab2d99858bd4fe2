/* A master put together: the bus, the clock and the validators on one loop.
 *
 * The bus wakes the pump, the pump runs the bus, messages go into the cluster,
 * and after each run settle() carries out what the cluster wants and sets the
 * timer to when it must be woken next. Without the bus nothing comes in: the
 * cluster is told, so that nobody grows silent meanwhile. */
#include "services/master/master.h"

#include "lib/audit/audit.h"
#include "lib/base/error.h"
#include "lib/base/ready_file.h"
#include "lib/base/walltime.h"
#include "lib/config/nats.h"
#include "services/master/io/audit.h"
#include "services/master/io/records.h"
#include "services/master/io/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FILE_WATCH_MS    500u
#define STANDSTILL_MS    2000u
#define FLUSH_MS         1000u
#define QUEUE_MESSAGES   65536u
#define QUEUE_BYTES      (64u * 1024 * 1024)
#define MESSAGE_MAX      (256u * 1024)
#define FORGET_AFTER_MS  3600000u
#define ADDRESS_LINE_MAX (M4H_HOST_MAX + 32)

struct m4h_moment m4h_master_moment(const struct m4h_master *master)
{
    return (struct m4h_moment){m4h_loop_now_ms(master->loop), m4h_walltime_now_ms()};
}

/* Marsaglia's xorshift64: it spreads retries, no more. */
uint64_t m4h_master_random(struct m4h_master *master)
{
    master->random ^= master->random << 13;
    master->random ^= master->random >> 7;
    master->random ^= master->random << 17;
    return master->random;
}

/* ---- readiness ------------------------------------------------------------ */

static void write_ready_file(const struct m4h_master *master)
{
    char lines[ADDRESS_LINE_MAX] = "";
    struct m4h_address address;

    if (master->http != NULL && m4h_address_parse(master->config->http_listen, &address) == 0)
        snprintf(lines, sizeof(lines),
                 strchr(address.host, ':') ? "http=[%s]:%u\n" : "http=%s:%u\n", address.host,
                 m4h_http_server_port(master->http));
    if (m4h_ready_file_write(master->config->ready_file, lines) != 0)
        m4h_log(M4H_LOG_ERROR, M4H_MASTER_LOG, "file=%s reason=\"%s\" cannot write the ready file",
                master->config->ready_file, strerror(errno));
}

static void update_readiness(struct m4h_master *master)
{
    struct m4h_cluster_stats stats;

    if (!m4h_master_readiness_decide(&master->readiness, m4h_cluster_is_synced(master->cluster),
                                     m4h_loop_now_ms(master->loop)))
        return;
    if (!master->readiness.is_ready) {
        m4h_log(M4H_LOG_WARNING, M4H_MASTER_LOG, "reason=\"%s\" not ready",
                m4h_master_readiness_lack(&master->readiness));
        return;
    }
    m4h_cluster_stats(master->cluster, &stats);
    m4h_log(M4H_LOG_INFO, M4H_MASTER_LOG, "id=%s tunnels=%zu slaves=%zu ready", master->config->id,
            stats.tunnels, stats.slaves[M4H_SLAVE_READY]);
    m4h_master_greet(master);
    write_ready_file(master);
}

bool m4h_master_is_ready(const struct m4h_master *master)
{
    return master->readiness.is_ready;
}

/* ---- work ----------------------------------------------------------------- */

static void carry_out(struct m4h_master *master, const struct m4h_effect *effect)
{
    switch (effect->type) {
    case M4H_EFFECT_SNAPSHOT:
        m4h_master_ask_snapshot(master, effect);
        break;
    case M4H_EFFECT_KICK:
        m4h_master_kick(master, effect);
        break;
    case M4H_EFFECT_NOTE:
        m4h_master_log_note(master, effect);
        if (effect->as.note.note == M4H_NOTE_OLD_EPOCH)
            m4h_master_tell_displaced(master, effect);
        break;
    case M4H_EFFECT_FLAPPING:
        m4h_master_log_flapping(master, effect);
        break;
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Does what is due and carries out what it brings, and sleeps until the next. */
static void settle(struct m4h_master *master)
{
    uint64_t now_ms = m4h_loop_now_ms(master->loop), next_ms;
    struct m4h_effect effect;

    m4h_cluster_tick(master->cluster, m4h_master_moment(master));
    while (m4h_cluster_take_effect(master->cluster, &effect))
        carry_out(master, &effect);
    m4h_master_send_shared(master);
    next_ms =
        earlier(m4h_master_run_kicks(master), m4h_master_streams_run(&master->streams, now_ms));
    update_readiness(master);
    next_ms = earlier(next_ms, m4h_master_readiness_next_ms(&master->readiness, now_ms));
    next_ms = earlier(next_ms, m4h_cluster_next_tick_ms(master->cluster));
    if (next_ms == UINT64_MAX)
        m4h_timer_stop(master->tick);
    else
        m4h_timer_start(master->tick, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

/* Where the whole process stood still (stopped, or its machine asleep), what the
 * slaves said meanwhile still waits on the bus: that time counts as cut off. */
static void notice_standstill(struct m4h_master *master)
{
    uint64_t now_ms = m4h_loop_now_ms(master->loop);

    if (now_ms - master->alive_ms > STANDSTILL_MS && m4h_bus_is_connected(master->bus)) {
        m4h_log(M4H_LOG_WARNING, M4H_MASTER_LOG, "age_ms=%llu this process stood still",
                (unsigned long long)(now_ms - master->alive_ms));
        m4h_cluster_set_online(master->cluster, false, master->alive_ms);
        m4h_cluster_set_online(master->cluster, true, now_ms);
    }
    master->alive_ms = now_ms;
}

static void on_tick(void *context)
{
    notice_standstill(context);
    settle(context);
}

static uint64_t run_bus(void *context, uint64_t now_ms)
{
    struct m4h_master *master = context;
    uint64_t next_ms;

    notice_standstill(master);
    next_ms = m4h_bus_run(master->bus, now_ms);
    settle(master);
    return next_ms;
}

static void on_status(void *context, bool connected)
{
    struct m4h_master *master = context;
    uint64_t now_ms = m4h_loop_now_ms(master->loop);

    m4h_cluster_set_online(master->cluster, connected, now_ms);
    m4h_master_readiness_connected(&master->readiness, connected, now_ms);
    m4h_audit_connected(master->audit, connected);
    if (connected) {
        m4h_master_greet(master);
        m4h_master_streams_connected(&master->streams);
    }
}

static void on_ack(void *context, uint64_t token, int error, const uint8_t *data, size_t len)
{
    struct m4h_master *master = context;

    m4h_audit_on_ack(master->audit, token, error, data, len);
}

static int fill_dispatch(struct m4h_dispatch_config *dispatch,
                         const struct m4h_master_config *config)
{
    char wrong[80];

    *dispatch = (struct m4h_dispatch_config){
        .reservation_ms = (uint32_t)config->reservation_ms,
        .slots_per_second = (int32_t)config->slots_per_second,
        .sticky_band = (uint32_t)config->sticky_band,
    };
    return m4h_fallback_parse(&dispatch->fallback, config->fallback, wrong, sizeof(wrong));
}

/* ---- reload --------------------------------------------------------------- */

static void reload_config(struct m4h_master *master, const char *cause)
{
    struct m4h_dispatch_config dispatch;
    unsigned changed;
    int error;

    if (master->source == NULL)
        return;
    error = m4h_config_reload(master->source, master->config, &changed);
    m4h_master_audit_reload(master, cause, error);
    if (error != 0)
        return;
    m4h_log_set_level((enum m4h_log_level)master->config->log_level);
    m4h_records_reload(master->records);
    if (fill_dispatch(&dispatch, master->config) == 0)
        m4h_cluster_set_dispatch(master->cluster, &dispatch);
    m4h_log(M4H_LOG_INFO, M4H_MASTER_LOG, "changed=%u configuration is reloaded", changed);
}

void m4h_master_reload(struct m4h_master *master)
{
    m4h_supervisor_reloading(master->supervisor);
    reload_config(master, "SIGHUP");
    m4h_chain_reload(master->chain);
    m4h_supervisor_ready(master->supervisor);
}

static void tell_status(struct m4h_master *master)
{
    const char *lack = m4h_master_readiness_lack(&master->readiness);
    struct m4h_cluster_stats stats;

    m4h_cluster_stats(master->cluster, &stats);
    if (lack != NULL)
        m4h_supervisor_status(master->supervisor, "not ready: %s", lack);
    else
        m4h_supervisor_status(master->supervisor, "ready: %zu slaves",
                              stats.slaves[M4H_SLAVE_READY]);
}

static void on_file_watch(void *context)
{
    struct m4h_master *master = context;

    notice_standstill(master);
    m4h_chain_look(master->chain);
    if (master->source != NULL && master->config->watch_config &&
        m4h_config_source_has_changed(master->source)) {
        reload_config(master, "file");
        m4h_chain_reload(master->chain);
    }
    tell_status(master);
}

/* ---- parts ---------------------------------------------------------------- */

static const struct m4h_bus_subscription subscriptions[] = {
    {"mas4h.v1.events.>", NULL, m4h_master_on_event},
    {"mas4h.v1.master.hello", NULL, m4h_master_on_hello},
    {"mas4h.v1.master.reservations", NULL, m4h_master_on_reservations},
    {"mas4h.v1.master.devices", NULL, m4h_master_on_devices_changed},
    {"mas4h.v1.control.revoke", NULL, m4h_master_on_revoke},
    {"mas4h.v1.rpc.devices.list", "master", m4h_master_on_devices_list},
    {"mas4h.v1.rpc.devices.get", "master", m4h_master_on_device_get},
    {"mas4h.v1.rpc.devices.put", "master", m4h_master_on_device_put},
    {"mas4h.v1.rpc.devices.remove", "master", m4h_master_on_device_remove},
    {"mas4h.v1.rpc.revoke", "master", m4h_master_on_revoke_request},
    {"mas4h.v1.rpc.revocations", "master", m4h_master_on_revocations},
    {"mas4h.v1.rpc.dispatch", "master", m4h_master_on_dispatch},
    {"mas4h.v1.rpc.authorize", "master", m4h_master_on_authorize},
    {"mas4h.v1.rpc.status.cluster", "master", m4h_master_on_cluster},
    {"mas4h.v1.rpc.status.slaves", "master", m4h_master_on_slaves},
    {"mas4h.v1.rpc.status.tunnels", "master", m4h_master_on_tunnels},
    {"mas4h.v1.rpc.status.tunnel", "master", m4h_master_on_tunnel},
    {"mas4h.v1.rpc.locate", "master", m4h_master_on_locate},
};

/* What one asks of this master alone, whoever else is in the queue group. Where two
 * have the same id by mistake, one of them answers. */
static const struct {
    const char *what;
    m4h_bus_on_message on_message;
} own_questions[] = {
    {"dispatch", m4h_master_on_dispatch},
    {"authorize", m4h_master_on_authorize},
    {"status.cluster", m4h_master_on_cluster},
    {"status.slaves", m4h_master_on_slaves},
    {"status.tunnels", m4h_master_on_tunnels},
    {"status.tunnel", m4h_master_on_tunnel},
    {"revoke", m4h_master_on_revoke_request},
    {"revocations", m4h_master_on_revocations},
    {"devices.list", m4h_master_on_devices_list},
    {"devices.get", m4h_master_on_device_get},
    {"devices.put", m4h_master_on_device_put},
    {"devices.remove", m4h_master_on_device_remove},
    {"locate", m4h_master_on_locate},
};

#define SUBSCRIPTIONS   (M4H_COUNT(subscriptions) + M4H_COUNT(own_questions))
#define OWN_SUBJECT_MAX (M4H_ID_MAX + 40)

static void add_own_questions(const char *id, struct m4h_bus_subscription *out,
                              char subjects[][OWN_SUBJECT_MAX])
{
    for (size_t i = 0; i < M4H_COUNT(own_questions); i++) {
        snprintf(subjects[i], OWN_SUBJECT_MAX, "mas4h.v1.master.%s.%s", id, own_questions[i].what);
        out[i] = (struct m4h_bus_subscription){subjects[i], "master", own_questions[i].on_message};
    }
}

static int create_bus(struct m4h_master *master)
{
    const struct m4h_master_config *config = master->config;
    struct m4h_bus_subscription all[SUBSCRIPTIONS];
    char own_subjects[M4H_COUNT(own_questions)][OWN_SUBJECT_MAX];
    char name[M4H_ID_MAX + 32];
    struct m4h_bus_config bus = {
        .name = name,
        .queue_messages = QUEUE_MESSAGES,
        .queue_bytes = QUEUE_BYTES,
        .subscriptions = all,
        .subscription_count = SUBSCRIPTIONS,
        .on_status = on_status,
        .on_ack = on_ack,
        .wake = m4h_pump_wake,
        .wake_context = master->pump,
        .run_soon = m4h_pump_run_soon,
        .context = master,
    };
    int error;

    M4H_CONFIG_NATS_FILL(&bus, config);
    memcpy(all, subscriptions, sizeof(subscriptions));
    add_own_questions(config->id, all + M4H_COUNT(subscriptions), own_subjects);
    snprintf(name, sizeof(name), "mas4h-master %s", config->id);
    error = m4h_bus_create(&master->bus, &bus);
    if (error == 0)
        m4h_audit_use(master->audit, master->bus);
    return error;
}

static int create_cluster(struct m4h_master *master)
{
    const struct m4h_master_config *config = master->config;
    struct m4h_cluster_config cluster = {
        .silent_after_ms = (uint64_t)config->silent_after_ms,
        .lost_after_ms = (uint64_t)config->lost_after_ms,
        .forget_after_ms = FORGET_AFTER_MS,
        .seed = m4h_master_random(master),
    };
    int error = fill_dispatch(&cluster.dispatch, config);

    if (error == 0)
        error = m4h_cluster_create(&master->cluster, &cluster);
    if (error == 0) /* until the bus says otherwise */
        m4h_cluster_set_online(master->cluster, false, m4h_loop_now_ms(master->loop));
    return error;
}

static bool is_ready(void *context, char *reason, size_t reason_size)
{
    const struct m4h_master *master = context;
    const char *lack = master->leaving != NULL ? "this master stops"
                                               : m4h_master_readiness_lack(&master->readiness);

    snprintf(reason, reason_size, "%s", lack != NULL ? lack : "");
    return lack == NULL;
}

static int create_http(struct m4h_master *master)
{
    struct m4h_http_config http = {
        .component = "http", .routes = &master->routes, .routes_count = 1};
    struct m4h_address address;

    if (master->config->http_listen[0] == '\0')
        return 0;
    if (m4h_address_parse(master->config->http_listen, &address) != 0)
        return M4H_EINVALID;
    master->ops = (struct m4h_http_ops){is_ready, m4h_master_write_metrics, master, "mas4h-master"};
    master->routes = m4h_http_ops_routes(&master->ops);
    return m4h_http_server_create(&master->http, master->loop, &address, &http);
}

static int create_memory(struct m4h_master *master)
{
    master->tunnels_page = calloc(M4H_PAGE_SIZE_MAX, sizeof(master->tunnels_page[0]));
    master->slaves_page = calloc(M4H_PAGE_SIZE_MAX, sizeof(master->slaves_page[0]));
    master->regions = calloc(M4H_REGIONS_MAX, sizeof(master->regions[0]));
    if (master->tunnels_page == NULL || master->slaves_page == NULL || master->regions == NULL)
        return M4H_ENOMEM;
    return 0;
}

/* ---- life ----------------------------------------------------------------- */

static int create_parts(struct m4h_master *master)
{
    int error = create_memory(master);

    if (error == 0)
        error = m4h_chain_create(&master->chain, master);
    if (error == 0)
        error = create_cluster(master);
    if (error == 0)
        error = m4h_kicks_create(&master->kicks);
    if (error == 0)
        error = m4h_timer_create(&master->tick, master->loop, on_tick, master);
    if (error == 0)
        error = m4h_timer_create(&master->file_watch, master->loop, on_file_watch, master);
    if (error == 0)
        error = m4h_audit_create(&master->audit, master->loop, master->config->id);
    if (error == 0)
        error = m4h_master_open_revocations(master);
    if (error == 0)
        error = m4h_records_create(&master->records, master);
    if (error == 0)
        error = m4h_master_open_enrolment(master);
    if (error == 0)
        error = m4h_master_open_masters(master);
    if (error == 0)
        error = m4h_pump_create(&master->pump, master->loop, run_bus, master);
    if (error == 0)
        error = create_http(master);
    if (error == 0)
        error = create_bus(master);
    return error;
}

int m4h_master_create(struct m4h_master **master, struct m4h_loop *loop,
                      struct m4h_master_config *config, struct m4h_config_source *source,
                      struct m4h_supervisor *supervisor)
{
    struct m4h_master *made = calloc(1, sizeof(*made));
    int error;

    *master = NULL;
    if (made == NULL)
        return M4H_ENOMEM;
    made->config = config;
    for (size_t i = 0; i < M4H_MASTER_REQUESTS; i++)
        m4h_latency_init_short(&made->latency[i]);
    made->source = source;
    made->supervisor = supervisor;
    made->loop = loop;
    made->alive_ms = m4h_loop_now_ms(loop);
    made->started_wall_ms = m4h_walltime_now_ms();
    made->out.cap = MESSAGE_MAX;
    if (getrandom(&made->random, sizeof(made->random), 0) != sizeof(made->random) ||
        made->random == 0)
        made->random = made->started_wall_ms;
    m4h_ready_file_remove(config->ready_file);
    error = create_parts(made);
    if (error != 0) {
        m4h_log(M4H_LOG_ERROR, M4H_MASTER_LOG, "reason=\"%s\" cannot start", m4h_error_text(error));
        m4h_master_destroy(made);
        return error;
    }
    m4h_master_streams_open(&made->streams, config, made->bus, loop);
    m4h_timer_start(made->file_watch, FILE_WATCH_MS, FILE_WATCH_MS);
    *master = made;
    return 0;
}

void m4h_master_destroy(struct m4h_master *master)
{
    if (master == NULL)
        return;
    if (master->readiness.was_ready)
        m4h_ready_file_remove(master->config->ready_file);
    m4h_master_take_leave(master);
    m4h_chain_destroy(master->chain);
    m4h_master_free_askings(master);
    m4h_audit_destroy(master->audit);
    master->audit = NULL;
    m4h_bus_destroy(master->bus, FLUSH_MS);
    m4h_http_server_destroy(master->http);
    m4h_pump_close(master->pump);
    m4h_timer_close(master->tick);
    m4h_timer_close(master->file_watch);
    m4h_timer_close(master->hello);
    m4h_timer_close(master->leaving);
    m4h_master_free_snapshots(master);
    m4h_master_free_kicks(master);
    m4h_records_destroy(master->records);
    free(master->enrolling);
    m4h_revocations_destroy(master->revocations);
    m4h_cluster_destroy(master->cluster);
    m4h_buffer_free(&master->out);
    free(master->tunnels_page);
    free(master->slaves_page);
    free(master->regions);
    free(master);
}

uint16_t m4h_master_http_port(const struct m4h_master *master)
{
    return master->http != NULL ? m4h_http_server_port(master->http) : 0;
}
